import { beforeEach, describe, expect, it } from "vitest";
import { limitsSchema } from "../../../config/limits.ts";
import { auditEvent } from "../../../core/audit.ts";
import type { VerifiedIdentity } from "../../../core/identity.ts";
import { userIdOf } from "../../../core/ids.ts";
import { createLog } from "../../../core/log.ts";
import { StoreUnavailable } from "../../../core/store.ts";
import {
  createDirectConnections,
  type DirectConnections,
  type DirectConnectionsDeps,
} from "../../../proxy/control/direct-connections.ts";
import type { DirectConnection } from "../../../proxy/control/link.ts";
import type { AccessEvent, EndReason } from "../../../proxy/live/access-event.ts";
import { createBeginEntry } from "../../../proxy/live/begin-entry.ts";
import { createLiveConnections, type LiveConnections } from "../../../proxy/live/live-connections.ts";
import { createPlaces } from "../../../proxy/live/places.ts";
import { agentId, sessionId } from "../../support/assertion-fixture.ts";
import { verifiedAlice } from "../../support/identity-fixture.ts";
import { createManualClock, type ManualClock } from "../../support/manual-clock.ts";
import { NOW } from "../../support/provider-fixture.ts";
import { type RecordedAudit, recordedAudit } from "../recorded-audit.ts";
import { placeOf } from "./control-fixture.ts";

const LEASE_MS = 60_000;
const LIMITS = limitsSchema.parse({});
const PLACE = placeOf();
const CODER = agentId("coder");
const ALICE = verifiedAlice({ sid: sessionId("A") });
const JTI = "jti-0000000000000001";
const NAMED: DirectConnection = { jti: JTI, sid: ALICE.sid, agents: [CODER] };
const GROUP_ENDED: AccessEvent = { kind: "group_ended", group: "engineering" };

let clock: ManualClock;
let live: LiveConnections;
let audit: RecordedAudit;
let direct: DirectConnections;
/** What gateways were told: `<endpoint> <jti> <event> <code> <words>`. */
let told: string[];
let judged: EndReason | undefined;
/** The store's answers, by session; a function is called first. */
let identityOf: (sid: string) => Promise<VerifiedIdentity | undefined>;

beforeEach(() => {
  clock = createManualClock(NOW);
  audit = recordedAudit();
  told = [];
  judged = undefined;
  identityOf = async (sid) => (sid === ALICE.sid ? ALICE : undefined);
  live = createLiveConnections({ clock, judge: () => judged, snapshot: () => 1 });
  direct = create();
});

function create(changes: Partial<DirectConnectionsDeps> = {}): DirectConnections {
  return createDirectConnections({
    live,
    begin: createBeginEntry(live, createPlaces({ ...LIMITS, socketsPerUser: 2 })),
    endDirect: ({ endpoint }, jti, { event, code, words }) =>
      told.push(`${endpoint.id} ${jti} ${event} ${code} ${words}`),
    identityOf: (sid) => identityOf(sid),
    judge: () => judged,
    snapshot: () => 1,
    limits: LIMITS,
    leaseMs: LEASE_MS,
    clock,
    audit,
    log: createLog("front-door", "silent"),
    ...changes,
  });
}

/** As `/auth/verify` does it. */
function handOver(identity = ALICE, jti = JTI) {
  const { connection, end, complete } = direct.begin("198.51.100.7");
  expect(connection.take(identity.userId)).toBeUndefined();
  expect(connection.bind(identity, end)).toBeUndefined();
  expect(connection.settle(decided())).toBeUndefined();
  return complete(PLACE, jti, identity, CODER);
}

function decided() {
  return {
    target: { kind: "agent", agent: "coder" },
    agents: [CODER],
    gateway: "cloud",
    endpoint: "cloud-1",
    address: PLACE.endpoint.url,
    snapshot: 1,
  } as const;
}

/** Until everything that waits for an answer of the store has it. */
const answered = () => new Promise((resolve) => setImmediate(resolve));

