// One exchange with a gateway, from the first byte of the request to the last of the answer. Passes bytes on as they
// come, with back-pressure both ways, and ends both sides together: what the gateway cut short is cut short for the
// client too, never ended cleanly.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Client, Dispatcher } from "undici";
import type { Clock } from "../../core/clock.ts";
import type { Denial } from "../../core/denial.ts";
import { err, ok, type Result } from "../../core/result.ts";
import type { ParsedRequest } from "../request/parsed-request.ts";
import type { Health } from "../route/health.ts";
import type { Upstream } from "../route/pick-endpoint.ts";
import { NOWHERE } from "../swap-list.ts";
import { answerHeaders, answerTrailers } from "./answer-headers.ts";
import type { EndpointConnections, GatewayConnections } from "./gateway-connections.ts";
import { gatewayFault } from "./gateway-fault.ts";
import type { SilenceWatch, Watched } from "./silence-watch.ts";

export type ExchangeDeps = {
  readonly connections: GatewayConnections;
  readonly silence: SilenceWatch;
  readonly health: Health;
  readonly clock: Clock;
  readonly limits: ExchangeLimits;
};

export type ExchangeLimits = {
  readonly requestBodyBytes: number;
  /** For an answer to begin, once the request is sent. */
  readonly answerTimeoutMs: number;
  /** Between two parts of a body, in either direction. */
  readonly idleTimeoutMs: number;
};

export type ExchangeParts = {
  readonly request: ParsedRequest;
  readonly upstream: Upstream;
  readonly incoming: IncomingMessage;
  readonly response: ServerResponse;
  /** Called once, when the answer is all sent or cut; with a denial if the response is still the caller's to write. */
  readonly settle: (end: Result<void, Denial>) => void;
};

/**
 * The handler of undici's own interface, as its client calls it. The newer one with a controller stands on top of
 * this and costs a tenth of an exchange: it makes an object of all headers, which nobody reads.
 *
 * There is one for each request, so it is plain fields and shared methods: with accessors and functions of its own,
 * dead ones kept their successors from being collected early, which cost a fifth of an exchange.
 */
export class HttpExchange implements Dispatcher.DispatchHandler, Watched {
  silentUntil = Number.POSITIVE_INFINITY;
  placedAt = NOWHERE;
  private readonly deps: ExchangeDeps;
  private readonly parts: ExchangeParts;
  private pool: EndpointConnections | undefined;
  private client: Client | undefined;
  private abort: (() => void) | undefined;
  private resume: (() => void) | undefined;
  /** The first part of the body, until the end of the tick: most answers are whole then, and become one write. */
  private held: Buffer | undefined;
  private flushed = false;
  private requestSent = false;
  /** The gateway's side is over, well. */
  private complete = false;
  /** The response is no longer this exchange's to write to. */
  private over = false;
  private settled = false;

  constructor(deps: ExchangeDeps, parts: ExchangeParts) {
    this.deps = deps;
    this.parts = parts;
  }

  /** @param headers names and values in turn, as the gateway gets them */
  start(headers: string[], body: IncomingMessage | null): void {
    const { request, upstream, response } = this.parts;
    response.on("close", () => this.clientClosed());
    this.pool = this.deps.connections.of(upstream.endpoint);
    this.client = this.pool.take();
    const method = request.method as Dispatcher.HttpMethod;
    this.client.dispatch({ method, path: `${request.path}${request.query}`, headers, body }, this);
  }

  /** Ends it from this side, at once, at whatever point it is. */
  end(denial: Denial): void {
    if (this.over) return;
    if (this.parts.response.headersSent) this.cut();
    else {
      this.settle(err(denial));
      this.abort?.();
    }
  }

  /** The connection is there; right behind this the request is written to it. */
  onConnect(abort: () => void): void {
    // Thrown, not aborted: undici then drops the request and keeps the connection, which has carried nothing of it.
    if (this.over) throw new Error("nobody waits for it any more");
    this.abort = abort;
    this.allowSilence(this.deps.limits.idleTimeoutMs);
    this.deps.silence.add(this);
    const { headers } = this.parts.request;
    // RFC 9110 §10.1.1: only now is the body wanted, of somebody who may send it, by a gateway that is there.
    if (headers.has("expect")) this.parts.response.writeContinue();
    if (headers.has("transfer-encoding")) this.countBody();
  }

