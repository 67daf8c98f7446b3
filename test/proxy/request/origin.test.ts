import { describe, expect, it, test } from "vitest";
import { originFault } from "../../../proxy/request/origin.ts";
import type { Credential } from "../../../proxy/request/parsed-request.ts";
import { HANDLE, PUBLIC_URL } from "../request-fixture.ts";

const CREDENTIALS: readonly Credential[] = [
  { kind: "none" },
  { kind: "session", handle: HANDLE },
  { kind: "unreadable-session" },
  { kind: "bearer", token: "t" },
  { kind: "other-scheme" },
];
const RIDES_ON_COOKIE = new Set(["session", "unreadable-session"]);
const FOREIGN = [
  "https://evil.example",
  "http://agents.example.com",
  "https://agents.example.com:8443",
  "https://agents.example.com.evil.example",
  "https://evilagents.example.com",
  "https://AGENTS.example.com",
  "https://agents.example.com/",
  "null",
  "",
];

/** Every kind and method that a request may have, and whether it may change something. */
const ASKED = [
  ["navigation", "GET", false],
  ["navigation", "HEAD", false],
  ["navigation", "POST", true],
  ["api", "GET", false],
  ["api", "HEAD", false],
  ["api", "POST", true],
  ["api", "PUT", true],
  ["api", "DELETE", true],
  ["api", "OPTIONS", true],
  ["api", "get", true],
  ["upgrade", "GET", true],
] as const;

describe.each(ASKED)("%s with %s", (kind, method, changes) => {
  it.each(CREDENTIALS)("from this site is let through with the credential $kind", (credential) => {
    expect(originFault(kind, method, credential, PUBLIC_URL, PUBLIC_URL)).toBeUndefined();
  });

  it.each(CREDENTIALS)("without an Origin, with the credential $kind", (credential) => {
    const refused = changes && RIDES_ON_COOKIE.has(credential.kind);
    expect(originFault(kind, method, credential, undefined, PUBLIC_URL)).toEqual(
      refused ? { code: "origin_missing" } : undefined,
    );
  });

  test.each(FOREIGN)("from %j, with any credential", (origin) => {
    for (const credential of CREDENTIALS) {
      expect(originFault(kind, method, credential, origin, PUBLIC_URL)).toEqual(
        changes ? { code: "origin_foreign", origin } : undefined,
      );
    }
  });
});
