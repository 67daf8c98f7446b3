// The public listener: Node's own parser, its limits set, its events handed to the app. Whatever the parser
// refuses ends here without an answer that could be argued with.
import http, { type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Limits } from "../config/limits.ts";
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import { type TlsCertificate, tlsOptions } from "../core/tls-certificate.ts";
import type { App } from "./app.ts";
import { type ConnectionRules, limitConnections } from "./connection-limits.ts";
import { cutOnFault, logFault } from "./cut-on-fault.ts";
import type { ParsedRequest } from "./request/parsed-request.ts";
import { readSimpleRequests } from "./simple/read-simple-requests.ts";

export type HttpServerParts = {
  readonly limits: ConnectionRules &
    Pick<
      Limits,
      "headerBytes" | "headerCount" | "headersTimeout" | "requestTimeout" | "keepAliveTimeout" | "idleTimeout"
    >;
  /** With it the listener speaks TLS and nothing else. */
  readonly certificate: TlsCertificate | undefined;
  readonly clock: Clock;
  readonly log: Log;
};

/** How often Node looks for clients that are too slow with their head; its own default is 30 s (S121). */
const CHECK_EVERY_MS = 1_000;
/** Of silence; ten seconds later the connection counts as gone. */
const KEEP_ALIVE_AFTER_MS = 30_000;
/** Requests behind one that is not answered: more are no mistake. */
const MAX_PASSED_OVER = 100;
/** For the rest of a body behind its answer: nobody reads it, and a client that stops now may keep the connection. */
const LINGER_MS = 2_000;

/** What a connection is just now answering. Kept at its socket: a WeakMap has its price on every request. */
const ANSWERING = Symbol("answering");

type Conversation = { [ANSWERING]?: Answering | undefined };

type Answering = {
  readonly response: ServerResponse;
  /** Requests that came meanwhile. */
  passedOver: number;
};

export function createHttpServer(
  app: Pick<App, "onRequest" | "onUpgrade" | "takesSimple">,
  { limits, certificate, clock, log }: HttpServerParts,
): Server {
  const options = {
    maxHeaderSize: limits.headerBytes,
    headersTimeout: limits.headersTimeout,
    requestTimeout: limits.requestTimeout,
    keepAliveTimeout: limits.keepAliveTimeout,
    connectionsCheckingInterval: CHECK_EVERY_MS,
    requireHostHeader: true,
    insecureHTTPParser: false,
    noDelay: true,
    // A client that went away without a word is noticed, also behind a WebSocket that says nothing.
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_AFTER_MS,
  };
  const server =
    certificate === undefined
      ? http.createServer(options)
      : createTlsServer({ ...options, ...tlsOptions(certificate), handshakeTimeout: limits.headersTimeout });
  // The last fence: what is forwarded is watched by who forwards it, a page has a time of its own.
  server.timeout = Math.max(limits.idleTimeout, limits.requestTimeout);
  // One more than allowed, so that a request past the limit can be told from one at it.
  server.maxHeadersCount = limits.headerCount + 1;
  const refusalOf = limitConnections(server, limits, { clock, log });
  const { request, upgrade } = app.takesSimple;
  readSimpleRequests<ParsedRequest>(
    server,
    certificate === undefined ? "connection" : "secureConnection",
    {
      // What a connection is refused with, it is told in Node's server's way.
      request: (head, socket, answer, before) =>
        refusalOf(socket) === undefined ? request(head, socket, answer, before) : undefined,
      upgrade: (head, socket) => refusalOf(socket) === undefined && upgrade(head, socket),
    },
    { limits, clock, onFault: (error) => logFault(error, log) },
  );

  // One exchange at a time. Node would begin with what is sent behind a request that is not answered yet, also
  // behind one refused for its form, and would write a 400 or a 101 into the middle of an answer. No browser and
  // no proxy pipelines, and RFC 9112 §9.3.2 has a client ask again for what was not answered.
  const takes = (incoming: IncomingMessage, response: ServerResponse): boolean => {
    const socket: Socket & Conversation = incoming.socket;
    const before = socket[ANSWERING];
    if (before !== undefined) {
      before.passedOver += 1;
      if (before.passedOver === 1) before.response.once("close", () => socket.destroySoon());
      // Node keeps an answer for each until the one before is sent, a hundred times what it cost the client.
      if (before.passedOver > MAX_PASSED_OVER) socket.destroy();
    }
    if (before !== undefined || !socket.writable) return false;
    socket[ANSWERING] = { response, passedOver: 0 };
    response.once("close", () => {
      socket[ANSWERING] = undefined;
      if (!incoming.complete) linger(incoming, socket);
    });
    return true;
  };

  // Who has sent the body on may have taken the socket off `incoming`, and may have closed that with the rest unread.
  const linger = (incoming: IncomingMessage, socket: Socket) => {
    const cancelCut = clock.after(LINGER_MS, () => {
      if (!incoming.complete) socket.destroy();
    });
    incoming.once("close", () => incoming.complete && cancelCut());
    socket.once("close", cancelCut);
  };

  const onRequest = (incoming: IncomingMessage, response: ServerResponse) => {
    const { socket } = incoming;
    if (!takes(incoming, response)) return;
    cutOnFault(app.onRequest(incoming, response, refusalOf(socket)), socket, log);
  };
  const onUnknownExpectation = (incoming: IncomingMessage, response: ServerResponse) => {
    if (takes(incoming, response)) response.writeHead(417, { connection: "close" }).end();
  };
  server.on("request", onRequest);
  // Without a listener Node would invite the body before anybody knows who is asking. Who reads it does that.
  server.on("checkContinue", (incoming, response) => {
    // Node finds the word anywhere in the value.
    const isAlone = /^100-continue$/i.test(incoming.headers.expect ?? "");
    (isAlone ? onRequest : onUnknownExpectation)(incoming, response);
  });
  server.on("checkExpectation", onUnknownExpectation);
  server.on("upgrade", (incoming, duplex, head) => {
    const socket = duplex as Socket;
    // Node has taken its own listener off: a reset while the app decides would otherwise end the process.
    socket.on("error", () => socket.destroy());
    if (answeringAt(socket)) return void socket.destroy();
    cutOnFault(app.onUpgrade(incoming, socket, head.length, refusalOf(socket)), socket, log);
  });
  server.on("connect", (_incoming, socket) => {
    if (answeringAt(socket)) return void socket.destroy();
    answerAndCut(socket as Socket, "405 Method Not Allowed");
  });
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    const status = statusOf(error.code);
    const halfAnswered = answeringAt(socket)?.response.headersSent === true;
    if (status === undefined || !socket.writable || halfAnswered) return void socket.destroy();
    answerAndCut(socket as Socket, status);
  });
  return server;
}

function answeringAt(socket: Duplex & Conversation): Answering | undefined {
  return socket[ANSWERING];
}

const STATUS_OF_FAULT: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: "431 Request Header Fields Too Large",
  HPE_CHUNK_EXTENSIONS_OVERFLOW: "413 Payload Too Large",
  ERR_HTTP_REQUEST_TIMEOUT: "408 Request Timeout",
};

/** Undefined for what is not HTTP: a connection reset, a TLS handshake that failed. */
function statusOf(code: unknown): string | undefined {
  // An aborted answer brings the number of a DOMException.
  if (typeof code !== "string") return undefined;
  return STATUS_OF_FAULT[code] ?? (code.startsWith("HPE_") ? "400 Bad Request" : undefined);
}

function answerAndCut(socket: Socket, status: string): void {
  socket.on("error", () => socket.destroy());
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`, () => socket.destroy());
}
