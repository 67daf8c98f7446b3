// One exchange with a gateway, from the first byte of the request to the last of the answer. Passes bytes on as they
// come, with back-pressure both ways, and ends both sides together: what the gateway cut short is cut short for the
// client too, never ended cleanly.
import type { Clock } from "../../core/clock.ts";
import type { Denial } from "../../core/denial.ts";
import { err, ok, type Result } from "../../core/result.ts";
import type { ClientSide } from "../client-answer.ts";
import type { ParsedRequest } from "../request/parsed-request.ts";
import { unreachable } from "../route/connect-endpoint.ts";
import type { Health } from "../route/health.ts";
import type { Upstream } from "../route/pick-endpoint.ts";
import type { SilenceWatch, Watched } from "../silence-watch.ts";
import { NOWHERE } from "../swap-list.ts";
import { answerHeaders, answerTrailers } from "./answer-headers.ts";
import type { Exchange, Fate, GatewayConnection } from "./gateway-connection.ts";
import type { EndpointConnections, GatewayConnections } from "./gateway-connections.ts";
import { answerFault, connectFault, type GatewayFault } from "./gateway-fault.ts";
import { RequestBody } from "./request-body.ts";

export type ExchangeDeps = {
  readonly connections: GatewayConnections;
  readonly silence: SilenceWatch<HttpExchange>;
  readonly health: Health;
  readonly clock: Clock;
  readonly limits: ExchangeLimits;
};

export type ExchangeLimits = {
  readonly requestBodyBytes: number;
  readonly connectTimeoutMs: number;
  /** For an answer to begin, once the request is sent. */
  readonly answerTimeoutMs: number;
  /** Between two parts of a body, in either direction. */
  readonly idleTimeoutMs: number;
};

export type ExchangeParts = {
  readonly request: ParsedRequest;
  readonly upstream: Upstream;
  readonly client: ClientSide;
  /** Called once, when the answer is all sent or cut; with a denial if it is still the caller's to write. */
  readonly settle: (end: Result<void, Denial>) => void;
};

/** A larger body is not copied once more only to leave in one write with the head. */
const MAX_IN_ONE_WRITE = 16 * 1024;

/**
 * There is one for each request, so it is plain fields and shared methods: with accessors and functions of its own,
 * dead ones kept their successors from being collected early, which cost a fifth of an exchange.
 */
export class HttpExchange implements Exchange, Watched {
  silentUntil = Number.POSITIVE_INFINITY;
  placedAt = NOWHERE;
  private readonly deps: ExchangeDeps;
  private readonly parts: ExchangeParts;
  private readonly pool: EndpointConnections;
  /** Until it is given back. */
  private connection: GatewayConnection | undefined;
  private head = "";
  private body: RequestBody | undefined;
  private stage: "connecting" | "connected" | "sending" | "sent" = "connecting";
  /** The first part of the answer's body, until the end of the tick: most are whole then, and become one write. */
  private held: Buffer | undefined;
  private flushed = false;
  /** The gateway does, for the client. */
  private waits = false;
  /** The gateway's side is over, well. */
  private complete = false;
  /** The response is no longer this exchange's to write to. */
  private over = false;
  private settled = false;

  constructor(deps: ExchangeDeps, parts: ExchangeParts) {
    this.deps = deps;
    this.parts = parts;
    this.pool = deps.connections.of(parts.upstream.endpoint);
  }

  /**
   * @param head of the request, as the gateway gets it
   * @param hasBody what the client sends behind its own head is sent behind this one
   */
  start(head: string, hasBody: boolean): void {
    const { request, client } = this.parts;
    client.answer.on("close", () => this.clientClosed());
    this.head = head;
    if (hasBody && client.body !== undefined) {
      this.body = new RequestBody(client.body.incoming, request.headers.has("transfer-encoding"), this);
    }
    this.allowSilence(this.deps.limits.connectTimeoutMs);
    this.deps.silence.add(this);
    this.connection = this.pool.take();
    this.connection.begin(request.method, this);
  }

  /** Ends it from this side, at once, at whatever point it is. */
  end(denial: Denial): void {
    if (this.over) return;
    if (this.parts.client.answer.headersSent) this.cut();
    else {
      this.settle(err(denial));
      this.leave();
    }
  }

  hasAsked(): boolean {
    return this.stage === "sending" || this.stage === "sent";
  }

  onConnected(): void {
    const { connection } = this;
    if (connection === undefined) return;
    // RFC 9110 §10.1.1: only now is the body wanted, of somebody who may send it, by a gateway that is there.
    if (this.parts.request.headers.has("expect")) this.parts.client.body?.invite();
    if (this.body === undefined) {
      connection.socket.write(this.head, "latin1");
      this.onBodySent();
    } else {
      this.stage = "connected";
      this.allowSilence(this.deps.limits.idleTimeoutMs);
      this.body.sendTo(connection.socket, this.head);
    }
  }

  onDrain(): void {
    this.body?.goOn();
  }