  onBodySent(): void {
    this.allowSilence(this.deps.limits.idleTimeoutMs);
  }

  onRequestSent(): void {
    this.requestSent = true;
    this.allowSilence(this.deps.limits.answerTimeoutMs);
  }

  onHeaders(status: number, received: Buffer[], resume: () => void): boolean {
    // RFC 9110 §15.2: may be dropped. What 103 hints at would be fetched in the door's name.
    if (status < 200) return true;
    const { incoming, response, request, upstream } = this.parts;
    this.deps.health.report(upstream.endpoint, "up");
    this.allowSilence(this.deps.limits.idleTimeoutMs);
    this.resume = resume;
    // What is left of the request's body would otherwise be read for as long as a client likes to send it.
    if (!incoming.complete) response.shouldKeepAlive = false;
    response.writeHead(status, answerHeaders(status, received, request.id));
    if (status === 204 || status === 304) {
      // RFC 9112 §6.3: these end with their head, whatever length it says, which undici takes for a fault.
      this.complete = true;
      response.end();
    } else process.nextTick(flush, this);
    return true;
  }

  onData(chunk: Buffer): boolean {
    const { response } = this.parts;
    this.allowSilence(this.deps.limits.idleTimeoutMs);
    if (!this.flushed && this.held === undefined) {
      this.held = chunk;
      return true;
    }
    this.flush();
    if (response.write(chunk)) return true;
    if (this.resume !== undefined) response.once("drain", this.resume);
    return false;
  }

  // undici delivers a flat list of names and values, which its types do not say.
  onComplete(trailers: unknown): void {
    this.giveBack();
    if (this.complete) return;
    this.complete = true;
    const { request, response } = this.parts;
    if (WANTS_TRAILERS.test(request.headers.get("te") ?? "")) {
      response.addTrailers(answerTrailers(trailers as Buffer[]));
    }
    this.flushed = true;
    response.end(this.held);
  }

  onError(error: unknown): void {
    this.giveBack();
    if (this.complete || this.over) return;
    if (this.parts.response.headersSent) {
      this.flush();
      this.cut();
      return;
    }
    const { gateway, endpoint } = this.parts.upstream;
    const { denial, down } = gatewayFault(error, gateway.id);
    if (down !== undefined) this.deps.health.report(endpoint, "down", down);
    this.settle(err(denial));
  }

  onSilence(): void {
    const { incoming, upstream } = this.parts;
    // The client's own silence, in the middle of its body, unless it is kept waiting by a gateway that does not read.
    if (!this.requestSent && !incoming.isPaused()) this.end({ code: "client_gone" });
    else
      this.end({ code: "gateway_answer_invalid", gateway: upstream.gateway.id, what: "silent for too long" });
  }

  /** Sends what there is of the answer: an event stream may be silent for long behind its head. */
  flush(): void {
    if (this.flushed || this.over) return;
    this.flushed = true;
    const { held } = this;
    this.held = undefined;
    if (held === undefined) this.parts.response.flushHeaders();
    else this.parts.response.write(held);
  }

  /** The answer is all sent, or nobody is there to read it. */
  private clientClosed(): void {
    this.settle(this.parts.response.headersSent ? ok(undefined) : err({ code: "client_gone" }));
    this.abort?.();
  }

  private cut(): void {
    this.over = true;
    this.abort?.();
    this.parts.response.destroy();
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

  private giveBack(): void {
    if (this.client === undefined) return;
    this.pool?.give(this.client);
    this.client = undefined;
  }

  // A body without a length. Who sends it on begins to read in this same tick, so that no part of it is lost.
  private countBody(): void {
    const limitBytes = this.deps.limits.requestBodyBytes;
    let received = 0;
    this.parts.incoming.on("data", (chunk: Buffer) => {
      received += chunk.length;
      if (received > limitBytes) this.end({ code: "body_too_large", limitBytes });
    });
  }
}

// RFC 9110 §10.1.4.
const WANTS_TRAILERS = /(^|,)[ \t]*trailers[ \t]*(,|$)/i;

function flush(exchange: HttpExchange): void {
  exchange.flush();
}
