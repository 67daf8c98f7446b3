// Sixth stage for plain HTTP: one exchange over one connection to the endpoint, and what it means when nothing could
// be answered. A request is written to a gateway at most once, whatever its method.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Dispatcher } from "undici";
import type { Denial } from "../../core/denial.ts";
import { err, type Result } from "../../core/result.ts";
import type { SignedRequest } from "../assert/assert.ts";
import type { OutgoingHeaders } from "../assert/outgoing-headers.ts";
import type { ParsedRequest } from "../request/parsed-request.ts";
import type { Health } from "../route/health.ts";
import type { Upstream } from "../route/pick-endpoint.ts";
import type { AccessWatch } from "./access-watch.ts";
import type { GatewayConnections } from "./gateway-connections.ts";
import { type ExchangeEnd, HttpExchange } from "./http-exchange.ts";

/**
 * Resolves when the exchange is over at both sides; with a denial only if nothing has been answered yet.
 * @param access its end ends the exchange at once, also in the middle of an answer
 */
export type HttpForwarder = (
  request: ParsedRequest,
  signed: SignedRequest,
  upstream: Upstream,
  incoming: IncomingMessage,
  response: ServerResponse,
  access: AccessWatch,
) => Promise<Result<void, Denial>>;

export function createHttpForwarder(deps: {
  connections: GatewayConnections;
  health: Health;
  limits: { readonly requestBodyBytes: number };
}): HttpForwarder {
  const { connections, health, limits } = deps;
  const bodyTooLarge: Denial = { code: "body_too_large", limitBytes: limits.requestBodyBytes };

  return async (request, signed, upstream, incoming, response, access) => {
    const { gateway, endpoint } = upstream;
    if (access.ended) return err(SESSION_ENDED);
    if (response.destroyed) return err({ code: "client_gone" });
    const length = request.headers.get("content-length");
    const isChunked = request.headers.has("transfer-encoding");
    if (Number(length ?? 0) > limits.requestBodyBytes) return err(bodyTooLarge);

    const end = await new Promise<ExchangeEnd>((resolve) => {
      const exchange = new HttpExchange({
        incoming,
        response,
        requestId: request.id,
        wantsTrailers: WANTS_TRAILERS.test(request.headers.get("te") ?? ""),
        onReady() {
          // RFC 9110 §10.1.1: only now is the body wanted, of somebody who may send it, by a gateway that is there.
          if (request.headers.has("expect")) response.writeContinue();
          if (isChunked) whenPast(limits.requestBodyBytes, incoming, () => exchange.end(bodyTooLarge));
        },
        onAnswer: () => health.report(endpoint, "up"),
        onEnd: resolve,
      });
      access.whenEnded(() => exchange.end(SESSION_ENDED));
      exchange.start(connections.of(endpoint), {
        method: request.method as Dispatcher.HttpMethod,
        path: `${request.path}${request.query}`,
        headers: flat(signed.headers, length),
        body: isChunked || Number(length ?? 0) > 0 ? incoming : null,
      });
    });

    if (end.ok) return end;
    if (end.error.by === "door") return err(end.error.denial);
    const what = codeOf(end.error.error);
    if (!COULD_NOT_CONNECT.has(what))
      return err({ code: "gateway_answer_invalid", gateway: gateway.id, what });
    health.report(endpoint, "down");
    return err({ code: "gateway_unavailable", gateway: gateway.id });
  };
}

const SESSION_ENDED: Denial = { code: "session_ended", how: "ended" };

// RFC 9110 §10.1.4.
const WANTS_TRAILERS = /(^|,)[ \t]*trailers[ \t]*(,|$)/i;

const COULD_NOT_CONNECT: ReadonlySet<string> = new Set([
  "UND_ERR_CONNECT_TIMEOUT",
  "ECONNREFUSED",
  "ENOTFOUND",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EAI_AGAIN",
]);

// The listeners of who reads the body are added in the same tick, so that no part of it is lost.
function whenPast(limit: number, incoming: IncomingMessage, then: () => void): void {
  let received = 0;
  incoming.on("data", (chunk: Buffer) => {
    received += chunk.length;
    if (received > limit) then();
  });
}

// Node's parser has settled the framing (RFC 9112 §6.3); a length it accepted is passed on as one.
function flat(headers: OutgoingHeaders, length: string | undefined): string[] {
  const list: string[] = [];
  for (const [name, value] of headers) list.push(name, value);
  if (length !== undefined) list.push("content-length", length);
  return list;
}

function codeOf(error: unknown): string {
  if (typeof error !== "object" || error === null) return "unknown";
  const { code } = error as { code?: unknown };
  return typeof code === "string" ? code : "unknown";
}
