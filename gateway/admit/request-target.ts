// What a request's path means here. Exact text, no decoding: an encoded slash or a dot segment is just unknown.
import { type AgentId, parseAgentId } from "../../core/ids.ts";

export type RequestTarget =
  | { readonly kind: "health" }
  /** `agent` is undefined on `/ws`: all of the caller's. */
  | { readonly kind: "socket"; readonly agent: AgentId | undefined }
  | { readonly kind: "whoami"; readonly agent: AgentId }
  | { readonly kind: "unknown" };

/** @param path without its query */
export function parseRequestTarget(path: string): RequestTarget {
  if (path === "/health") return { kind: "health" };
  if (path === "/ws") return { kind: "socket", agent: undefined };
  const [, agentText = "", leaf] = /^\/agents\/([^/]+)\/(ws|whoami)$/.exec(path) ?? [];
  const agent = parseAgentId(agentText);
  if (agent === undefined) return { kind: "unknown" };
  return leaf === "ws" ? { kind: "socket", agent } : { kind: "whoami", agent };
}

/** The path of an untrusted request line, without query or fragment: what is compared and what is recorded. */
export function pathOf(requestUrl: string): string {
  return requestUrl.split(/[?#]/, 1)[0] ?? "";
}
