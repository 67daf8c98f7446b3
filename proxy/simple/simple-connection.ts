// One client's connection, as long as it brings simple requests, one after another. The first thing that is none goes, with
// the connection, to Node's own server, which never gives it back.
import type { Socket } from "node:net";
import type { ClientAnswer } from "../client-answer.ts";
import type { Watched } from "../silence-watch.ts";
import { NOWHERE } from "../swap-list.ts";
import { type AnswerCarrier, SimpleAnswer } from "./simple-answer.ts";
import { type HeadLimits, readSimpleHead, type SimpleFields, type SimpleHead } from "./simple-head.ts";

/** What takes on simple requests. */
export type TakesSimple<Taken> = {
  /**
   * @param before what it made of an earlier request that had the very same fields, as all since had
   * @returns what it has made of the request; undefined if it does not take it, and nothing has happened
   */
  request(
    head: SimpleHead,
    socket: Socket,
    answer: ClientAnswer,
    before: Taken | undefined,
  ): Taken | undefined;
  /**
   * The socket is paused, and whoever takes it has it for good.
   * @returns false if nothing has happened
   */
  upgrade(head: SimpleHead, socket: Socket): boolean;
};

export type SimpleConnectionDeps<Taken> = {
  readonly takes: TakesSimple<Taken>;
  readonly limits: HeadLimits & {
    /** For the first request to come, and for the next one; milliseconds. */
    readonly headersTimeout: number;
    readonly keepAliveTimeout: number;
  };
  /** Milliseconds, on the clock that only grows. */
  readonly now: () => number;
  readonly date: () => string;
  /** Gives the connection to Node's server, with what it has read. */
  readonly handOver: (socket: Socket, read: Buffer) => void;
  /** It is over here, whatever became of it. */
  readonly onLeave: (connection: SimpleConnection<Taken>) => void;
  /** Told what whoever takes has thrown, which costs the one connection. */
  readonly onFault: (error: unknown) => void;
};

/** Sent behind a request that is not answered. It is dropped, and the connection with it: nobody pipelines that much. */
const MAX_PASSED_OVER = 64 * 1024;
/** Of fields, to know them again: with what is made of them, an idle connection keeps about three times as much. */
const MAX_KEPT_BYTES = 4 * 1024;

export class SimpleConnection<Taken> implements AnswerCarrier, Watched {
  placedAt = NOWHERE;
  silentUntil: number;
  readonly socket: Socket;
  readonly #deps: SimpleConnectionDeps<Taken>;
  /** To the request that came last, until it is all on its way. */
  #answer: SimpleAnswer | undefined;
  /** Of the requests taken last, and what was made of the first one that had them. */
  #fields: SimpleFields | undefined;
  #taken: Taken | undefined;
  /** Bytes that came behind that request. */
  #passedOver = 0;
  /** The client has asked again behind an answer of which the system has not said yet that it is sent. */
  #isAhead = false;
  readonly #onData = (chunk: Buffer) => this.#received(chunk);
  // A client that has said all hears no answer that is not written yet: Node's server holds it so too.
  readonly #onEnd = () => this.socket.end();
  readonly #onClose = () => this.#closed();

  constructor(socket: Socket, deps: SimpleConnectionDeps<Taken>) {
    this.socket = socket;
    this.#deps = deps;
    this.silentUntil = deps.now() + deps.limits.headersTimeout;
    socket.on("data", this.#onData).on("end", this.#onEnd).on("close", this.#onClose).on("error", cut);
  }

  get isIdle(): boolean {
    return this.#answer === undefined;
  }

  get keepAliveSeconds(): number {
    return Math.floor(this.#deps.limits.keepAliveTimeout / 1_000);
  }

  date(): string {
    return this.#deps.date();
  }

  allowSilence(durationMs: number): void {
    this.silentUntil = this.#deps.now() + durationMs;
  }

  onSilence(): void {
    this.socket.destroy();
  }

  answered(): void {
    const answer = this.#answer;
    if (answer === undefined) return;
    this.#answer = undefined;
    this.allowSilence(this.#deps.limits.keepAliveTimeout);
    answer.close();
    // RFC 9112 §9.3.2: what was not answered is asked again, over another connection.
    if (this.#passedOver > 0 || !answer.shouldKeepAlive) this.socket.destroySoon();
    else if (this.#isAhead) this.socket.resume();
    this.#isAhead = false;
  }

  #received(chunk: Buffer): void {
    if (this.#answer !== undefined) {
      this.#receivedAhead(this.#answer, chunk);
      return;
    }
    // It was told that its connection ends.
    if (!this.socket.writable) return;
    try {
      this.#read(chunk);
    } catch (error) {
      this.socket.destroy();
      this.#deps.onFault(error);
    }
  }

  #receivedAhead(answer: SimpleAnswer, chunk: Buffer): void {
    // Over TLS a client may have its answer, and ask again, a turn before the write is reported.
    if (answer.hasEnded && this.#passedOver === 0) {
      this.#isAhead = true;
      this.socket.pause();
      this.socket.unshift(chunk);
      return;
    }
    this.#passedOver += chunk.length;
    if (this.#passedOver > MAX_PASSED_OVER) this.socket.destroy();
  }

  #read(chunk: Buffer): void {
    const head = readSimpleHead(chunk, this.#deps.limits, this.#fields);
    if (head === undefined) this.#handOver(chunk);
    else if (head.fields.isUpgrade) this.#upgrade(head, chunk);
    else this.#request(head, chunk);
  }

  #request(head: SimpleHead, chunk: Buffer): void {
    const { fields } = head;
    const answer = new SimpleAnswer(this, head.method === "HEAD");
    this.#answer = answer;
    // Whoever takes it watches for silence from now on.
    this.silentUntil = Number.POSITIVE_INFINITY;
    const before = fields === this.#fields ? this.#taken : undefined;
    const taken = this.#deps.takes.request(head, this.socket, answer, before);
    if (taken === undefined) {
      this.#handOver(chunk);
      return;
    }
    // What was made first stays as long as the fields do: of a thousand connections in turn, each newest one would otherwise
    // outlive the young generation.
    if (before !== undefined) return;
    const isKept = fields.bytes.length <= MAX_KEPT_BYTES;
    this.#fields = isKept ? fields : undefined;
    this.#taken = isKept ? taken : undefined;
  }

  #upgrade(head: SimpleHead, chunk: Buffer): void {
    const { socket } = this;
    this.#leave();
    // Until whoever takes it has asked everybody, a client may go: an error that nobody listens for ends the process.
    socket.on("error", cut).pause();
    if (this.#deps.takes.upgrade(head, socket)) return;
    socket.off("error", cut).resume();
    this.#deps.handOver(socket, chunk);
  }

  #handOver(chunk: Buffer): void {
    this.#leave();
    this.#deps.handOver(this.socket, chunk);
  }

  #leave(): void {
    this.socket
      .off("data", this.#onData)
      .off("end", this.#onEnd)
      .off("close", this.#onClose)
      .off("error", cut);
    this.#deps.onLeave(this);
  }

  #closed(): void {
    this.#deps.onLeave(this);
    const answer = this.#answer;
    this.#answer = undefined;
    if (answer === undefined) return;
    answer.destroyed = true;
    answer.close();
  }
}

function cut(this: Socket): void {
  this.destroy();
}