const GROUP_WORDS = "an administrator ended your group's connections";
const EXPIRED_WORDS = "your session has expired, sign in again";

describe("a connection handed to a proxy", () => {
  it("is live, and its end is told to its gateway and to the audit log", () => {
    expect(handOver()).toBeUndefined();
    expect(live.ofUser(ALICE.userId).length).toBe(1);
    live.apply(GROUP_ENDED, 7);
    expect(told).toEqual([`cloud-1 ${JTI} 7 1008 ${GROUP_WORDS}`]);
    expect(audit.events).toEqual([
      auditEvent({
        kind: "connection_closed",
        outcome: "allowed",
        reason: "group_ended",
        event: 7,
        userId: ALICE.userId,
        email: ALICE.email,
        sid: ALICE.sid,
        agent: CODER,
        gateway: "cloud",
        endpoint: "cloud-1",
      }),
    ]);
    expect(live.size).toBe(0);
  });

  it("is not handed over when its access has ended before: the gateway has not heard of it", () => {
    const { connection, end, complete } = direct.begin("198.51.100.7");
    connection.bind(ALICE, end);
    connection.settle(decided());
    live.apply(GROUP_ENDED, 7);
    expect(complete(PLACE, JTI, ALICE, CODER)).toEqual({ code: "access_changed", reason: "group_ended" });
    expect([told, audit.events, live.size]).toEqual([[], [], 0]);
  });

  it("has a place among the person's until it is over", () => {
    handOver();
    handOver(ALICE, "jti-0000000000000002");
    const third = direct.begin("198.51.100.7").connection;
    expect(third.take(ALICE.userId)).toEqual({ code: "overloaded", what: "limits.socketsPerUser" });
    direct.over(PLACE, JTI);
    expect(third.take(ALICE.userId)).toBeUndefined();
  });

  it("does not count as being opened: this door dials nothing", () => {
    const places = createPlaces({ ...LIMITS, pendingUpgrades: 1 });
    const { connection, end, complete } = create({ begin: createBeginEntry(live, places) }).begin("::1");
    connection.take(ALICE.userId);
    connection.bind(ALICE, end);
    connection.settle(decided());
    expect(complete(PLACE, JTI, ALICE, CODER)).toBeUndefined();
    expect(places("upgrade", "::1").take(ALICE.userId)).toBeUndefined();
  });

  it("ends at its session's expiry", () => {
    handOver(verifiedAlice({ sid: ALICE.sid, expiresAt: NOW + 10_000 }));
    clock.advance(10_000);
    expect(told).toEqual([`cloud-1 ${JTI} null 1008 ${EXPIRED_WORDS}`]);
  });

  it("is known for as long as its assertion can open it, whatever the gateway names meanwhile", () => {
    handOver();
    clock.advance(59_999);
    direct.listed(PLACE, []);
    clock.advance(30_000);
    expect(live.size).toBe(1);
    // Looked at once in the life of a lease.
    clock.advance(LEASE_MS);
    expect(live.size).toBe(0);
    expect(told).toEqual([]);
  });

  it("is over when the gateway no longer names it, or says so", () => {
    handOver();
    direct.listed(PLACE, [NAMED]);
    expect(live.size).toBe(1);
    direct.listed(PLACE, []);
    expect(live.size).toBe(0);
    handOver(ALICE, "jti-0000000000000002");
    direct.over(PLACE, "jti-0000000000000002");
    expect([live.size, told]).toEqual([0, []]);
  });

  it("lives on while its gateway names it, and no longer than two leases without a word", () => {
    handOver();
    for (let listing = 0; listing < 20; listing += 1) {
      clock.advance(20_000);
      direct.listed(PLACE, [NAMED]);
    }
    expect(live.size).toBe(1);
    clock.advance(2 * LEASE_MS - 1);
    expect(live.size).toBe(1);
    clock.advance(LEASE_MS);
    expect([live.size, told]).toEqual([0, []]);
  });

  it("is another one than that of the same name at another address", () => {
    handOver();
    const moved = placeOf("http://127.0.0.1:2");
    direct.listed(moved, []);
    direct.over(moved, JTI);
    expect(live.size).toBe(1);
  });
});

