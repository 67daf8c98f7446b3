// Which requests are forwarded, by path and method alone; everything else is a page or the door's own API.
import type { Denial } from "../core/denial.ts";
import type { Target } from "./decide/decide.ts";
import type { ParsedRequest } from "./request/parsed-request.ts";

/** Not TRACE, which would echo the assertion to the client (RFC 9110 §9.3.8), nor CONNECT. */
const METHODS: readonly string[] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/** Why a request of this method is not forwarded. */
export function methodFault(method: string): Denial | undefined {
  return METHODS.includes(method) ? undefined : { code: "method_not_allowed", method, allow: METHODS };
}

/** `/agents/{agent}/…` over HTTP; undefined for what is not forwarded. `…/ws` is for WebSockets only. */
export function httpTarget({ segments }: ParsedRequest): Target | undefined {
  const [head, agent, ...rest] = segments;
  if (head !== "agents" || agent === undefined || rest.length === 0) return undefined;
  return rest.length === 1 && (rest[0] === "ws" || rest[0] === "") ? undefined : { kind: "agent", agent };
}

/** `/agents/{agent}/ws`, or `/ws` for the person's first agent. */
export function upgradeTarget({ segments }: ParsedRequest): Target | undefined {
  const [head, agent, tail] = segments;
  if (head === "ws" && segments.length === 1) return { kind: "first" };
  if (head !== "agents" || agent === undefined || tail !== "ws" || segments.length !== 3) return undefined;
  return { kind: "agent", agent };
}
