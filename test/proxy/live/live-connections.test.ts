import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import type { Identity } from "../../../core/identity.ts";
import { userIdOf } from "../../../core/ids.ts";
import type { AccessEvent } from "../../../proxy/live/access-event.ts";
import { createLiveConnections, type Judge } from "../../../proxy/live/live-connections.ts";
import type { Decided, PendingConnection } from "../../../proxy/live/live-entry.ts";
import { agentId, sessionId } from "../../support/assertion-fixture.ts";
import { verifiedAlice } from "../../support/identity-fixture.ts";
import { createManualClock } from "../../support/manual-clock.ts";
import { NOW } from "../../support/provider-fixture.ts";

const ALICE = verifiedAlice({ sid: sessionId("A") });
const BOB = verifiedAlice({ sid: sessionId("B"), userId: userIdOf("i", "bob"), groups: ["finance"] });
const DECIDED: Decided = {
  target: { kind: "agent", agent: "coder" },
  agents: [agentId("coder")],
  gateway: "cloud",
  endpoint: "cloud-1",
  address: "http://127.0.0.1:18789",
  snapshot: 1,
};
const sessionsEnded = (...letters: string[]): AccessEvent => ({
  kind: "sessions_ended",
  sids: letters.map(sessionId),
  reason: "signed_out",
});

type Fixture = ReturnType<typeof create>;

function create(judge: Judge = () => undefined) {
  const clock = createManualClock(NOW);
  const ended: string[] = [];
  const policy = { snapshot: 1 };
  const live = createLiveConnections({ clock, judge, snapshot: () => policy.snapshot });
  /** Notes `<name> <reason> <event>`. */
  const bind = (connection: PendingConnection, identity: Identity, name: string) =>
    connection.bind(verifiedAlice(identity), (reason, event) =>
      ended.push(`${name} ${reason.code} ${event}`),
    );
  return { live, clock, ended, policy, bind };
}

/** A connection that is being forwarded. */
function open({ live, bind }: Fixture, identity: Identity, name: string, decided: Partial<Decided> = {}) {
  const connection = live.begin("upgrade");
  expect(bind(connection, identity, name)).toBeUndefined();
  expect(connection.settle({ ...DECIDED, ...decided })).toBeUndefined();
  return connection;
}

describe("a connection that cannot be ended", () => {
  it.each<readonly [string, (fixture: Fixture) => void]>([
    ["an event", ({ live }) => live.apply(sessionsEnded("A", "B"), 7)],
    ["the end of everything", ({ live }) => live.endAll({ code: "signed_out" }, 7)],
  ])("keeps no other open that %s ends with it", (_what, end) => {
    const fixture = create();
    const stuck = fixture.live.begin("upgrade");
    stuck.bind(ALICE, () => {
      throw new Error("stuck");
    });
    open(fixture, ALICE, "one");
    open(fixture, BOB, "two");
    expect(() => end(fixture)).toThrow("could not be ended");
    expect([fixture.ended, fixture.live.size]).toEqual([["one signed_out 7", "two signed_out 7"], 0]);
  });
});

describe("what is live", () => {
  it("is counted and listed from the moment that it is known whose it is", () => {
    const fixture = create();
    const { live, bind, clock } = fixture;
    const pending = live.begin("upgrade");
    expect([live.size, live.list()]).toEqual([0, []]);
    clock.advance(5);
    bind(pending, ALICE, "one");
    open(fixture, ALICE, "two");
    open(fixture, BOB, "three");
    expect([live.size, live.ofUser(ALICE.userId).length, live.ofUser(BOB.userId).length]).toEqual([3, 2, 1]);
    expect(live.list()).toEqual([
      { identity: ALICE, decided: undefined, since: NOW },
      { identity: ALICE, decided: DECIDED, since: NOW + 5 },
      { identity: BOB, decided: DECIDED, since: NOW + 5 },
    ]);
  });

  it("is no more once it is removed, however often", () => {
    const fixture = create();
    const [one, other] = [open(fixture, ALICE, "one"), fixture.live.begin("upgrade")];
    for (const connection of [one, one, other, other]) connection.remove();
    expect([fixture.live.size, fixture.live.ofUser(ALICE.userId).length, fixture.live.list()]).toEqual([
      0,
      0,
      [],
    ]);
    fixture.live.apply(sessionsEnded("A"), 1);
    fixture.live.endAll({ code: "restarting", comeBackInSeconds: 1 }, null);
    fixture.clock.advance(10 * 3_600_000);
    expect(fixture.ended).toEqual([]);
  });
});