describe("a connection that only its gateway knows", () => {
  it("is live again, once, and ends like any other", async () => {
    direct.listed(PLACE, [NAMED]);
    direct.listed(PLACE, [NAMED]);
    await answered();
    expect(live.list()).toEqual([{ identity: ALICE, decided: decided(), since: NOW }]);
    live.apply({ kind: "sessions_ended", sids: [ALICE.sid], reason: "signed_out" }, 8);
    expect(told).toEqual([`cloud-1 ${JTI} 8 1008 signed out in another tab or window`]);
    expect(audit.events).toMatchObject([{ kind: "connection_closed", reason: "signed_out", sid: ALICE.sid }]);
  });

  it("that may use several agents is judged as one on the path of all", async () => {
    direct.listed(PLACE, [{ ...NAMED, agents: [CODER, agentId("assistant")] }]);
    await answered();
    expect(live.list().map((connection) => connection.decided?.target)).toEqual([{ kind: "first" }]);
  });

  it("ends at once when the policy of now does not allow it", async () => {
    judged = { code: "moved" };
    direct.listed(PLACE, [NAMED]);
    await answered();
    expect(told).toEqual([`cloud-1 ${JTI} null 1012 your agent has moved, connect again`]);
    expect(live.size).toBe(0);
  });

  it("ends at once when its session does not live", async () => {
    direct.listed(PLACE, [{ ...NAMED, sid: sessionId("Z") }]);
    await answered();
    expect(told).toEqual([`cloud-1 ${JTI} null 1008 ${EXPIRED_WORDS}`]);
  });

  it("ends when that happens while its session is read", async () => {
    let answer = (_: VerifiedIdentity) => {};
    identityOf = () =>
      new Promise((resolve) => {
        answer = resolve;
      });
    direct.listed(PLACE, [NAMED]);
    live.apply(GROUP_ENDED, 7);
    answer(ALICE);
    await answered();
    expect([told, live.size]).toEqual([[`cloud-1 ${JTI} null 1008 ${GROUP_WORDS}`], 0]);
  });

  it("is left alone when it is over while its session is read", async () => {
    let answer = (_: VerifiedIdentity) => {};
    identityOf = () =>
      new Promise((resolve) => {
        answer = resolve;
      });
    direct.listed(PLACE, [NAMED]);
    direct.over(PLACE, JTI);
    answer(ALICE);
    await answered();
    expect([told, live.size]).toEqual([[], 0]);
  });

  it("is asked about again with the next listing when the store does not answer", async () => {
    identityOf = async () => {
      throw new StoreUnavailable(new Error("away"));
    };
    direct.listed(PLACE, [NAMED]);
    await answered();
    expect([told, live.size]).toEqual([[], 0]);
    identityOf = async () => ALICE;
    direct.listed(PLACE, [NAMED]);
    await answered();
    expect(live.size).toBe(1);
  });

  it("waits for the next listing while a newer policy is being read", async () => {
    const behind = createLiveConnections({ clock, judge: () => undefined, snapshot: () => 2 });
    live.begin = behind.begin;
    direct.listed(PLACE, [NAMED]);
    await answered();
    expect([told, behind.size]).toEqual([[], 0]);
  });
});

describe("a front door that stops", () => {
  it("ends none of them, and takes none up", async () => {
    handOver();
    handOver(verifiedAlice({ sid: sessionId("B"), userId: userIdOf("i", "bob") }), "jti-0000000000000002");
    direct.stop();
    const before = clock.pending();
    live.endAll({ code: "restarting", comeBackInSeconds: 1 }, null);
    direct.listed(PLACE, [NAMED]);
    await answered();
    expect([told, live.size, clock.pending()]).toEqual([[], 0, before]);
  });
});
