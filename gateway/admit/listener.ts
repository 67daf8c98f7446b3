// The gateway's only way in: an HTTP server that answers /health to anyone and hands everything else to the
// admission, or to the control channel, with one audit line for each verdict.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import type { AssertionClaims } from "../../core/assertion.ts";
import { type Audit, auditEvent } from "../../core/audit.ts";
import { CONTROL_PATH } from "../../core/control-channel.ts";
import {
  type EndpointId,
  type GatewayId,
  newRequestId,
  parseRequestId,
  type RequestId,
} from "../../core/ids.ts";
import type { Result } from "../../core/result.ts";
import { type TlsCertificate, tlsOptions } from "../../core/tls-certificate.ts";
import type { Admission, Admitted, Refusal } from "./admission.ts";
import type { Caller } from "./caller.ts";
import { refuseRequest, refuseUpgrade } from "./refusal.ts";
import { parseRequestTarget, pathOf } from "./request-target.ts";

export type ListenerDeps = {
  readonly gateway: GatewayId;
  readonly endpoint: EndpointId;
  /** Bytes of one WebSocket message. */
  readonly maxMessageSize: number;
  readonly concurrentConnections: number;
  /** With it the listener speaks TLS and nothing else. */
  readonly certificate: TlsCertificate | undefined;
  readonly admission: Admission;
  readonly audit: Audit;
  readonly health: () => { readonly status: "ok" | "not_ready" };
  /** Wall clock, milliseconds since 1970. */
  readonly now: () => number;
  /** Judges and answers an upgrade on the front door's own path. */
  readonly onControl: (request: IncomingMessage, socket: Duplex, head: Buffer, requestId: RequestId) => void;
  readonly onConnection: (socket: WebSocket, caller: Caller, requestId: RequestId) => void;
};

const MAX_HEADER_BYTES = 16 * 1024;
/** For the TLS handshake too. */
const HEADERS_TIMEOUT_MS = 10_000;
const CHECK_EVERY_MS = 1_000;
/** Sockets beyond the admitted ones: requests being judged, health probes. */
const SPARE_SOCKETS = 256;

export function createListener(deps: ListenerDeps): Server {
  const webSockets = new WebSocketServer({
    noServer: true,
    maxPayload: deps.maxMessageSize,
    // Compression would spend memory for every connection and let one small frame become a large one.
    perMessageDeflate: false,
    clientTracking: false,
  });
  const server = createServerOver(deps.certificate);
  server.maxConnections = deps.concurrentConnections + SPARE_SOCKETS;

  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    if (parseRequestTarget(pathOf(request.url ?? "")).kind === "health" && request.method === "GET")
      return answerHealth(response, deps.health());
    const requestId = requestIdOf(request);
    const verdict = deps.admission.plain(request);
    recordVerdict(deps, request, requestId, verdict);
    if (!verdict.ok) return refuseRequest(response, verdict.error.denial, requestId);
    answerJson(response, 200, withoutJti(verdict.value.claims), { "x-request-id": requestId });
  });

  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on("error", () => socket.destroy());
    const requestId = requestIdOf(request);
    if (pathOf(request.url ?? "") === CONTROL_PATH) return deps.onControl(request, socket, head, requestId);
    const verdict = deps.admission.upgrade(request);
    recordVerdict(deps, request, requestId, verdict);
    if (!verdict.ok) return refuseUpgrade(socket, verdict.error.denial, requestId, deps.now());
    // Nothing is waited for between the admission and the connection's place in the live index: an end of access
    // that comes now finds it there, and one that came before was remembered (ended-access.ts).
    const { caller } = verdict.value;
    webSockets.handleUpgrade(request, socket, head, (webSocket) =>
      deps.onConnection(webSocket, caller, requestId),
    );
  });

  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    // What is not HTTP, such as a failed TLS handshake, gets no answer in it.
    const isHttp = /^(HPE_|ERR_HTTP_)/.test(String(error.code));
    if (isHttp && socket.writable) socket.end("HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n");
    else socket.destroy();
  });
  return server;
}

function createServerOver(certificate: TlsCertificate | undefined): Server {
  const options = {
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: HEADERS_TIMEOUT_MS,
    connectionsCheckingInterval: CHECK_EVERY_MS,
  };
  if (certificate === undefined) return createServer(options);
  return createTlsServer({ ...options, ...tlsOptions(certificate), handshakeTimeout: HEADERS_TIMEOUT_MS });
}

function requestIdOf(request: IncomingMessage): RequestId {
  // Only for finding lines that belong together; its shape is checked because it lands in logs.
  const values = request.headersDistinct["x-request-id"] ?? [];
  const [value] = values;
  return (values.length === 1 && value !== undefined && parseRequestId(value)) || newRequestId();
}

function recordVerdict(
  { audit, gateway, endpoint }: ListenerDeps,
  request: IncomingMessage,
  requestId: RequestId,
  verdict: Result<Admitted, Refusal>,
): void {
  const claims = verdict.ok ? verdict.value.claims : verdict.error.claims;
  const path = pathOf(request.url ?? "");
  const target = parseRequestTarget(path);
  audit.record(
    auditEvent({
      kind: "admission",
      outcome: verdict.ok ? "allowed" : "denied",
      code: verdict.ok ? null : verdict.error.denial.code,
      reason: verdict.ok ? "assertion" : reasonOf(verdict.error),
      requestId,
      userId: claims?.sub ?? null,
      email: claims?.email ?? null,
      sid: claims?.sid ?? null,
      peer: request.socket.remoteAddress ?? null,
      method: request.method ?? null,
      path,
      agent: target.kind === "socket" || target.kind === "whoami" ? (target.agent ?? null) : null,
      gateway,
      endpoint,
    }),
  );
}

function reasonOf({ denial }: Refusal): string {
  if (denial.code === "assertion_invalid") return denial.fault;
  return "what" in denial ? denial.what : denial.code;
}

function answerHealth(response: ServerResponse, health: { readonly status: "ok" | "not_ready" }): void {
  answerJson(response, health.status === "ok" ? 200 : 503, health);
}

function answerJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response
    .writeHead(status, {
      "content-type": "application/json; charset=utf-8",
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      ...headers,
    })
    .end(JSON.stringify(body));
}

// The id is what a replay would need; everything else is the person's own.
function withoutJti({ jti: _, ...claims }: AssertionClaims): Omit<AssertionClaims, "jti"> {
  return claims;
}