describe("the end of a session", () => {
  it("ends its connections and no others, with the event's number", () => {
    const fixture = create();
    open(fixture, ALICE, "one");
    open(fixture, BOB, "other");
    open(fixture, ALICE, "two");
    fixture.live.apply(sessionsEnded("A", "C"), 7);
    expect(fixture.ended).toEqual(["one signed_out 7", "two signed_out 7"]);
    expect([fixture.live.size, fixture.live.ofUser(ALICE.userId).length]).toEqual([1, 0]);
  });

  it("counts when it comes before it is known whose the connection is", () => {
    const { live, bind, ended } = create();
    const [mine, another] = [live.begin("upgrade"), live.begin("upgrade")];
    live.apply(sessionsEnded("A"), 1);
    expect(bind(mine, ALICE, "mine")).toEqual({ code: "signed_out" });
    expect(bind(another, BOB, "another")).toBeUndefined();
    expect([ended, live.size]).toEqual([[], 1]);
  });

  it("that came before the connection began is none of its business: the session was read after it", () => {
    const { live, bind } = create();
    live.apply(sessionsEnded("A"), 1);
    expect(bind(live.begin("upgrade"), ALICE, "late")).toBeUndefined();
  });

  it("counts when it comes between the proof and the decision: nothing may be forwarded then", () => {
    const { live, bind, ended } = create();
    const connection = live.begin("upgrade");
    bind(connection, ALICE, "one");
    live.apply(sessionsEnded("A"), 4);
    expect(ended).toEqual(["one signed_out 4"]);
    expect(connection.settle(DECIDED)).toEqual({ code: "signed_out" });
  });

  it("may have a reason that is no event", () => {
    const fixture = create();
    open(fixture, ALICE, "one");
    open(fixture, BOB, "other");
    fixture.live.endSession(ALICE.sid, { code: "provider_silent" });
    expect(fixture.ended).toEqual(["one provider_silent null"]);
  });
});

describe("expiry", () => {
  it("ends a connection at the moment its proof expires", () => {
    const fixture = create();
    open(fixture, { ...ALICE, expiresAt: NOW + 1_000 }, "one");
    fixture.clock.advance(999);
    expect(fixture.ended).toEqual([]);
    fixture.clock.advance(1);
    expect([fixture.ended, fixture.live.size]).toEqual([["one session_expired null"], 0]);
  });

  test.each([2 ** 31 - 1, 2 ** 31, 3 * 2 ** 31 + 5])("is kept by a timer also after %d ms", (lifetime) => {
    const fixture = create();
    const delays: number[] = [];
    const { after } = fixture.clock;
    Object.assign(fixture.clock, {
      after(delayMs: number, action: () => void) {
        delays.push(delayMs);
        return after(delayMs, action);
      },
    });
    open(fixture, { ...ALICE, expiresAt: NOW + lifetime }, "one");
    fixture.clock.advance(lifetime - 1);
    expect(fixture.ended).toEqual([]);
    fixture.clock.advance(1);
    expect(fixture.ended).toEqual(["one session_expired null"]);
    // Node's timers fire at once when they are set for longer.
    expect(Math.max(...delays)).toBeLessThanOrEqual(2 ** 31 - 1);
  });

  it("is noticed within a minute when the wall clock was set forward past it", () => {
    const fixture = create();
    open(fixture, { ...ALICE, expiresAt: NOW + 3_600_000 }, "one");
    const { now } = fixture.clock;
    Object.assign(fixture.clock, { now: () => now() + 3_600_000 });
    fixture.clock.advance(60_000);
    expect(fixture.ended).toEqual(["one session_expired null"]);
  });

  it("refuses a proof that has expired while it was read", () => {
    const { live, bind } = create();
    expect(bind(live.begin("upgrade"), { ...ALICE, expiresAt: NOW }, "one")).toEqual({
      code: "session_expired",
    });
    expect(live.size).toBe(0);
  });
});

