import { describe, expect, it, test } from "vitest";
import type { Denial } from "../../../core/denial.ts";
import type { Identity, Proof } from "../../../core/identity.ts";
import { err, ok } from "../../../core/result.ts";
import { StoreUnavailable } from "../../../core/store.ts";
import { createIdentify, type IdentifyDeps } from "../../../proxy/identify/identify.ts";
import type { ParsedRequest } from "../../../proxy/request/parsed-request.ts";
import { verifiedAlice } from "../../support/identity-fixture.ts";
import { HANDLE, parsedRequest } from "../request-fixture.ts";

const SESSION = { kind: "session", handle: HANDLE } as const;
const BEARER = { kind: "bearer", token: "token" } as const;
const FRESH_UNTIL = 1_800_000_000_000;
const TOO_MANY: Denial = { code: "too_many_attempts", retryAfterSeconds: 7 };

function proofOf(changes: Partial<Identity>): Proof {
  return { identity: verifiedAlice(changes), freshUntil: FRESH_UNTIL };
}

/** Everybody is Alice, and every failed attempt is one too many; a test changes one dependency. */
function identifyWith(changes: Partial<IdentifyDeps> = {}) {
  const counted: [string, Denial][] = [];
  const identify = createIdentify({
    sessions: { read: async (_handle, asOfEvent) => ok(proofOf({ asOfEvent })) },
    verifyBearer: async (_token, asOfEvent) => ok(proofOf({ via: "bearer", asOfEvent })),
    cache: { get: () => undefined, put: () => {} },
    attempts: {
      async count(peer, denial) {
        counted.push([peer, denial]);
        return TOO_MANY;
      },
    },
    appliedEvent: () => 12,
    ...changes,
  });
  return { counted, ask: (changed: Partial<ParsedRequest>) => identify(parsedRequest(changed)) };
}

describe("a credential proves who is asking", () => {
  test.each([
    ["a session, by its handle", SESSION, "session"],
    ["a bearer, by its token", BEARER, "bearer"],
  ] as const)("%s, as of the newest event applied", async (_what, credential, via) => {
    const asked: unknown[] = [];
    const { ask, counted } = identifyWith({
      sessions: {
        async read(handle, asOfEvent) {
          asked.push(handle);
          return ok(proofOf({ asOfEvent }));
        },
      },
      async verifyBearer(token, asOfEvent) {
        asked.push(token);
        return ok(proofOf({ via: "bearer", asOfEvent }));
      },
    });
    expect(await ask({ credential })).toEqual(ok(verifiedAlice({ via, asOfEvent: 12 })));
    expect(asked).toEqual([credential.kind === "session" ? HANDLE : "token"]);
    expect(counted).toEqual([]);
  });
});

describe("a credential that was proved a moment ago", () => {
  test.each([
    ["a session", SESSION, HANDLE, "session"],
    ["a bearer", BEARER, "token", "bearer"],
  ] as const)("is not proved again: %s", async (_what, credential, text, via) => {
    const known = verifiedAlice({ via });
    const asked: unknown[] = [];
    const { ask } = identifyWith({
      cache: {
        get(...key) {
          asked.push(key);
          return known;
        },
        put: () => {},
      },
      sessions: { read: () => Promise.reject(new Error("read")) },
      verifyBearer: () => Promise.reject(new Error("verified")),
    });
    expect(await ask({ credential })).toEqual(ok(known));
    expect(asked).toEqual([[via, text]]);
  });

  test.each([
    ["a session", SESSION, HANDLE, "session"],
    ["a bearer", BEARER, "token", "bearer"],
  ] as const)("is remembered with how long it counts: %s", async (_what, credential, text, via) => {
    const put: unknown[] = [];
    const { ask } = identifyWith({ cache: { get: () => undefined, put: (...entry) => put.push(entry) } });
    await ask({ credential });
    expect(put).toEqual([[via, text, proofOf({ via, asOfEvent: 12 })]]);
  });

  it("is remembered only if it proved something", async () => {
    const put: unknown[] = [];
    const { ask } = identifyWith({
      sessions: { read: async () => err<Denial>({ code: "session_missing" }) },
      cache: { get: () => undefined, put: (...entry) => put.push(entry) },
    });
    expect(await ask({ credential: SESSION })).toEqual(err(TOO_MANY));
    expect(put).toEqual([]);
  });
});

describe("a credential that proves nothing", () => {
  const missing = async () => err<Denial>({ code: "session_missing" });
  const invalid = async () => err<Denial>({ code: "bearer_invalid", fault: "expired" });

  test.each([
    ["none at all", { credential: { kind: "none" } }, { code: "session_missing" }],
    [
      "a page asked for with an unknown session",
      { credential: SESSION, kind: "navigation" },
      { code: "session_missing" },
    ],
    [
      "a page asked for with an unreadable session",
      { credential: { kind: "unreadable-session" }, kind: "navigation" },
      { code: "session_missing" },
    ],
  ] as const)("is answered and not counted: %s", async (_what, changes, denial) => {
    const { ask, counted } = identifyWith({ sessions: { read: missing } });
    expect(await ask(changes)).toEqual(err(denial));
    expect(counted).toEqual([]);
  });

  test.each([
    ["an unknown session", { credential: SESSION }, { code: "session_missing" }],
    ["an unreadable session", { credential: { kind: "unreadable-session" } }, { code: "session_missing" }],
    [
      "another scheme",
      { credential: { kind: "other-scheme" } },
      { code: "bearer_invalid", fault: "wrong_scheme" },
    ],
    ["an invalid bearer", { credential: BEARER }, { code: "bearer_invalid", fault: "expired" }],
    [
      "an invalid bearer that calls itself a navigation, as no browser does",
      { credential: BEARER, kind: "navigation" },
      { code: "bearer_invalid", fault: "expired" },
    ],
    [
      "an unknown session on an upgrade",
      { credential: SESSION, kind: "upgrade" },
      { code: "session_missing" },
    ],
  ] as const)("is counted by the peer's address: %s", async (_what, changes, denial) => {
    const { ask, counted } = identifyWith({ sessions: { read: missing }, verifyBearer: invalid });
    expect(await ask({ ...changes, peer: "203.0.113.9" })).toEqual(err(TOO_MANY));
    expect(counted).toEqual([["203.0.113.9", denial]]);
  });

  test.each<Denial>([{ code: "session_ended", how: "expired" }, { code: "store_unavailable" }])(
    "is not counted when it once proved something, or cannot be judged: $code",
    async (denial) => {
      const { ask, counted } = identifyWith({
        sessions: { read: async () => err(denial) },
        verifyBearer: async () => err(denial),
      });
      expect(await ask({ credential: SESSION })).toEqual(err(denial));
      expect(await ask({ credential: BEARER })).toEqual(err(denial));
      expect(counted).toEqual([]);
    },
  );
});

describe("a store that does not answer", () => {
  it("is not taken for a session that is not there", async () => {
    const down = async () => {
      throw new StoreUnavailable(new Error("away"));
    };
    const { ask, counted } = identifyWith({ sessions: { read: down }, verifyBearer: down });
    for (const credential of [SESSION, BEARER]) {
      expect(await ask({ credential })).toEqual(err({ code: "store_unavailable" }));
    }
    expect(counted).toEqual([]);
  });

  it("is told from a mistake in the program, which is thrown on", async () => {
    const { ask } = identifyWith({
      sessions: {
        async read() {
          throw new TypeError("a mistake");
        },
      },
    });
    await expect(ask({ credential: SESSION })).rejects.toThrow(new TypeError("a mistake"));
  });
});
