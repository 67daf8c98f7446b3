import { describe, expect, it, test } from "vitest";
import type { Identity } from "../../../core/identity.ts";
import { newSessionId } from "../../../core/ids.ts";
import { createVerifiedCache } from "../../../proxy/identify/verified-cache.ts";
import type { AccessEvent } from "../../../proxy/live/access-event.ts";
import { verifiedAlice } from "../../support/identity-fixture.ts";
import { createManualClock } from "../../support/manual-clock.ts";

const NOW = 1_800_000_000_000;
const HOUR = 3_600_000;

/** A cache in which Alice's session is known under `cookie`, as of event 7, which is the newest. */
function cacheWithAlice(changes: Partial<Identity> = {}, freshUntil = NOW + HOUR) {
  const clock = createManualClock(NOW);
  let applied = 7;
  const cache = createVerifiedCache({ clock, appliedEvent: () => applied });
  const identity = verifiedAlice({ asOfEvent: 7, ...changes });
  cache.put("session", "cookie", { identity, freshUntil });
  return {
    clock,
    cache,
    identity,
    known: () => cache.get("session", "cookie"),
    happens(event: AccessEvent) {
      cache.apply(event);
      applied += 1;
    },
  };
}

describe("an identity proved a moment ago", () => {
  it("is known by its credential, as the same value", () => {
    const { known, identity } = cacheWithAlice();
    expect(known()).toBe(identity);
  });

  test.each([
    ["another credential", "session", "cookie2"],
    ["the same text as another kind of credential", "bearer", "cookie"],
  ] as const)("is not known by %s", (_what, kind, text) => {
    const { cache } = cacheWithAlice();
    expect(cache.get(kind, text)).toBeUndefined();
  });

  it("counts until the moment that its proof names, and no longer", () => {
    const { known, identity, clock } = cacheWithAlice({}, NOW + 1_000);
    clock.advance(999);
    expect(known()).toBe(identity);
    clock.advance(1);
    expect(known()).toBeUndefined();
  });

  it("counts for 15 seconds at most, whatever its proof says", () => {
    const { known, identity, clock } = cacheWithAlice();
    clock.advance(14_999);
    expect(known()).toBe(identity);
    clock.advance(1);
    expect(known()).toBeUndefined();
  });

  it("is proved anew after its time, and then known again", () => {
    const { cache, known, clock } = cacheWithAlice();
    clock.advance(15_000);
    expect(known()).toBeUndefined();
    const again = verifiedAlice({ asOfEvent: 7, name: "Alice again" });
    cache.put("session", "cookie", { identity: again, freshUntil: NOW + HOUR });
    expect(known()).toBe(again);
  });

  it("is not taken when its proof has lapsed already", () => {
    const { known } = cacheWithAlice({}, NOW);
    expect(known()).toBeUndefined();
  });

  it("is not taken when something happened while it was being proved", () => {
    const { known } = cacheWithAlice({ asOfEvent: 6 });
    expect(known()).toBeUndefined();
  });
});

describe("what happens to a session", () => {
  const { sid } = verifiedAlice();
  const other = newSessionId();

  test.each<[string, AccessEvent]>([
    ["its end", { kind: "sessions_ended", sids: [other, sid], reason: "signed_out" }],
    ["other groups", { kind: "groups_changed", sid, groups: [] }],
    ["another e-mail", { kind: "identity_changed", sid }],
    ["replaced keys", { kind: "keys_replaced" }],
  ])("ends what is known of it: %s", (_what, event) => {
    const { known, happens } = cacheWithAlice();
    happens(event);
    expect(known()).toBeUndefined();
  });

  test.each<[string, AccessEvent]>([
    ["another session's end", { kind: "sessions_ended", sids: [other], reason: "signed_out" }],
    ["another session's groups", { kind: "groups_changed", sid: other, groups: [] }],
    ["another policy", { kind: "policy_changed", snapshot: 2, at: NOW }],
    ["the end of a group's connections", { kind: "group_ended", group: "engineering" }],
    ["the end of a gateway's connections", { kind: "gateway_ended", gateway: "cloud", endpoint: null }],
  ])("leaves who somebody is as it was: %s", (_what, event) => {
    const { known, happens, identity } = cacheWithAlice();
    happens(event);
    expect(known()).toBe(identity);
  });

  it("ends every credential of it, and nobody else's", () => {
    const { cache, identity, happens } = cacheWithAlice();
    const bearer = { identity, freshUntil: NOW + HOUR };
    const bob = verifiedAlice({ asOfEvent: 7, sid: other });
    cache.put("bearer", "token-1", bearer);
    cache.put("bearer", "token-2", bearer);
    cache.put("session", "bobs", { identity: bob, freshUntil: NOW + HOUR });
    happens({ kind: "sessions_ended", sids: [sid], reason: "ended_by_admin" });
    expect([
      cache.get("session", "cookie"),
      cache.get("bearer", "token-1"),
      cache.get("bearer", "token-2"),
      cache.get("session", "bobs"),
    ]).toEqual([undefined, undefined, undefined, bob]);
  });

  it("is assumed of everybody when nobody knows what happened", () => {
    const { cache, known } = cacheWithAlice();
    cache.clear();
    expect(known()).toBeUndefined();
  });
});
