import { mkdtemp, rm, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ChatEvent } from "../../../core/gateway-protocol.ts";
import { createLog } from "../../../core/log.ts";
import { err, ok } from "../../../core/result.ts";
import type { Agent, AgentTurn, AnswerPiece } from "../../../gateway/agents/agent.ts";
import { openSessionStore, type SessionStore } from "../../../gateway/session/session-store.ts";
import { createLanes } from "../../../gateway/turn/lanes.ts";
import type { TurnRequest } from "../../../gateway/turn/live-turn.ts";
import { createTurns, type Turns } from "../../../gateway/turn/turns.ts";
import { ALICE, agentId, BOB, sessionId } from "../../support/assertion-fixture.ts";
import { createManualClock } from "../../support/manual-clock.ts";

const CODER = agentId("coder");
let folder: string;
let store: SessionStore;
let events: (ChatEvent & { owner: string })[];
let asked: AgentTurn[];
let heard: (() => void)[];
let turns: Turns;
/** What whoever watches the turns was told. */
let runs: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "gatehouse-turns-"));
  events = [];
  asked = [];
  heard = [];
  runs = [];
});
afterEach(async () => {
  await turns.close();
  await rm(folder, { recursive: true, force: true });
});

type Answer = (turn: AgentTurn, signal: AbortSignal) => AsyncIterable<AnswerPiece>;

async function open(answer: Answer, limits = { maxConcurrent: 4, maxQueued: 10 }): Promise<Turns> {
  let ids = 0;
  store = await openSessionStore({
    folder,
    newId: () => "session",
    log: createLog("test", "silent"),
    onChange() {},
  });
  const agent: Agent = {
    answer(turn, signal) {
      asked.push(turn);
      return answer(turn, signal);
    },
  };
  turns = createTurns({
    agent,
    store,
    lanes: createLanes(limits),
    publish(owner, event) {
      events.push({ owner, ...event });
      for (const listener of heard) listener();
    },
    onRun(owner, agent) {
      runs.push(`${owner} ${agent} started`);
      return () => void runs.push(`${owner} ${agent} ended`);
    },
    clock: createManualClock(1_000),
    newId() {
      ids += 1;
      return `m-${ids}`;
    },
    log: createLog("test", "silent"),
  });
  return turns;
}

function request(
  runId: string,
  changes: Partial<TurnRequest> & { name?: string; userId?: typeof ALICE } = {},
) {
  const { name = "main", userId = ALICE, ...rest } = changes;
  const sent: TurnRequest = {
    identity: { userId, agentId: CODER, name },
    agent: { id: CODER, name: "Coder", description: "", model: "m", instructions: "Help." },
    speaker: { userId, sid: sessionId("A"), email: null, name: null, agents: [CODER], direct: null },
    runId,
    text: `text of ${runId}`,
    ...rest,
  };
  return sent;
}

/** Resolves once as many events of this state were published. */
function states(state: ChatEvent["state"], count = 1): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (events.filter((event) => event.state === state).length >= count) resolve();
    };
    heard.push(look);
    look();
  });
}

async function* words(...texts: string[]): AsyncGenerator<AnswerPiece> {
  for (const text of texts) yield { kind: "text", text };
}

/** Says one word, then nothing, and does not even listen to its signal. */
async function* stuck(): AsyncGenerator<AnswerPiece> {
  yield { kind: "text", text: "one " };
  await new Promise(() => {});
}

async function history(name = "main") {
  const session = (await store.sessionsOf(ALICE)).find({ userId: ALICE, agentId: CODER, name });
  if (session === undefined) return [];
  const transcript = await store.read(session);
  return Array.from({ length: transcript.messageCount }, (_, index) => transcript.message(index));
}

const short = () => events.map((event) => `${event.runId} ${event.seq} ${event.state}`);

