// A gateway's side of one connection, byte for byte: it keeps the head that it received and does as it is told.
import { EventEmitter, once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { onTestFinished } from "vitest";

export type RawGateway = {
  readonly url: string;
  /** The head of the first request, as received, once it is whole. */
  readonly head: Promise<string>;
  /** The first connection, once it is closed. */
  readonly closed: Promise<void>;
  readonly connections: () => number;
  /** Of the newest connection. */
  socket(): Socket;
  /** Once the first connection has brought so many bytes behind its head. */
  atLeast(count: number): Promise<void>;
};

/** @param act called when the head is whole */
export async function startRawGateway(act: (socket: Socket) => void): Promise<RawGateway> {
  let connections = 0;
  let gotHead = (_head: string) => {};
  let gotClosed = () => {};
  const head = new Promise<string>((resolve) => {
    gotHead = resolve;
  });
  const closed = new Promise<void>((resolve) => {
    gotClosed = resolve;
  });
  let behind = 0;
  let newest: Socket | undefined;
  const arrivals = new EventEmitter();
  const server = createServer((socket) => {
    connections += 1;
    newest = socket;
    socket.on("error", () => {});
    socket.on("close", () => gotClosed());
    let received = "";
    socket.on("data", (chunk) => {
      const before = received.includes("\r\n\r\n");
      received += chunk.toString("latin1");
      behind = received.length - received.indexOf("\r\n\r\n") - 4;
      arrivals.emit("bytes");
      if (before || !received.includes("\r\n\r\n")) return;
      gotHead(received);
      act(socket);
    });
    onTestFinished(() => void socket.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    head,
    closed,
    connections: () => connections,
    socket() {
      if (newest === undefined) throw new Error("nobody has connected");
      return newest;
    },
    async atLeast(count) {
      while (behind < count) await once(arrivals, "bytes");
    },
  };
}

/** The key of RFC 6455 §1.3 and the answer that the RFC gives for it. */
export const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
export const ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/** `HTTP/1.1 <line>` and these headers. */
export function answerOf(line: string, ...headers: readonly string[]): string {
  return `${[`HTTP/1.1 ${line}`, ...headers].join("\r\n")}\r\n\r\n`;
}

/** A correct 101 for {@link KEY}, with more headers. */
export function switching(...headers: readonly string[]): string {
  return answerOf(
    "101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Accept: ${ACCEPT}`,
    ...headers,
  );
}
