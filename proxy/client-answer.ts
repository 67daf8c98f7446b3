// Where the answer to one client goes: a `ServerResponse` of Node's server is one, and so is what the door writes by itself
// behind a simple request. Whoever answers need not know which.
import type { IncomingMessage } from "node:http";

export type ClientAnswer = {
  readonly headersSent: boolean;
  readonly destroyed: boolean;
  /** To be set before the head is written: whether the connection may carry another exchange. */
  shouldKeepAlive: boolean;
  /** Of silence from now on, in milliseconds; then the connection is cut. */
  setTimeout(durationMs: number): unknown;
  /** It is all on its way, or nobody is there to read it. */
  on(event: "close", listener: () => void): unknown;
  once(event: "drain", listener: () => void): unknown;
  /** @param headers names and values in turn */
  writeHead(status: number, headers: string[]): unknown;
  /** Sends the head although nothing of a body is there. */
  flushHeaders(): void;
  /** @returns false when the client does not read as fast: then `drain` is to be waited for */
  write(bytes: Buffer): boolean;
  addTrailers(trailers: [string, string][]): void;
  end(body?: Buffer | string, encoding?: BufferEncoding): unknown;
  /** Cuts the connection. */
  destroy(): unknown;
};

/** The client's side of one exchange. */
export type ClientSide = {
  readonly answer: ClientAnswer;
  /** Undefined for a simple request, which has none. */
  readonly body: ClientBody | undefined;
};

export type ClientBody = {
  /** What Node's server reads it from. */
  readonly incoming: IncomingMessage;
  /** Says that it may come now (RFC 9110 §10.1.1). */
  invite(): void;
};