describe("turns", () => {
  test("tell of a turn by numbered events and keep question and answer", async () => {
    await open(async function* () {
      yield* words("Hello, ", "", "you.");
      yield { kind: "usage", usage: { input: 3, output: 2 } };
    });
    expect(await turns.send(request("r1"))).toEqual(ok({ runId: "r1", status: "started" }));
    await states("final");
    const answer = {
      id: "m-2",
      role: "assistant",
      content: [{ type: "text", text: "Hello, you." }],
      timestamp: 1_000,
      runId: "r1",
      stopReason: "stop",
      usage: { input: 3, output: 2 },
    };
    const of = { owner: ALICE, runId: "r1", sessionKey: "agent:coder:main", agentId: "coder" };
    expect(events).toEqual([
      { ...of, seq: 1, state: "delta", deltaText: "Hello, " },
      { ...of, seq: 2, state: "delta", deltaText: "you." },
      { ...of, seq: 3, state: "final", message: answer },
    ]);
    const question = {
      id: "m-1",
      role: "user",
      content: [{ type: "text", text: "text of r1" }],
      timestamp: 1_000,
      runId: "r1",
    };
    expect(await history()).toEqual([question, answer]);
  });

  test("have stored the message when they accept it", async () => {
    await open(stuck);
    await turns.send(request("r1"));
    expect((await history()).map(({ role }) => role)).toEqual(["user"]);
  });

  test("show the agent the conversation so far and who is speaking", async () => {
    await open(() => words("Answer."));
    await turns.send(request("r1"));
    await states("final");
    await turns.send(request("r2"));
    await states("final", 2);
    expect(asked[1]).toEqual({
      agent: request("").agent,
      speaker: request("").speaker,
      conversation: [
        { role: "user", text: "text of r1" },
        { role: "assistant", text: "Answer." },
        { role: "user", text: "text of r2" },
      ],
    });
  });

  test("start nothing for the same key again: in flight, then done, also after a restart", async () => {
    await open(stuck);
    await turns.send(request("r1"));
    expect(await turns.send(request("r1"))).toEqual(ok({ runId: "r1", status: "in_flight" }));
    turns.abort(request("r1").identity, undefined);
    await states("aborted");
    expect(await turns.send(request("r1"))).toEqual(ok({ runId: "r1", status: "done" }));
    await turns.close();
    await open(stuck);
    expect(await turns.send(request("r1"))).toEqual(ok({ runId: "r1", status: "done" }));
    expect(asked).toHaveLength(1);
  });

  test("start one turn for the same key sent many times at once", async () => {
    await open(stuck);
    const answers = await Promise.all(Array.from({ length: 5 }, () => turns.send(request("r1"))));
    expect(answers.map((answer) => answer.ok && answer.value.status)).toEqual([
      "started",
      "in_flight",
      "in_flight",
      "in_flight",
      "in_flight",
    ]);
    expect(await history()).toHaveLength(1);
  });

  test("refuse the same key with another text, while it runs and after", async () => {
    await open(stuck);
    await turns.send(request("r1"));
    expect(await turns.send(request("r1", { text: "other" }))).toEqual(err("other_text"));
    turns.abort(request("r1").identity, "r1");
    await states("aborted");
    expect(await turns.send(request("r1", { text: "other" }))).toEqual(err("other_text"));
  });

  test("take the same key in another session, or of another person, for another message", async () => {
    await open(stuck);
    await turns.send(request("r1"));
    expect(await turns.send(request("r1", { name: "notes" }))).toEqual(
      ok({ runId: "r1", status: "started" }),
    );
    expect(await turns.send(request("r1", { userId: BOB }))).toEqual(ok({ runId: "r1", status: "started" }));
  });

  test("queue a second turn of a session behind the first and say so", async () => {
    let go = () => {};
    const gate = new Promise<void>((resolve) => {
      go = resolve;
    });
    await open(async function* () {
      await gate;
      yield* words("Done.");
    });
    await turns.send(request("r1"));
    expect(await turns.send(request("r2"))).toEqual(ok({ runId: "r2", status: "queued" }));
    expect(turns.counts(ALICE)).toEqual({ running: 1, waiting: 1 });
    expect(turns.counts(BOB)).toEqual({ running: 0, waiting: 0 });
    go();
    await states("final", 2);
    expect(short()).toEqual(["r2 1 queued", "r1 1 delta", "r1 2 final", "r2 2 delta", "r2 3 final"]);
    expect(events[0]).toMatchObject({ state: "queued", position: 1 });
  });

  test("tell who waits of each step forward in line", async () => {
    await open(stuck, { maxConcurrent: 1, maxQueued: 5 });
    await turns.send(request("r1"));
    await states("delta");
    for (const runId of ["r2", "r3", "r4"]) await turns.send(request(runId, { name: runId }));
    turns.abort(request("r2", { name: "r2" }).identity, undefined);
    turns.abort(request("r1").identity, undefined);
    await states("delta", 2);
    const queued = events.flatMap((event) =>
      event.state === "queued" ? [`${event.runId} ${event.seq}: ${event.position}`] : [],
    );
    expect(queued).toEqual(["r2 1: 1", "r3 1: 2", "r4 1: 3", "r3 2: 1", "r4 2: 2", "r4 3: 1"]);
    expect(turns.underWay(request("r4", { name: "r4" }).identity).waiting).toEqual([
      { runId: "r4", seq: 3, position: 1 },
    ]);
  });

  test("delete a session for good: what runs and waits in it ends first", async () => {
    await open(stuck);
    await turns.send(request("r1"));
    await states("delta");
    await turns.send(request("r2"));
    await turns.send(request("r3", { name: "notes" }));
    const deleted = turns.deleteSession(request("r1").identity);
    const late = turns.send(request("r4"));
    expect(await deleted).toBe(true);
    expect(short().filter((event) => /aborted/.test(event))).toEqual(["r2 2 aborted", "r1 2 aborted"]);
    // Sent while the session was being deleted, it begins a new one.
    expect(await late).toEqual(ok({ runId: "r4", status: "started" }));
    expect((await history()).map(({ runId }) => runId)).toEqual(["r4"]);
    expect((await history("notes")).map(({ runId }) => runId)).toEqual(["r3"]);
    expect(await turns.deleteSession(request("x", { userId: BOB }).identity)).toBe(false);
  });

  test("refuse a message when the line is full, and do not keep it", async () => {
    await open(stuck, { maxConcurrent: 1, maxQueued: 1 });
    await turns.send(request("r1"));
    await turns.send(request("r2"));
    expect(await turns.send(request("r3"))).toEqual(err("queue_full"));
    expect((await history()).map(({ runId }) => runId)).toEqual(["r1", "r2"]);
  });

  test("stop a running turn at once, keeping what it said, even when the agent does not listen", async () => {
    await open(stuck);
    await turns.send(request("r1"));
    await states("delta");
    expect(turns.abort(request("r1").identity, "other")).toEqual([]);
    expect(turns.abort(request("r1").identity, "r1")).toEqual(["r1"]);
    await states("aborted");
    expect((await history())[1]).toMatchObject({
      content: [{ type: "text", text: "one " }],
      stopReason: "aborted",
    });
    expect(turns.underWay(request("r1").identity).running).toBeNull();
    expect(turns.abort(request("r1").identity, "r1")).toEqual([]);
  });

  test("take a stopped turn out of the line, and keep that it was stopped", async () => {
    await open(stuck);
    await turns.send(request("r1"));
    await states("delta");
    await turns.send(request("r2"));
    expect(turns.abort(request("r2").identity, "r2")).toEqual(["r2"]);
    expect(turns.abort(request("r2").identity, "r2")).toEqual(["r2"]);
    await states("aborted");
    const stopped = {
      id: "m-3",
      role: "assistant",
      content: [{ type: "text", text: "" }],
      timestamp: 1_000,
      runId: "r2",
      stopReason: "aborted",
    };
    expect(events.at(-1)).toMatchObject({ runId: "r2", seq: 2, state: "aborted", message: stopped });
    expect((await history()).slice(2)).toEqual([stopped]);
    expect(short().filter((event) => event.startsWith("r2"))).toEqual(["r2 1 queued", "r2 2 aborted"]);
    expect(asked).toHaveLength(1);
  });

  test("do not let anybody stop a turn of another person with the same key", async () => {
    await open(stuck);
    await turns.send(request("r1"));
    expect(turns.abort(request("r1", { userId: BOB }).identity, "r1")).toEqual([]);
    expect(turns.underWay(request("r1").identity).running).not.toBeNull();
  });

  test("give the running turn's text with the number of its newest event", async () => {
    await open(stuck);
    await turns.send(request("r1"));
    await states("delta");
    expect(turns.underWay(request("r1").identity)).toEqual({
      running: { runId: "r1", seq: 1, text: "one " },
      waiting: [],
    });
    expect(turns.underWay(request("r1", { name: "notes" }).identity)).toEqual({ running: null, waiting: [] });
  });

  test("give a turn that waits with its place, and not for one that runs", async () => {
    await open(stuck, { maxConcurrent: 1, maxQueued: 5 });
    await turns.send(request("r1"));
    const waiting = request("r2", { name: "notes" });
    expect(await turns.send(waiting)).toEqual(ok({ runId: "r2", status: "queued" }));
    expect(turns.underWay(waiting.identity)).toEqual({
      running: null,
      waiting: [{ runId: "r2", seq: 1, position: 1 }],
    });
  });

  test("never show an answer both as running and in the history, nor in neither", async () => {
    await open(() => words("a ", "b ", "c"));
    const { identity } = request("r1");
    const sessions = await store.sessionsOf(ALICE);
    const seen = new Set<string>();
    heard.push(() =>
      seen.add(`${sessions.find(identity)?.messageCount} ${turns.underWay(identity).running?.text}`),
    );
    await turns.send(request("r1"));
    await states("final");
    expect([...seen]).toEqual(["1 a ", "1 a b ", "1 a b c", "2 undefined"]);
  });

  test("end with an error that the agent explains, keeping what it said", async () => {
    await open(async function* () {
      yield* words("Half ");
      yield { kind: "failed", message: "The model went away." };
      yield* words("never said");
    });
    await turns.send(request("r1"));
    await states("error");
    expect(events.at(-1)).toMatchObject({
      state: "error",
      errorMessage: "The model went away.",
      message: {
        content: [{ type: "text", text: "Half " }],
        stopReason: "error",
        errorMessage: "The model went away.",
      },
    });
  });

  test("end with an error that says nothing of the cause when the agent throws", async () => {
    await open(() => {
      throw new Error("secret detail");
    });
    await turns.send(request("r1"));
    await states("error");
    const errorMessage = "The agent failed. It has been logged; try again.";
    const kept = { content: [{ type: "text", text: "" }], stopReason: "error", errorMessage };
    expect(events.at(-1)).toMatchObject({ state: "error", errorMessage, message: kept });
    expect((await history())[1]).toMatchObject(kept);
  });

  test("keep an empty answer as an answer", async () => {
    await open(() => words());
    await turns.send(request("r1"));
    await states("final");
    expect((await history())[1]).toMatchObject({ role: "assistant", content: [{ type: "text", text: "" }] });
  });

  test("end everything and take no more when they are closed", async () => {
    await open(stuck, { maxConcurrent: 1, maxQueued: 5 });
    await turns.send(request("r1"));
    await states("delta");
    await turns.send(request("r2"));
    await turns.close();
    expect(short()).toEqual(["r1 1 delta", "r2 1 queued", "r2 2 aborted", "r1 2 aborted"]);
    expect((await history()).map(({ role, runId }) => `${role} ${runId}`)).toEqual([
      "user r1",
      "user r2",
      "assistant r2",
      "assistant r1",
    ]);
    expect(await turns.send(request("r3"))).toEqual(err("stopping"));
  });

  test("are told of to whoever watches, from the moment they run, however they end", async () => {
    await open(stuck, { maxConcurrent: 1, maxQueued: 5 });
    await turns.send(request("r1"));
    await turns.send(request("r2", { userId: BOB }));
    await turns.send(request("r3", { name: "other" }));
    await states("delta");
    expect(runs).toEqual([`${ALICE} coder started`]);
    // It waits, so it never ran.
    turns.abort({ userId: ALICE, agentId: CODER, name: "other" }, undefined);
    turns.abort({ userId: ALICE, agentId: CODER, name: "main" }, undefined);
    await states("delta", 2);
    await turns.close();
    expect(runs).toEqual([
      `${ALICE} coder started`,
      `${ALICE} coder ended`,
      `${BOB} coder started`,
      `${BOB} coder ended`,
    ]);
  });

  test("forget a message that could not be stored, so that it can be sent again", async () => {
    await open(stuck, { maxConcurrent: 1, maxQueued: 1 });
    // Known by now to have no sessions, so that it is the write that fails.
    await store.sessionsOf(ALICE);
    await rm(folder, { recursive: true });
    const failing = request("r1");
    // A file where the folder should be.
    await writeFile(folder, "");
    await expect(turns.send(failing)).rejects.toThrow();
    expect(turns.counts()).toEqual({ running: 0, waiting: 0 });
    await unlink(folder);
    expect(await turns.send(failing)).toEqual(ok({ runId: "r1", status: "started" }));
    // Not stuck in the lane of the one that failed.
    await states("delta");
  });
});