describe("a change of the policy", () => {
  it("ends what it forbids, and leaves the rest alone", () => {
    const forbidden = new Set<string>();
    const fixture = create((identity) => (forbidden.has(identity.sid) ? { code: "user_denied" } : undefined));
    open(fixture, ALICE, "alice");
    open(fixture, BOB, "bob");
    forbidden.add(ALICE.sid);
    fixture.policy.snapshot = 2;
    fixture.live.apply({ kind: "policy_changed", snapshot: 2, at: NOW }, 9);
    expect(fixture.ended).toEqual(["alice user_denied 9"]);
    expect(fixture.live.list()).toEqual([
      { identity: BOB, decided: { ...DECIDED, snapshot: 2 }, since: NOW },
    ]);
  });

  it("between the decision and its settling asks for another decision", () => {
    const { live, bind, policy } = create();
    const connection = live.begin("upgrade");
    bind(connection, ALICE, "one");
    policy.snapshot = 2;
    expect(connection.settle(DECIDED)).toBe("again");
    expect(connection.settle({ ...DECIDED, snapshot: 2 })).toBeUndefined();
  });
});

describe("a change of somebody's groups", () => {
  const onlyEngineers: Judge = (identity) =>
    identity.groups.includes("engineering") ? undefined : { code: "access_changed" };

  it("is judged by the new groups, for that session only", () => {
    const fixture = create(onlyEngineers);
    open(fixture, ALICE, "alice");
    open(fixture, { ...ALICE, sid: sessionId("C") }, "alice elsewhere");
    fixture.live.apply({ kind: "groups_changed", sid: ALICE.sid, groups: ["engineering", "staff"] }, 1);
    fixture.live.apply({ kind: "groups_changed", sid: ALICE.sid, groups: ["staff"] }, 2);
    expect(fixture.ended).toEqual(["alice access_changed 2"]);
  });

  it("counts when it comes before it is known whose the connection is", () => {
    const { live, bind } = create();
    const connection = live.begin("upgrade");
    live.apply({ kind: "groups_changed", sid: ALICE.sid, groups: [] }, 1);
    expect(bind(connection, ALICE, "one")).toEqual({ code: "access_changed" });
  });

  it("counts when it comes between the proof and the decision", () => {
    const { live, bind } = create(onlyEngineers);
    const connection = live.begin("upgrade");
    bind(connection, ALICE, "one");
    live.apply({ kind: "groups_changed", sid: ALICE.sid, groups: ["staff"] }, 1);
    expect(connection.settle(DECIDED)).toEqual({ code: "access_changed" });
  });

  it("makes them reachable by the new groups and not by the old ones", () => {
    const fixture = create();
    open(fixture, ALICE, "alice");
    fixture.live.apply({ kind: "groups_changed", sid: ALICE.sid, groups: ["staff"] }, 1);
    fixture.live.apply({ kind: "group_ended", group: "engineering" }, 2);
    expect(fixture.ended).toEqual([]);
    fixture.live.apply({ kind: "group_ended", group: "staff" }, 3);
    expect(fixture.ended).toEqual(["alice group_ended 3"]);
  });
});

