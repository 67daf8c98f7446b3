import { describe, expect, it, test } from "vitest";
import { createPlaces, type PlaceKind, type PlaceLimits } from "../../../proxy/live/places.ts";
import { verifiedAlice } from "../../support/identity-fixture.ts";

const ALICE = verifiedAlice().userId;
const BOB = verifiedAlice({ userId: `u_${"b".repeat(26)}` as typeof ALICE }).userId;

const ROOM: PlaceLimits = {
  exchanges: 9,
  exchangesPerUser: 9,
  sockets: 9,
  socketsPerUser: 9,
  socketsPerAddress: 9,
  pendingUpgrades: 9,
};

type Asked = { readonly use: PlaceKind; readonly user?: typeof ALICE; readonly peer?: string };

/** Takes one place after the other; gives the limit that each was refused for. */
function taken(limits: Partial<PlaceLimits>, asked: readonly Asked[]) {
  const places = createPlaces({ ...ROOM, ...limits });
  return asked.map(({ use, user = ALICE, peer = "192.0.2.1" }) => {
    const denial = places(use, peer).take(user);
    return denial?.code === "overloaded" ? denial.what : denial;
  });
}

describe("places", () => {
  test.each<[keyof PlaceLimits, readonly Asked[]]>([
    ["exchanges", [{ use: "http" }, { use: "http", user: BOB }]],
    ["exchangesPerUser", [{ use: "http" }, { use: "http", peer: "192.0.2.2" }]],
    ["sockets", [{ use: "upgrade" }, { use: "upgrade", user: BOB, peer: "192.0.2.2" }]],
    ["pendingUpgrades", [{ use: "upgrade" }, { use: "upgrade", user: BOB, peer: "192.0.2.2" }]],
    ["socketsPerUser", [{ use: "upgrade" }, { use: "upgrade", peer: "192.0.2.2" }]],
    ["socketsPerAddress", [{ use: "upgrade" }, { use: "upgrade", user: BOB }]],
    [
      "socketsPerAddress",
      [
        { use: "upgrade", peer: "2001:db8::1" },
        { use: "upgrade", user: BOB, peer: "2001:db8::2" },
      ],
    ],
  ])("past limits.%s are refused with its name", (limit, asked) => {
    expect(taken({ [limit]: 1 }, asked)).toEqual([undefined, `limits.${limit}`]);
  });

  test.each<[keyof PlaceLimits, readonly Asked[]]>([
    ["exchanges", [{ use: "http" }, { use: "upgrade" }]],
    ["exchangesPerUser", [{ use: "http" }, { use: "http", user: BOB }]],
    ["sockets", [{ use: "upgrade" }, { use: "http" }]],
    ["socketsPerUser", [{ use: "upgrade" }, { use: "upgrade", user: BOB }]],
    ["socketsPerAddress", [{ use: "upgrade" }, { use: "upgrade", peer: "192.0.2.2" }]],
  ])("that limits.%s does not count are there", (limit, asked) => {
    expect(taken({ [limit]: 1 }, asked)).toEqual([undefined, undefined]);
  });

  it.each(["http", "upgrade"] as const)("given up are there again, each once: %s", (use) => {
    const places = createPlaces({ ...ROOM, [use === "http" ? "exchanges" : "sockets"]: 2 });
    const [one, other, never] = [places(use, "::1"), places(use, "::1"), places(use, "::1")];
    expect([one.take(ALICE), other.take(ALICE)]).toEqual([undefined, undefined]);
    const full = never.take(ALICE);
    never.leave();
    one.leave();
    one.leave();
    expect([full, places(use, "::1").take(BOB), places(use, "::1").take(BOB)]).toEqual([
      { code: "overloaded", what: expect.any(String) },
      undefined,
      { code: "overloaded", what: expect.any(String) },
    ]);
  });

  it("are pending until the gateway has answered, or the client has gone", () => {
    const places = createPlaces({ ...ROOM, pendingUpgrades: 1 });
    const [opened, gone, next] = [
      places("upgrade", "::1"),
      places("upgrade", "::1"),
      places("upgrade", "::1"),
    ];
    expect(opened.take(ALICE)).toBeUndefined();
    opened.opened();
    expect(gone.take(ALICE)).toBeUndefined();
    gone.leave();
    opened.leave();
    expect(next.take(ALICE)).toBeUndefined();
    expect(places("upgrade", "::1").take(ALICE)).toEqual({
      code: "overloaded",
      what: "limits.pendingUpgrades",
    });
  });
});
