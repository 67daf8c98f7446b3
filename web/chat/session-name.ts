// What a session is called on the page, and how the page's address names it: by its fragment, which no server sees. Pure.
import type { SessionSummary } from "../../core/gateway-protocol.ts";
import { mainSessionKey } from "../client/index.ts";

/** Letters, digits, punctuation or symbols: without one, a name would be an empty line. */
const VISIBLE = /[\p{L}\p{N}\p{P}\p{S}]/u;

/** @param session undefined: it does not exist yet */
export function sessionTitle(session: Pick<SessionSummary, "label" | "derivedTitle"> | undefined): string {
  if (session === undefined) return "New session";
  const names = [session.label, session.derivedTitle];
  return names.find((name) => name !== null && VISIBLE.test(name)) ?? "Untitled";
}

/** @param fragment untrusted, with its `#`; what names no session means the main one */
export function sessionKeyFrom(fragment: string, agent: string): string {
  const name = /^#([a-z0-9:._-]{1,60})$/.exec(fragment)?.[1];
  return name === undefined ? mainSessionKey(agent) : `agent:${agent}:${name}`;
}

export function fragmentOf(sessionKey: string): string {
  return `#${sessionKey.split(":").slice(2).join(":")}`;
}
