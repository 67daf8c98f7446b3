// The private listener, for the operator's own programs on the same host or network: liveness, readiness, metrics, and
// the question of a proxy that forwards by itself. Whoever reaches it is believed about whose request it asks.
import http, { type Server } from "node:http";
import type { Socket } from "node:net";
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { ClientAnswer } from "./client-answer.ts";
import { cutOnFault, logFault } from "./cut-on-fault.ts";
import type { Metrics } from "./metrics.ts";
import { readSimpleRequests } from "./simple/read-simple-requests.ts";
import type { TakesSimple } from "./simple/simple-connection.ts";
import type { Question } from "./verify/original-request.ts";
import type { Verify } from "./verify/verify.ts";

export type Readiness = { readonly ready: boolean; readonly checks: Readonly<Record<string, string>> };

export type PrivateServerDeps = {
  readonly readiness: () => Readiness;
  readonly metrics: Pick<Metrics, "contentType" | "expose">;
  readonly verify: Verify;
  readonly clock: Clock;
  readonly log: Log;
};

const LIMITS = {
  /** A client's head, and a proxy's description of it. */
  headerBytes: 32 * 1024,
  headerCount: 100,
  headersTimeout: 60_000,
  /** Longer than a proxy keeps an idle connection: nginx 60 s. */
  keepAliveTimeout: 65_000,
};
const VERIFY_PATH = "/auth/verify";
const ADDRESS = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\]|[\d.]+|\[[\da-f:]+\])(:\d+)?$/i;

export function createPrivateServer({ readiness, metrics, verify, clock, log }: PrivateServerDeps): Server {
  const answerQuestion = (asked: Question, socket: Socket, answer: ClientAnswer) =>
    cutOnFault(verify(asked, answer), socket, log);
  const options = {
    maxHeaderSize: LIMITS.headerBytes,
    headersTimeout: LIMITS.headersTimeout,
    keepAliveTimeout: LIMITS.keepAliveTimeout,
    noDelay: true,
  };
  const server = http.createServer(options, (incoming, response) => {
    const path = (incoming.url ?? "").split("?", 1)[0];
    const answer = (status: number, body: unknown) =>
      response
        .writeHead(status, { "content-type": "application/json", "cache-control": "no-store" })
        .end(JSON.stringify(body));
    if (!isAskedByAddress(incoming.rawHeaders)) answer(403, { error: "ask by address" });
    // By any method: some proxies ask with the client's.
    else if (path === VERIFY_PATH) answerQuestion(incoming, incoming.socket, response);
    else if (incoming.method !== "GET") answer(405, { error: "GET only" });
    else if (path === "/healthz") answer(200, { status: "ok" });
    else if (path === "/readyz") answer(readiness().ready ? 200 : 503, readiness());
    else if (path === "/metrics") {
      metrics.expose().then(
        (text) => response.writeHead(200, { "content-type": metrics.contentType }).end(text),
        () => answer(500, { error: "the metrics cannot be read" }),
      );
    } else answer(404, { error: "not found" });
  });
  const takes: TakesSimple<true> = {
    // Many people's questions meet on a few connections: nothing of one is kept for the next.
    request({ method, url, fields: { rawHeaders } }, socket, answer) {
      if (url !== VERIFY_PATH || !isAskedByAddress(rawHeaders)) return undefined;
      answerQuestion({ method, rawHeaders, socket }, socket, answer);
      return true;
    },
    upgrade: () => false,
  };
  readSimpleRequests(server, "connection", takes, {
    limits: LIMITS,
    clock,
    onFault: (error) => logFault(error, log),
  });
  return server;
}

// A page that reached this port by DNS rebinding brings the name it was rebound from (S129). Node's own view of the headers
// costs more than the rest of a proxy's question.
function isAskedByAddress(rawHeaders: readonly string[]): boolean {
  const place = rawHeaders.findIndex((text, index) => index % 2 === 0 && text.toLowerCase() === "host");
  return place !== -1 && ADDRESS.test(rawHeaders[place + 1] ?? "");
}