describe("an administrator's end", () => {
  it("of a group reaches its members, also those not known yet", () => {
    const fixture = create();
    open(fixture, ALICE, "alice");
    open(fixture, BOB, "bob");
    const pending = fixture.live.begin("upgrade");
    fixture.live.apply({ kind: "group_ended", group: "engineering" }, 1);
    expect(fixture.ended).toEqual(["alice group_ended 1"]);
    expect(fixture.bind(pending, ALICE, "late")).toEqual({ code: "group_ended" });
  });

  it("of a gateway reaches what runs on it, on every endpoint or on one", () => {
    const fixture = create();
    open(fixture, ALICE, "one", { endpoint: "cloud-1" });
    open(fixture, ALICE, "two", { endpoint: "cloud-2" });
    open(fixture, BOB, "berlin", { gateway: "berlin", endpoint: "berlin-1" });
    fixture.live.apply({ kind: "gateway_ended", gateway: "cloud", endpoint: "cloud-2" }, 1);
    fixture.live.apply({ kind: "gateway_ended", gateway: "cloud", endpoint: null }, 2);
    expect(fixture.ended).toEqual(["two gateway_ended 1", "one gateway_ended 2"]);
  });

  it("of a gateway reaches a connection that is just being made to it, and to no other", () => {
    const { live, bind } = create();
    const [here, elsewhere] = [live.begin("upgrade"), live.begin("upgrade")];
    bind(here, ALICE, "here");
    bind(elsewhere, BOB, "elsewhere");
    live.apply({ kind: "gateway_ended", gateway: "cloud", endpoint: null }, 1);
    expect(here.settle(DECIDED)).toEqual({ code: "gateway_ended" });
    expect(elsewhere.settle({ ...DECIDED, gateway: "berlin" })).toBeUndefined();
  });
});

describe("an end of everything", () => {
  test.each([
    [
      "by replaced keys",
      (live: Fixture["live"]) => live.apply({ kind: "keys_replaced" }, 3),
      "keys_replaced",
      3,
    ],
    [
      "by the process's end",
      (live: Fixture["live"]) => live.endAll({ code: "restarting", comeBackInSeconds: 1 }, null),
      "restarting",
      null,
    ],
  ])(
    "%s reaches what is live, what is being decided, and what is not known yet",
    (_how, end, code, event) => {
      const fixture = create();
      open(fixture, ALICE, "live");
      const [bound, pending] = [fixture.live.begin("upgrade"), fixture.live.begin("upgrade")];
      fixture.bind(bound, BOB, "bound");
      end(fixture.live);
      expect(fixture.ended).toEqual([`live ${code} ${event}`, `bound ${code} ${event}`]);
      expect(bound.settle(DECIDED)).toMatchObject({ code });
      expect(fixture.bind(pending, ALICE, "pending")).toMatchObject({ code });
      expect(fixture.live.size).toBe(0);
    },
  );
});

