// Sixth stage for plain HTTP: streamed both ways through one pool per endpoint. Back-pressure and aborts pass
// both ways; an answer that the gateway cut short is cut short here too, never ended cleanly.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Readable } from "node:stream";
import { type Dispatcher, errors, Pool } from "undici";
import type { Denial } from "../../core/denial.ts";
import { err, ok, type Result } from "../../core/result.ts";
import type { SignedRequest } from "../assert/assert.ts";
import type { ParsedRequest } from "../request/parsed-request.ts";
import type { Health } from "../route/health.ts";
import type { Upstream } from "../route/pick-endpoint.ts";
import { answerHeaders } from "./answer-headers.ts";

export type HttpForwarder = {
  /**
   * Resolves when the exchange is over; with a denial only if nothing has been answered yet.
   * @param signal ends it at once, also in the middle of an answer
   */
  forward(
    request: ParsedRequest,
    signed: SignedRequest,
    upstream: Upstream,
    incoming: IncomingMessage,
    response: ServerResponse,
    signal: AbortSignal,
  ): Promise<Result<void, Denial>>;
  close(): Promise<void>;
};

export type HttpForwardLimits = {
  readonly connectTimeoutMs: number;
  readonly answerTimeoutMs: number;
  readonly requestBodyBytes: number;
  readonly idleTimeoutMs: number;
};

const CONNECTIONS_PER_ENDPOINT = 128;

export function createHttpForwarder(deps: { health: Health; limits: HttpForwardLimits }): HttpForwarder {
  const { limits, health } = deps;
  const pools = new Map<string, Pool>();

  function poolOf(url: string): Pool {
    const existing = pools.get(url);
    if (existing !== undefined) return existing;
    const pool = new Pool(url, {
      connections: CONNECTIONS_PER_ENDPOINT,
      pipelining: 1,
      connect: { timeout: limits.connectTimeoutMs },
      headersTimeout: limits.answerTimeoutMs,
      bodyTimeout: limits.idleTimeoutMs,
      maxHeaderSize: 16 * 1024,
    });
    pools.set(url, pool);
    return pool;
  }

  return {
    async forward(request, signed, upstream, incoming, response, signal) {
      const gateway = upstream.gateway.id;
      // A signal that has been given already tells no listener.
      if (signal.aborted) return err({ code: "session_ended", how: "ended" });
      const body = bodyOf(request, incoming, limits.requestBodyBytes);
      if (!body.ok) return body;
      const abort = new AbortController();
      const stop = () => abort.abort();
      signal.addEventListener("abort", stop, { once: true });
      response.once("close", stop);
      let answered = false;
      try {
        await poolOf(upstream.endpoint.url).stream(
          {
            method: request.method as Dispatcher.HttpMethod,
            path: `${request.path}${request.query}`,
            headers: [...signed.headers, ...body.value.headers].flat(),
            body: body.value.stream as Readable | null,
            signal: abort.signal,
            responseHeaders: "raw",
          },
          ({ statusCode, headers }) => {
            answered = true;
            // With `responseHeaders: "raw"` undici delivers a flat list, which its types do not say.
            response.writeHead(statusCode, answerHeaders(headers as unknown as string[], request.id));
            return response;
          },
        );
        health.report(upstream.endpoint, "up");
        return ok(undefined);
      } catch (error) {
        if (answered || response.headersSent) {
          response.destroy();
          return ok(undefined);
        }
        if (body.value.tooLarge())
          return err({ code: "body_too_large", limitBytes: limits.requestBodyBytes });
        if (response.destroyed) return err({ code: "client_gone" });
        if (signal.aborted) return err({ code: "session_ended", how: "ended" });
        if (couldNotConnect(error)) {
          health.report(upstream.endpoint, "down");
          return err({ code: "gateway_unavailable", gateway });
        }
        return err({ code: "gateway_answer_invalid", gateway, what: codeOf(error) });
      } finally {
        signal.removeEventListener("abort", stop);
        response.off("close", stop);
      }
    },
    async close() {
      await Promise.all([...pools.values()].map((pool) => pool.destroy()));
    },
  };
}

type ForwardedBody = {
  readonly stream: AsyncIterable<Buffer> | null;
  readonly headers: readonly (readonly [string, string])[];
  readonly tooLarge: () => boolean;
};

// Node's parser has settled the framing (RFC 9112 §6.3); a length it accepted is passed on as one.
function bodyOf(
  request: ParsedRequest,
  incoming: IncomingMessage,
  limit: number,
): Result<ForwardedBody, Denial> {
  const length = request.headers.get("content-length");
  const hasBody = request.headers.has("transfer-encoding") || (length !== undefined && length !== "0");
  if (!hasBody) return ok({ stream: null, headers: [], tooLarge: () => false });
  if (length !== undefined && Number(length) > limit)
    return err({ code: "body_too_large", limitBytes: limit });
  let received = 0;
  async function* counted() {
    for await (const chunk of incoming as AsyncIterable<Buffer>) {
      received += chunk.length;
      if (received > limit) throw new Error("the request's body is past its limit");
      yield chunk;
    }
  }
  return ok({
    stream: counted(),
    headers: length === undefined ? [] : [["content-length", length]],
    tooLarge: () => received > limit,
  });
}

function couldNotConnect(error: unknown): boolean {
  if (error instanceof errors.ConnectTimeoutError) return true;
  const code = codeOf(error);
  return ["ECONNREFUSED", "ENOTFOUND", "EHOSTUNREACH", "ENETUNREACH", "EAI_AGAIN"].includes(code);
}

function codeOf(error: unknown): string {
  if (typeof error !== "object" || error === null) return "unknown";
  const { code } = error as { code?: unknown };
  return typeof code === "string" ? code : "unknown";
}
