// Sends exactly these bytes and reads what comes back: no client library between the test and the parser.
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

export type RawAnswer = {
  readonly status: number;
  /** By lower-case name; the last of several. */
  readonly headers: ReadonlyMap<string, string>;
  /** Without the framing of chunks. */
  readonly body: string;
  /** Everything, as received. */
  readonly text: string;
};

/** Resolves when the server ends the connection, or with `stopAt` as soon as the text so far satisfies it. */
export function rawExchange(
  port: number,
  bytes: string | Buffer,
  stopAt: (text: string) => boolean = hasWholeAnswer,
): Promise<RawAnswer> {
  return exchangeOver(connect(port, "127.0.0.1"), bytes, stopAt);
}

/** {@link rawExchange} inside TLS. @param ca PEM */
export function tlsExchange(port: number, ca: string, bytes: string | Buffer): Promise<RawAnswer> {
  const options = { port, host: "127.0.0.1", servername: "localhost", ca, ALPNProtocols: ["http/1.1"] };
  return exchangeOver(connectTls(options), bytes, hasWholeAnswer);
}

function exchangeOver(
  socket: Socket,
  bytes: string | Buffer,
  stopAt: (text: string) => boolean,
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    let text = "";
    const done = () => {
      socket.destroy();
      resolve(readAnswer(text));
    };
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      if (stopAt(text)) done();
    });
    socket.on("end", done);
    socket.on("close", done);
    socket.on("error", (error) => (text === "" ? reject(error) : done()));
    socket.write(bytes);
  });
}

/** `["GET / HTTP/1.1", "Host: x"]` → the bytes of a request without a body. */
export function head(...lines: readonly string[]): string {
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/** Lines of a correct WebSocket handshake. */
export function handshake(path: string, host: string, ...lines: readonly string[]): string[] {
  return [
    `GET ${path} HTTP/1.1`,
    `Host: ${host}`,
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ...lines,
  ];
}

/** Connects, sends, and leaves the socket open to the test. */
export function rawConnect(port: number, bytes: string | Buffer): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.write(bytes);
      resolve(socket);
    });
    socket.once("error", reject);
  });
}

/** Everything until the connection is closed, however that happens. */
export function untilClosed(socket: Socket, onText: (received: string) => void = () => {}): Promise<string> {
  return new Promise((resolve) => {
    let received = "";
    socket.on("data", (chunk) => {
      received += chunk.toString("latin1");
      onText(received);
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(received));
  });
}

export type RawConversation = {
  readonly socket: Socket;
  /** Writes these bytes and reads one answer; all that has come since counts as that answer. */
  ask(bytes: string, stopAt?: (text: string) => boolean): Promise<RawAnswer>;
  /** All that has come since the last answer was asked for. */
  since(): string;
  close(): void;
};

/** One kept-alive connection for several requests, one after another. */
export async function rawConversation(port: number): Promise<RawConversation> {
  const socket = await rawConnect(port, "");
  let text = "";
  let check = () => {};
  socket.on("data", (chunk) => {
    text += chunk.toString("latin1");
    check();
  });
  socket.on("error", () => {});
  socket.on("close", () => check());
  return {
    socket,
    ask(bytes, stopAt = hasWholeAnswer) {
      text = "";
      socket.write(bytes);
      return new Promise((resolve) => {
        check = () => {
          if (stopAt(text) || socket.destroyed) resolve(readAnswer(text));
        };
        check();
      });
    },
    since: () => text,
    close: () => void socket.destroy(),
  };
}

function hasWholeAnswer(text: string): boolean {
  const end = text.indexOf("\r\n\r\n");
  if (end === -1) return false;
  const answer = readAnswer(text);
  const length = answer.headers.get("content-length");
  if ([101, 204, 304].includes(answer.status)) return true;
  return length !== undefined ? text.length - end - 4 >= Number(length) : text.endsWith("0\r\n\r\n");
}

function readAnswer(text: string): RawAnswer {
  const end = text.indexOf("\r\n\r\n");
  const [line = "", ...lines] = (end === -1 ? text : text.slice(0, end)).split("\r\n");
  const headers = new Map(
    lines.map((each) => [
      each.slice(0, each.indexOf(":")).toLowerCase(),
      each.slice(each.indexOf(":") + 1).trim(),
    ]),
  );
  const body = end === -1 ? "" : text.slice(end + 4);
  return {
    status: Number(line.split(" ")[1] ?? 0),
    headers,
    body: headers.get("transfer-encoding") === "chunked" ? joinChunks(body) : body,
    text,
  };
}

function joinChunks(text: string): string {
  let joined = "";
  let rest = text;
  for (;;) {
    const end = rest.indexOf("\r\n");
    const size = Number.parseInt(rest.slice(0, end), 16);
    if (end === -1 || !(size > 0)) return joined;
    joined += rest.slice(end + 2, end + 2 + size);
    rest = rest.slice(end + 2 + size + 2);
  }
}
