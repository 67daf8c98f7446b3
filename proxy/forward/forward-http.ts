// Sixth stage for plain HTTP: one exchange over one connection to the endpoint. A request is written to a gateway at
// most once, whatever its method.
import type { Denial } from "../../core/denial.ts";
import { err, type Result } from "../../core/result.ts";
import type { SignedRequest } from "../assert/assert.ts";
import type { OutgoingHeaders } from "../assert/outgoing-headers.ts";
import type { ClientSide } from "../client-answer.ts";
import type { ParsedRequest } from "../request/parsed-request.ts";
import type { Upstream } from "../route/pick-endpoint.ts";
import { createSilenceWatch } from "../silence-watch.ts";
import type { AccessWatch } from "./access-watch.ts";
import { type ExchangeDeps, HttpExchange } from "./http-exchange.ts";
import { requestHead } from "./request-head.ts";

/**
 * Resolves when the exchange is over at both sides; with a denial only if nothing has been answered yet.
 * @param access its end ends the exchange at once, also in the middle of an answer
 */
export type HttpForwarder = (
  request: ParsedRequest,
  signed: SignedRequest,
  upstream: Upstream,
  client: ClientSide,
  access: AccessWatch,
) => Promise<Result<void, Denial>>;

export function createHttpForwarder(parts: Omit<ExchangeDeps, "silence">): HttpForwarder {
  const deps = { ...parts, silence: createSilenceWatch<HttpExchange>(parts.clock) };
  const limitBytes = parts.limits.requestBodyBytes;
  return async (request, signed, upstream, client, access) => {
    if (access.hasEnded) return err(SESSION_ENDED);
    if (client.answer.destroyed) return err({ code: "client_gone" });
    // Node's parser has settled the framing (RFC 9112 §6.3); a length it accepted is passed on as one.
    const length = request.headers.get("content-length");
    const size = request.headers.has("transfer-encoding") ? Number.NaN : Number(length ?? 0);
    if (size > limitBytes) return err({ code: "body_too_large", limitBytes });
    return new Promise((settle) => {
      const exchange = new HttpExchange(deps, { request, upstream, client, settle });
      access.whenEnded(() => exchange.end(SESSION_ENDED));
      exchange.start(headOf(request, signed.headers, length === undefined ? undefined : size), size !== 0);
    });
  };
}

const SESSION_ENDED: Denial = { code: "session_ended", how: "ended" };

/** @param length of the body; undefined when the client did not say it, or has none */
function headOf(
  { method, path, query, headers }: ParsedRequest,
  ours: OutgoingHeaders,
  length: number | undefined,
) {
  const framing: string[] = [];
  // In one spelling: Node takes `010` for ten, and a gateway could take it for eight.
  if (length !== undefined) framing.push("content-length", String(length));
  else if (headers.has("transfer-encoding")) framing.push("transfer-encoding", "chunked");
  // RFC 9110 §8.6: a gateway may expect a body with these.
  else if (WITH_BODY.has(method)) framing.push("content-length", "0");
  return requestHead(method, `${path}${query}`, ours, framing);
}

const WITH_BODY = new Set(["POST", "PUT", "PATCH"]);
