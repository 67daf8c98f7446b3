import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import type { DoorControlFrame } from "../../../core/control-channel.ts";
import type { SessionId } from "../../../core/ids.ts";
import { createLeaseAnswers, type LeaseAnswers, type Listing } from "../../../proxy/control/lease-answers.ts";
import { sessionId } from "../../support/assertion-fixture.ts";
import { createTimedClock, type TimedClock } from "./control-fixture.ts";
import { createInbox, type Inbox } from "./inbox.ts";

const WITHIN_MS = 15_000;
const [alice, bob] = [sessionId("A"), sessionId("B")];

/** A question to the store that the test answers. */
type Asked = {
  readonly sids: readonly SessionId[];
  readonly answer: (alive: ReadonlySet<SessionId>) => void;
  readonly fail: (error: Error) => void;
};

let clock: TimedClock;
let asked: Inbox<Asked>;
let sent: Inbox<DoorControlFrame>;
let failures: Inbox<unknown>;
let answers: LeaseAnswers;

beforeEach(() => {
  clock = createTimedClock();
  asked = createInbox();
  sent = createInbox();
  failures = createInbox();
  answers = createLeaseAnswers({
    aliveOf: (sids) => new Promise((answer, fail) => asked.put({ sids, answer, fail })),
    clock,
    withinMs: WITHIN_MS,
    send: (frame) => sent.put(frame),
    onFailure: (error) => failures.put(error),
  });
});

function listing(number: number, sids: readonly SessionId[] = [alice], last = true): Listing {
  return { type: "sessions", listing: number, sids: [...sids], last };
}

describe("a listing", () => {
  it("is answered with those of its sessions that live, in its order", async () => {
    const letters = fc.array(fc.constantFrom(..."ABCDEFGH").map(sessionId), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(letters, letters, async (sids, alive) => {
        const out = createInbox<DoorControlFrame>();
        const aliveOf = async () => new Set(alive);
        const deps = { aliveOf, clock, withinMs: WITHIN_MS, onFailure: () => {} };
        createLeaseAnswers({ ...deps, send: (frame) => out.put(frame) }).asked(listing(1, sids));
        const expected = sids.filter((sid) => alive.includes(sid));
        expect(await out.at(0)).toEqual({ type: "leases", listing: 1, sids: expected });
      }),
    );
  });

  it("is not answered when the answer comes too late, and the next one is not held up", async () => {
    answers.asked(listing(1));
    const first = await asked.at(0);
    clock.advance(WITHIN_MS - 1);
    expect(failures.items).toEqual([]);
    clock.advance(1);
    expect(await failures.at(0)).toEqual(new Error("no answer within 15000 ms"));
    first.answer(new Set([alice]));
    answers.asked(listing(2));
    (await asked.at(1)).answer(new Set([alice]));
    expect(await sent.at(0)).toEqual({ type: "leases", listing: 2, sids: [alice] });
    expect(sent.items).toHaveLength(1);
  });

  it("is not answered when the store fails", async () => {
    answers.asked(listing(1));
    (await asked.at(0)).fail(new Error("away"));
    expect(await failures.at(0)).toEqual(new Error("away"));
    expect(sent.items).toEqual([]);
  });

  it("is asked about after the one before it", async () => {
    answers.asked(listing(1, [alice], false));
    answers.asked(listing(1, [bob]));
    const first = await asked.at(0);
    expect(asked.items).toHaveLength(1);
    first.answer(new Set([alice]));
    expect((await asked.at(1)).sids).toEqual([bob]);
  });

  it("takes the place of what still waits of an older one", async () => {
    answers.asked(listing(1, [alice], false));
    answers.asked(listing(1, [alice]));
    answers.asked(listing(2, [bob]));
    (await asked.at(0)).answer(new Set([alice]));
    expect((await asked.at(1)).sids).toEqual([bob]);
    expect(sent.items).toEqual([{ type: "leases", listing: 1, sids: [alice] }]);
  });

  it("of more frames than may wait is a breach", () => {
    const taken = Array.from({ length: 12 }, () => answers.asked(listing(1, [alice], false)));
    // One is being asked about, ten wait.
    expect(taken).toEqual([...Array.from({ length: 11 }, () => true), false]);
  });

  it("is not answered once its link is gone, neither with leases nor with a failure", async () => {
    answers.asked(listing(1, [alice], false));
    answers.asked(listing(1, [bob]));
    const first = await asked.at(0);
    answers.stop();
    first.answer(new Set([alice]));
    clock.advance(WITHIN_MS);
    await Promise.resolve();
    expect([sent.items, failures.items, asked.items.length]).toEqual([[], [], 1]);
  });
});
