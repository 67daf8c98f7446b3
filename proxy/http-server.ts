// The public listener: Node's own parser, its limits set, its events handed to the app. Whatever the parser
// refuses ends here without an answer that could be argued with.
import http, { type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { FrontDoorConfig } from "../config/front-door.ts";
import type { Log } from "../core/log.ts";
import type { App } from "./app.ts";

/** How often Node looks for clients that are too slow with their head; its own default is 30 s (S121). */
const CHECK_EVERY_MS = 1_000;
const KEEP_ALIVE_MS = 65_000;

export function createHttpServer(app: App, limits: FrontDoorConfig["limits"], log: Log): Server {
  const server = http.createServer({
    maxHeaderSize: limits.headerBytes,
    headersTimeout: limits.headersTimeout,
    requestTimeout: 0,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: CHECK_EVERY_MS,
    requireHostHeader: true,
    insecureHTTPParser: false,
    noDelay: true,
  });
  // One more than allowed, so that a request past the limit can be told from one at it.
  server.maxHeadersCount = limits.headerCount + 1;

  const failed = (socket: { destroy(): unknown }) => (error: unknown) => {
    log.error({ error: error instanceof Error ? error.stack : String(error) }, "a request failed");
    socket.destroy();
  };

  // One exchange at a time. Node would begin with what is sent behind a request that is not answered yet, also
  // behind one refused for its form, and would write a 400 or a 101 into the middle of an answer. No browser and
  // no proxy pipelines, and RFC 9112 §9.3.2 has a client ask again for what was not answered.
  const answering = new WeakMap<object, ServerResponse>();
  const takes = (socket: Socket, response: ServerResponse): boolean => {
    const before = answering.get(socket);
    before?.once("close", () => socket.destroySoon());
    if (before !== undefined || !socket.writable) return false;
    answering.set(socket, response);
    response.once("close", () => answering.delete(socket));
    return true;
  };

  server.on("request", (incoming, response) => {
    if (takes(incoming.socket, response)) app.onRequest(incoming, response).catch(failed(incoming.socket));
  });
  server.on("checkExpectation", (incoming, response) => {
    if (takes(incoming.socket, response)) response.writeHead(417, { connection: "close" }).end();
  });
  server.on("upgrade", (incoming, socket, head) => {
    // Node has taken its own listener off: a reset while the app decides would otherwise end the process.
    socket.on("error", () => socket.destroy());
    if (answering.has(socket)) return void socket.destroy();
    app.onUpgrade(incoming, socket as Socket, head.length).catch(failed(socket));
  });
  server.on("connect", (_incoming, socket) => {
    if (answering.has(socket)) return void socket.destroy();
    answerAndCut(socket as Socket, "405 Method Not Allowed");
  });
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    const halfAnswered = answering.get(socket)?.headersSent === true;
    if (error.code === "ECONNRESET" || !socket.writable || halfAnswered) return void socket.destroy();
    answerAndCut(socket as Socket, STATUS_OF_FAULT[error.code ?? ""] ?? "400 Bad Request");
  });
  return server;
}

const STATUS_OF_FAULT: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: "431 Request Header Fields Too Large",
  HPE_CHUNK_EXTENSIONS_OVERFLOW: "413 Payload Too Large",
  ERR_HTTP_REQUEST_TIMEOUT: "408 Request Timeout",
};

function answerAndCut(socket: Socket, status: string): void {
  socket.on("error", () => socket.destroy());
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`, () => socket.destroy());
}
