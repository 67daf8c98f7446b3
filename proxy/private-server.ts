// The private listener, for the operator's own programs on the same host or network: liveness, readiness, metrics, and
// the question of a proxy that forwards by itself. Whoever reaches it is believed about whose request it asks.
import http, { type Server } from "node:http";
import type { Log } from "../core/log.ts";
import type { Metrics } from "./metrics.ts";
import type { Verify } from "./verify/verify.ts";

export type Readiness = { readonly ready: boolean; readonly checks: Readonly<Record<string, string>> };

export type PrivateServerDeps = {
  readonly readiness: () => Readiness;
  readonly metrics: Pick<Metrics, "contentType" | "expose">;
  readonly verify: Verify;
  readonly log: Log;
};

/** A client's head, and a proxy's description of it. */
const MAX_HEADER_BYTES = 32 * 1024;
/** Longer than a proxy keeps an idle connection: nginx 60 s. */
const KEEP_ALIVE_MS = 65_000;

const ADDRESS = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\]|[\d.]+|\[[\da-f:]+\])(:\d+)?$/i;

export function createPrivateServer({ readiness, metrics, verify, log }: PrivateServerDeps): Server {
  const limits = { maxHeaderSize: MAX_HEADER_BYTES, keepAliveTimeout: KEEP_ALIVE_MS, noDelay: true };
  return http.createServer(limits, (incoming, response) => {
    const path = (incoming.url ?? "").split("?", 1)[0];
    const answer = (status: number, body: unknown) =>
      response
        .writeHead(status, { "content-type": "application/json", "cache-control": "no-store" })
        .end(JSON.stringify(body));
    // A page that reached this port by DNS rebinding brings the name it was rebound from (S129).
    if (!ADDRESS.test(hostOf(incoming.rawHeaders))) {
      answer(403, { error: "ask by address" });
    } else if (path === "/auth/verify") {
      // By any method: some proxies ask with the client's.
      verify(incoming, response).catch((error: unknown) => {
        log.error({ err: error }, "a proxy's question failed");
        response.destroy();
      });
    } else if (incoming.method !== "GET") answer(405, { error: "GET only" });
    else if (path === "/healthz") answer(200, { status: "ok" });
    else if (path === "/readyz") answer(readiness().ready ? 200 : 503, readiness());
    else if (path === "/metrics") {
      metrics.expose().then(
        (text) => response.writeHead(200, { "content-type": metrics.contentType }).end(text),
        () => answer(500, { error: "the metrics cannot be read" }),
      );
    } else answer(404, { error: "not found" });
  });
}

// Node's own view of the headers costs more than the rest of a proxy's question.
function hostOf(rawHeaders: readonly string[]): string {
  const place = rawHeaders.findIndex((text, index) => index % 2 === 0 && text.toLowerCase() === "host");
  return place === -1 ? "" : (rawHeaders[place + 1] ?? "");
}
