// The answer to a simple request, written to its connection by the door itself: what Node's `ServerResponse` would write
// (test/proxy/simple/simple-answer.test.ts holds the two together), for a fraction of the cost.
import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { ClientAnswer } from "../client-answer.ts";
import { UNSAFE } from "../field-lines.ts";

/** What carries it. */
export type AnswerCarrier = {
  readonly socket: Socket;
  /** As `Date` says it (RFC 9110 §5.6.7). */
  date(): string;
  readonly keepAliveSeconds: number;
  allowSilence(durationMs: number): void;
  /** The answer is all on its way. */
  answered(): void;
};

export class SimpleAnswer implements ClientAnswer {
  headersSent = false;
  destroyed = false;
  shouldKeepAlive = true;
  /** Nothing more will be written. */
  hasEnded = false;
  readonly #carrier: AnswerCarrier;
  readonly #toHead: boolean;
  /** Until it is written. */
  #head = "";
  #isChunked = false;
  #hasBody = true;
  #trailers = "";
  #closed = false;
  #onClose = () => {};

  /** @param toHead the request is a HEAD: no answer to it has a body (RFC 9110 §9.3.2) */
  constructor(carrier: AnswerCarrier, toHead: boolean) {
    this.#carrier = carrier;
    this.#toHead = toHead;
  }

  setTimeout(durationMs: number): void {
    if (!this.#closed) this.#carrier.allowSilence(durationMs);
  }

  on(_event: "close", listener: () => void): void {
    this.#onClose = listener;
  }

  once(event: "drain", listener: () => void): void {
    this.#carrier.socket.once(event, listener);
  }

  writeHead(status: number, headers: readonly string[]): void {
    this.headersSent = true;
    let head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "unknown"}\r\n`;
    let hasLength = false;
    let hasDate = false;
    let hasConnection = false;
    for (let index = 0; index < headers.length; index += 2) {
      const [name = "", value = ""] = [headers[index], headers[index + 1]];
      head += lineOf(name, value);
      if (name === "content-length") hasLength = true;
      else if (name === "date") hasDate = true;
      else if (name === "connection") {
        hasConnection = true;
        this.shouldKeepAlive = this.shouldKeepAlive && value !== "close";
      }
    }
    if (!hasDate) head += `Date: ${this.#carrier.date()}\r\n`;
    if (!hasConnection) head += this.#connectionLines();
    this.#hasBody = !this.#toHead && status !== 204 && status !== 304;
    this.#isChunked = this.#hasBody && !hasLength;
    if (this.#isChunked) head += "Transfer-Encoding: chunked\r\n";
    this.#head = `${head}\r\n`;
  }

  flushHeaders(): void {
    this.#writeHead();
  }

  write(bytes: Buffer): boolean {
    const { socket } = this.#carrier;
    socket.cork();
    this.#writeHead();
    const isRoom = this.#writeBody(bytes);
    socket.uncork();
    return isRoom;
  }

  addTrailers(trailers: readonly (readonly [string, string])[]): void {
    for (const [name, value] of trailers) this.#trailers += lineOf(name, value);
  }

  end(body?: Buffer | string, encoding: BufferEncoding = "utf8"): void {
    if (this.hasEnded || this.destroyed) return;
    this.hasEnded = true;
    const { socket } = this.#carrier;
    if (typeof body === "string" && !this.#isChunked && this.#hasBody && encoding === "latin1") {
      // One write for most answers.
      socket.write(this.#head + body, "latin1");
      this.#head = "";
    } else {
      socket.cork();
      this.#writeHead();
      if (body !== undefined) this.#writeBody(typeof body === "string" ? Buffer.from(body, encoding) : body);
      if (this.#isChunked) socket.write(`0\r\n${this.#trailers}\r\n`, "latin1");
      socket.uncork();
    }
    if (socket.writableLength === 0) this.#carrier.answered();
    else socket.write(NOTHING, () => this.#carrier.answered());
  }

  destroy(): void {
    this.destroyed = true;
    // Behind its end the connection carries somebody else's answer, or is Node's.
    if (!this.#closed) this.#carrier.socket.destroy();
  }

  /** Its carrier's to call, when the answer is all on its way or the connection is gone. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#onClose();
  }

  #connectionLines(): string {
    if (!this.shouldKeepAlive) return "Connection: close\r\n";
    return `Connection: keep-alive\r\nKeep-Alive: timeout=${this.#carrier.keepAliveSeconds}\r\n`;
  }

  #writeHead(): void {
    if (this.#head !== "") this.#carrier.socket.write(this.#head, "latin1");
    this.#head = "";
  }

  #writeBody(bytes: Buffer): boolean {
    const { socket } = this.#carrier;
    if (!this.#hasBody || bytes.length === 0) return true;
    if (!this.#isChunked) return socket.write(bytes);
    socket.write(`${bytes.length.toString(16)}\r\n`, "latin1");
    socket.write(bytes);
    return socket.write("\r\n", "latin1");
  }
}

const NOTHING = Buffer.alloc(0);

/** @throws {TypeError} the value holds what none can */
function lineOf(name: string, value: string): string {
  if (UNSAFE.test(value)) throw new TypeError(`a header of an answer, ${name}, holds what none can`);
  return `${name}: ${value}\r\n`;
}
