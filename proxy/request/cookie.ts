// Reads the one cookie that matters: the session handle. Two cookies of its name (cookie tossing from a
// sub-domain, S64) or a value of another form count as signed out, never as first-or-last-wins.
import { parseSessionHandle } from "../../core/ids.ts";
import type { Credential } from "./parsed-request.ts";

/** `__Host-` binds the cookie to this host over https (RFC 6265bis §4.1.3.2); loopback http cannot use it. */
export function sessionCookieName(publicUrl: string): "__Host-gatehouse" | "gatehouse" {
  return publicUrl.startsWith("https:") ? "__Host-gatehouse" : "gatehouse";
}

/** @param header untrusted `Cookie` value; several header lines joined by `; ` */
export function readSessionCookie(header: string | undefined, cookieName: string): Credential {
  const values: string[] = [];
  for (const pair of (header ?? "").split(";")) {
    const equals = pair.indexOf("=");
    if (equals !== -1 && pair.slice(0, equals).trim() === cookieName)
      values.push(pair.slice(equals + 1).trim());
  }
  const [value] = values;
  if (value === undefined) return { kind: "none" };
  const handle = values.length === 1 ? parseSessionHandle(value) : undefined;
  return handle === undefined ? { kind: "unreadable-session" } : { kind: "session", handle };
}
