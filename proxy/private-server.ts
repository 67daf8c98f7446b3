// The private listener, for operations on the same host: liveness, readiness, metrics. Nothing of any person.
import http, { type Server } from "node:http";
import type { Metrics } from "./metrics.ts";

export type Readiness = { readonly ready: boolean; readonly checks: Readonly<Record<string, string>> };

export function createPrivateServer(
  readiness: () => Readiness,
  metrics: Pick<Metrics, "contentType" | "expose">,
): Server {
  return http.createServer((incoming, response) => {
    const path = (incoming.url ?? "").split("?", 1)[0];
    const answer = (status: number, body: unknown) =>
      response
        .writeHead(status, { "content-type": "application/json", "cache-control": "no-store" })
        .end(JSON.stringify(body));
    // A page that reached this port by DNS rebinding brings the name it was rebound from (S129).
    if (
      !/^(localhost|127\.\d+\.\d+\.\d+|\[::1\]|[\d.]+|\[[\da-f:]+\])(:\d+)?$/i.test(
        incoming.headers.host ?? "",
      )
    ) {
      answer(403, { error: "ask by address" });
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
