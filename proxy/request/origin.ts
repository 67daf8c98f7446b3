// Cross-site requests ride on the cookie, so with one an upgrade or a change must say which page it comes
// from, and it must be ours (RFC 6455 §10.2; CVE-2026-25253, OpenClaw PR 58229). A bearer rides on nothing.
import type { Denial } from "../../core/denial.ts";
import type { Credential } from "./parsed-request.ts";

/** @param ownOrigin of the host that was asked, serialised: compared whole, never by suffix */
export function originFault(
  kind: "navigation" | "api" | "upgrade",
  method: string,
  credential: Credential,
  sentOrigin: string | undefined,
  ownOrigin: string,
): Denial | undefined {
  const safe = kind !== "upgrade" && (method === "GET" || method === "HEAD");
  if (sentOrigin !== undefined && sentOrigin !== ownOrigin && !safe)
    return { code: "origin_foreign", origin: sentOrigin };
  if (safe || sentOrigin !== undefined) return undefined;
  const ridesOnCookie = credential.kind === "session" || credential.kind === "unreadable-session";
  return ridesOnCookie ? { code: "origin_missing" } : undefined;
}