describe("in any order of what can happen", () => {
  const LETTERS = ["A", "B", "C"] as const;
  const letter = fc.constantFrom(...LETTERS);
  const entry = fc.nat({ max: 5 });
  /** What a connection's own end makes happen, as closing one socket may end others. */
  const reaction = fc.oneof(
    fc.record({ do: fc.constant("nothing" as const) }),
    fc.record({ do: fc.constant("remove" as const), entry }),
    fc.record({ do: fc.constant("endSession" as const), letter }),
    fc.record({ do: fc.constant("endAll" as const) }),
  );
  const step = fc.oneof(
    fc.record({
      do: fc.constant("bind" as const),
      entry,
      letter,
      lifetime: fc.integer({ min: -1, max: 50 }),
      reaction,
    }),
    fc.record({ do: fc.constant("settle" as const), entry }),
    fc.record({ do: fc.constant("advance" as const), ms: fc.nat({ max: 20 }) }),
    fc.record({ do: fc.constant("remove" as const), entry }),
    fc.record({ do: fc.constant("endSession" as const), letter }),
    fc.record({ do: fc.constant("endAll" as const) }),
  );
  type Step = typeof step extends fc.Arbitrary<infer One> ? One : never;
  type Reaction = typeof reaction extends fc.Arbitrary<infer One> ? One : never;

  /** What each connection must be, by a model that knows nothing of indexes. */
  type Model = {
    connection: PendingConnection;
    state: "begun" | "bound" | "over";
    letter: string;
    missed: Set<string>;
  };

  it("a connection ends at most once, never after its removal, always when its session does, and counts are right", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const { live, clock } = create();
        const models: Model[] = Array.from({ length: 6 }, () => ({
          connection: live.begin("upgrade"),
          state: "begun",
          letter: "",
          missed: new Set(),
        }));
        const used = new Set<Model>();

        function act(happening: Exclude<Step, { do: "bind" | "settle" | "advance" }> | Reaction) {
          if (happening.do === "remove") {
            const model = models[happening.entry];
            if (model === undefined) return;
            model.connection.remove();
            model.state = "over";
          } else if (happening.do === "endSession") {
            for (const model of models) if (model.state === "begun") model.missed.add(happening.letter);
            live.apply(sessionsEnded(happening.letter), 1);
            expect(
              models.filter((model) => model.state === "bound" && model.letter === happening.letter),
            ).toEqual([]);
          } else if (happening.do === "endAll") {
            for (const model of models)
              for (const one of LETTERS) if (model.state === "begun") model.missed.add(one);
            live.endAll({ code: "restarting", comeBackInSeconds: 1 }, null);
            expect(models.filter((model) => model.state === "bound")).toEqual([]);
          }
        }

        for (const one of steps) {
          if (one.do === "advance") clock.advance(one.ms);
          else if (one.do === "settle") {
            const model = models[one.entry];
            // A connection that is over must not get through; one that lives must.
            if (model !== undefined && used.has(model) && model.state !== "begun") {
              if (model.state === "bound") expect(model.connection.settle(DECIDED)).toBeUndefined();
            }
          } else if (one.do === "bind") {
            const model = models[one.entry];
            if (model === undefined || model.state !== "begun" || used.has(model)) continue;
            used.add(model);
            const identity = verifiedAlice({
              sid: sessionId(one.letter),
              expiresAt: clock.now() + one.lifetime,
            });
            const refused = model.connection.bind(identity, () => {
              expect(model.state).toBe("bound");
              model.state = "over";
              act(one.reaction);
            });
            expect(refused === undefined).toBe(!model.missed.has(one.letter) && one.lifetime > 0);
            if (refused === undefined) Object.assign(model, { state: "bound", letter: one.letter });
          } else act(one);
          const bound = models.filter(({ state }) => state === "bound");
          expect([live.size, live.ofUser(ALICE.userId).length, live.list().length]).toEqual([
            bound.length,
            bound.length,
            bound.length,
          ]);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe("a connection that a proxy holds", () => {
  it("ends by events like any other, and is nothing that this door forwards", () => {
    const { live, ended, bind } = create();
    for (const [use, identity] of [
      ["direct", ALICE],
      ["upgrade", BOB],
      ["http", BOB],
    ] as const) {
      const connection = live.begin(use);
      expect(bind(connection, identity, use)).toBeUndefined();
      expect(connection.settle(DECIDED)).toBeUndefined();
    }
    expect([live.size, live.sockets, live.forwarded]).toEqual([3, 1, 2]);
    live.endSockets(10, () => ({ code: "restarting", comeBackInSeconds: 1 }));
    expect(ended).toEqual(["upgrade restarting null"]);
    live.apply(sessionsEnded("A"), 7);
    expect(ended.slice(1)).toEqual(["direct signed_out 7"]);
    expect([live.size, live.forwarded]).toEqual([1, 1]);
  });
});
