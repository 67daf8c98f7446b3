// One exchange with a gateway, from the first byte of the request to the last of the answer. Passes bytes on as they
// come, with back-pressure both ways, and ends both sides together: what the gateway cut short is cut short for the
// client too, never ended cleanly.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Dispatcher } from "undici";
import type { Denial } from "../../core/denial.ts";
import { err, ok, type Result } from "../../core/result.ts";
import { answerHeaders, answerTrailers } from "./answer-headers.ts";
import type { EndpointConnections } from "./gateway-connections.ts";

/** Why nothing was answered: because of the gateway, or of the door or the client. */
type ExchangeFault =
  | { readonly by: "gateway"; readonly error: unknown }
  | { readonly by: "door"; readonly denial: Denial };

/** With a fault the response is still unwritten, and the caller's. */
export type ExchangeEnd = Result<void, ExchangeFault>;

export type ExchangeParts = {
  readonly incoming: IncomingMessage;
  readonly response: ServerResponse;
  readonly requestId: string;
  /** The client can read trailers (`TE: trailers`). */
  readonly wantsTrailers: boolean;
  /** Called when the connection to the gateway is there, right before the request is written to it. */
  readonly onReady: () => void;
  /** Called when the gateway begins to answer. */
  readonly onAnswer: () => void;
  /** Called once, when the answer is all sent or cut, or cannot be. */
  readonly onEnd: (end: ExchangeEnd) => void;
};

/**
 * The handler of undici's own interface, as its client calls it. The newer one with a controller stands on top of
 * this and costs a tenth of an exchange: it makes an object of all headers, which nobody reads.
 */
export class HttpExchange implements Dispatcher.DispatchHandler {
  readonly #parts: ExchangeParts;
  #giveBack = () => {};
  #abort: (() => void) | undefined;
  #resume = () => {};
  /** The first part of the body, until the end of the tick: most answers are whole then, and become one write. */
  #held: Buffer | undefined;
  #flushed = false;
  /** The gateway's side is over, well. */
  #complete = false;
  /** The response is no longer this exchange's to write to. */
  #over = false;
  #settled = false;

  constructor(parts: ExchangeParts) {
    this.#parts = parts;
    parts.response.on("close", () => this.#closed());
  }

  start(connections: EndpointConnections, request: Dispatcher.DispatchOptions): void {
    const client = connections.take();
    this.#giveBack = () => {
      this.#giveBack = () => {};
      connections.give(client);
    };
    client.dispatch(request, this);
  }

  /** Ends it from this side, at once, at whatever point it is. */
  end(denial: Denial): void {
    if (this.#over) return;
    if (this.#parts.response.headersSent) this.#cut();
    else {
      this.#settle(err({ by: "door", denial }));
      this.#letGo();
    }
  }

  onConnect(abort: () => void): void {
    // Thrown, not aborted: undici then drops the request and keeps the connection, which has carried nothing of it.
    if (this.#over) throw new Error("nobody waits for it any more");
    this.#abort = abort;
    this.#parts.onReady();
  }

  onHeaders(status: number, received: Buffer[], resume: () => void): boolean {
    // 103 and the like: what it hints at would be fetched in the door's name. RFC 9110 §15.2: may be dropped.
    if (status < 200) return true;
    const { incoming, response, requestId, onAnswer } = this.#parts;
    onAnswer();
    this.#resume = resume;
    // What is left of the request's body would otherwise be read for as long as a client likes to send it.
    if (!incoming.complete) response.shouldKeepAlive = false;
    response.writeHead(status, answerHeaders(status, received, requestId));
    if (status === 204 || status === 304) {
      // RFC 9110 §15: these never have a body, whatever length the gateway says, which undici takes for a fault.
      this.#complete = true;
      response.end();
    } else process.nextTick(flush, this);
    return true;
  }

  onData(chunk: Buffer): boolean {
    const { response } = this.#parts;
    if (!this.#flushed && this.#held === undefined) {
      this.#held = chunk;
      return true;
    }
    this.flush();
    if (response.write(chunk)) return true;
    response.once("drain", this.#resume);
    return false;
  }

  // undici delivers a flat list of names and values, which its types do not say.
  onComplete(trailers: unknown): void {
    this.#giveBack();
    if (this.#complete) return;
    this.#complete = true;
    const { response, wantsTrailers } = this.#parts;
    if (wantsTrailers) response.addTrailers(answerTrailers(trailers as Buffer[]));
    this.#flushed = true;
    response.end(this.#held);
  }

  onError(error: unknown): void {
    this.#giveBack();
    if (this.#complete || this.#over) return;
    if (this.#parts.response.headersSent) {
      this.flush();
      this.#cut();
    } else this.#settle(err({ by: "gateway", error }));
  }

  /** Sends what there is of the answer: an event stream may be silent for long behind its head. */
  flush(): void {
    if (this.#flushed || this.#over) return;
    this.#flushed = true;
    const held = this.#held;
    this.#held = undefined;
    if (held === undefined) this.#parts.response.flushHeaders();
    else this.#parts.response.write(held);
  }

  /** The client's side is over: the answer is all sent, or nobody is there to read it. */
  #closed(): void {
    const { response } = this.#parts;
    this.#settle(response.headersSent ? ok(undefined) : err({ by: "door", denial: { code: "client_gone" } }));
    this.#letGo();
  }

  #cut(): void {
    this.#over = true;
    this.#letGo();
    this.#parts.response.destroy();
  }

  #letGo(): void {
    this.#abort?.();
  }

  #settle(end: ExchangeEnd): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#over = true;
    this.#parts.onEnd(end);
  }
}

function flush(exchange: HttpExchange): void {
  exchange.flush();
}