  /** @param received bytes of the request's body until now */
  onBodyPart(received: number): void {
    const limitBytes = this.deps.limits.requestBodyBytes;
    if (received > limitBytes) {
      this.end({ code: "body_too_large", limitBytes });
      return;
    }
    this.stage = "sending";
    this.allowSilence(this.deps.limits.idleTimeoutMs);
  }

  onBodySent(): void {
    this.stage = "sent";
    this.allowSilence(this.deps.limits.answerTimeoutMs);
  }

  onHead(status: number, fields: readonly string[]): void {
    const { client, request, upstream } = this.parts;
    this.deps.health.report(upstream.endpoint, "up");
    this.allowSilence(this.deps.limits.idleTimeoutMs);
    // What is left of the request's body would otherwise be read for as long as a client likes to send it.
    if (client.body?.incoming.complete === false) client.answer.shouldKeepAlive = false;
    client.answer.writeHead(status, answerHeaders(status, fields, request.id));
    process.nextTick(flush, this);
  }

  onBody(bytes: Buffer): void {
    const { answer } = this.parts.client;
    this.allowSilence(this.deps.limits.idleTimeoutMs);
    if (!this.flushed && this.held === undefined) {
      this.held = bytes;
      return;
    }
    this.flush();
    if (answer.write(bytes) || this.waits) return;
    this.waits = true;
    this.connection?.socket.pause();
    answer.once("drain", () => {
      this.waits = false;
      this.connection?.socket.resume();
    });
  }

  onEnd(trailers: readonly string[]): void {
    this.complete = true;
    this.leave();
    if (this.over) return;
    const { request, client } = this.parts;
    const { answer } = client;
    if (trailers.length > 0 && WANTS_TRAILERS.test(request.headers.get("te") ?? "")) {
      answer.addTrailers(answerTrailers(trailers));
    }
    const { held } = this;
    this.flushed = true;
    // As text it becomes one write with the head.
    if (held !== undefined && held.length <= MAX_IN_ONE_WRITE) answer.end(held.toString("latin1"), "latin1");
    else answer.end(held);
  }

  onConnectFault(error: unknown): void {
    this.fail(connectFault(error, this.parts.upstream.gateway.id));
  }

  onAnswerFault(what: string): void {
    this.fail(answerFault(what, this.parts.upstream.gateway.id));
  }

  onSilence(): void {
    const { client, upstream } = this.parts;
    if (this.stage === "connecting") this.onConnectFault(unreachable("no connection in time"));
    // The client's own silence, in the middle of its body, unless it is kept waiting by a gateway that does not read.
    else if (this.stage !== "sent" && client.body?.incoming.isPaused() === false)
      this.end({ code: "client_gone" });
    else this.end(answerFault("silent for too long", upstream.gateway.id).denial);
  }

  /** Sends what there is of the answer: an event stream may be silent for long behind its head. */
  flush(): void {
    if (this.flushed || this.over) return;
    this.flushed = true;
    const { held } = this;
    this.held = undefined;
    if (held === undefined) this.parts.client.answer.flushHeaders();
    else this.parts.client.answer.write(held);
  }

  private fail({ denial, down }: GatewayFault): void {
    if (this.complete || this.over) return;
    const { answer } = this.parts.client;
    if (answer.headersSent) {
      this.flush();
      this.over = true;
      this.leave("abandoned");
      // In a turn of its own: what came before is still on its way to the socket.
      setImmediate(() => answer.destroy());
      return;
    }
    if (down !== undefined) this.deps.health.report(this.parts.upstream.endpoint, "down", down);
    this.settle(err(denial));
    this.leave("abandoned");
  }

  /** The answer is all sent, or nobody is there to read it. */
  private clientClosed(): void {
    this.settle(this.parts.client.answer.headersSent ? ok(undefined) : err({ code: "client_gone" }));
    this.leave();
  }

  private cut(): void {
    this.over = true;
    this.leave();
    this.parts.client.answer.destroy();
  }

  private settle(end: Result<void, Denial>): void {
    if (this.settled) return;
    this.settled = true;
    this.over = true;
    this.deps.silence.remove(this);
    this.parts.settle(end);
  }

  private allowSilence(durationMs: number): void {
    this.silentUntil = this.deps.clock.monotonic() + durationMs;
  }

  /** Gives the connection back, in whatever state the two are; one that has failed is not tried again. */
  private leave(fate = this.fate()): void {
    const { connection } = this;
    if (connection === undefined) return;
    this.connection = undefined;
    this.body?.stop();
    this.pool.give(connection, fate);
  }

  private fate(): Fate {
    if (!this.hasAsked()) return "unused";
    return this.stage === "sent" && this.complete ? "over" : "abandoned";
  }
}

// RFC 9110 §10.1.4.
const WANTS_TRAILERS = /(^|,)[ \t]*trailers[ \t]*(,|$)/i;

function flush(exchange: HttpExchange): void {
  exchange.flush();
}
