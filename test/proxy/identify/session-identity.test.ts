import { describe, expect, it } from "vitest";
import type { SessionId } from "../../../core/ids.ts";
import { StoreUnavailable } from "../../../core/store.ts";
import { sessionIdentity } from "../../../proxy/identify/session-identity.ts";
import { sessionId } from "../../support/assertion-fixture.ts";
import { verifiedAlice } from "../../support/identity-fixture.ts";

const [A, B, C] = [sessionId("A"), sessionId("B"), sessionId("C")];
const ALICE = verifiedAlice({ sid: A });
const BEARER = verifiedAlice({ sid: B, via: "bearer" });

function ask(sid: SessionId, changes: Partial<Parameters<typeof sessionIdentity>[1]> = {}) {
  const places = new Map([
    [A, { kind: "browser", place: "session/a" }],
    [B, { kind: "bearer", place: "bearer-session/b" }],
    // Listed, and its record is gone.
    [C, { kind: "browser", place: "session/c" }],
  ]);
  return sessionIdentity(sid, {
    index: { find: async (asked) => places.get(asked) as never },
    sessions: {
      recordAt: async (place) =>
        (place === "session/a" ? { record: { identity: ALICE }, version: 1 } : undefined) as never,
    },
    bearerSessions: { recordAt: async () => ({ identity: BEARER, beganAt: 0, usedAt: 0 }) },
    appliedEvent: () => 42,
    ...changes,
  });
}

describe("whose a session is", () => {
  it("is known for either kind, as of the newest event applied before it was read", async () => {
    expect(await ask(A)).toEqual({ ...ALICE, asOfEvent: 42 });
    expect(await ask(B)).toEqual({ ...BEARER, asOfEvent: 42 });
  });

  it("is not known for one that nobody lists, or whose record is gone", async () => {
    expect([await ask(sessionId("Z")), await ask(C)]).toEqual([undefined, undefined]);
  });

  it("is not called unknown while the store does not answer", async () => {
    const away = new StoreUnavailable(new Error("away"));
    await expect(ask(A, { index: { find: () => Promise.reject(away) } })).rejects.toBe(away);
  });
});
