import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ChatEvent, ChatHistoryAnswer, ChatMessage } from "../../core/gateway-protocol.ts";
import { type ChatAction, type ChatState, EMPTY_CHAT, reduceChat } from "../../web/client/chat-state.ts";
import { isUnderWay, type Turn } from "../../web/client/turn.ts";
import { message, SESSION_KEY } from "./fake-gateway.ts";

const about = { sessionKey: SESSION_KEY, agentId: "assistant" };

function delta(seq: number, deltaText: string, runId = "r1"): ChatAction {
  return { type: "event", event: { ...about, runId, seq, state: "delta", deltaText } };
}

function event(seq: number, said: Record<string, unknown>, runId = "r1"): ChatAction {
  return { type: "event", event: { ...about, runId, seq, ...said } as ChatEvent };
}

function history(
  messages: readonly ChatMessage[],
  running: ChatHistoryAnswer["running"] = null,
  hasMore = false,
  waiting: ChatHistoryAnswer["waiting"] = [],
): ChatAction {
  return {
    type: "history",
    answer: { sessionKey: SESSION_KEY, sessionId: "one", messages, hasMore, running, waiting },
  };
}

function stateAfter(...actions: ChatAction[]): ChatState {
  return actions.reduce(reduceChat, EMPTY_CHAT);
}

/** What a reader sees of each turn. */
function seen(state: ChatState): unknown[] {
  return state.turns.map(({ runId, question, answer, phase }) => [runId, question, answer, phase]);
}

const QUESTION = message("r1", "user", "Hello?");

describe("the conversation", () => {
  it("shows a turn from sending to the whole answer", () => {
    const steps: ChatAction[] = [
      history([]),
      { type: "sending", runId: "r1", text: "Hello?" },
      { type: "accepted", runId: "r1", isNew: true },
      event(1, { state: "queued", position: 2 }),
      delta(2, "Good "),
      delta(3, "day"),
      event(4, { state: "final", message: message("r1", "assistant", "Good day.", "stop") }),
    ];
    const phases = steps.map((_, count) => seen(stateAfter(...steps.slice(0, count + 1)))[0]);
    expect(phases).toEqual([
      undefined,
      ["r1", "Hello?", "", "sending"],
      ["r1", "Hello?", "", "accepted"],
      ["r1", "Hello?", "", "queued"],
      ["r1", "Hello?", "Good ", "running"],
      ["r1", "Hello?", "Good day", "running"],
      ["r1", "Hello?", "Good day.", "done"],
    ]);
    expect(stateAfter(...steps).stale).toBe(true);
  });

  it("keeps the place in the queue", () => {
    const state = stateAfter(history([QUESTION]), event(1, { state: "queued", position: 3 }));
    expect(state.turns[0]?.position).toBe(3);
  });

  it("learns from the history that a turn waits, where, and which event comes next", () => {
    const lost = stateAfter(
      history([QUESTION]),
      event(1, { state: "queued", position: 3 }),
      { type: "connected" },
      history([QUESTION], null, false, [{ runId: "r1", seq: 3, position: 1 }]),
    );
    expect([seen(lost), lost.turns[0]?.position]).toEqual([[["r1", "Hello?", "", "queued"]], 1]);
    expect(seen(reduceChat(lost, delta(4, "Good ")))).toEqual([["r1", "Hello?", "Good ", "running"]]);
  });

  it("does not let an older history page put a turn back in line", () => {
    const state = stateAfter(
      history([QUESTION]),
      event(1, { state: "queued", position: 1 }),
      delta(2, "Good "),
      history([QUESTION], null, false, [{ runId: "r1", seq: 1, position: 1 }]),
    );
    expect(seen(state)).toEqual([["r1", "Hello?", "Good ", "running"]]);
  });

  it("keeps what an answer cost, told by its last event or by the history", () => {
    const whole = { ...message("r1", "assistant", "Day.", "stop"), usage: { input: 3, output: 2 } };
    const told = stateAfter(history([QUESTION]), event(1, { state: "final", message: whole }));
    const read = stateAfter(history([QUESTION, whole]));
    expect([told.turns[0]?.usage, read.turns[0]?.usage]).toEqual([whole.usage, whole.usage]);
  });

  it("ignores a delta that it has already", () => {
    const state = stateAfter(
      history([QUESTION]),
      delta(1, "one "),
      delta(2, "two "),
      delta(1, "one "),
      delta(2, "x"),
    );
    expect(seen(state)).toEqual([["r1", "Hello?", "one two ", "running"]]);
    expect(state.turns[0]?.held).toEqual([]);
  });

  it("holds a delta that comes after a missing one, and asks for the history", () => {
    const state = stateAfter(history([QUESTION]), { type: "asking" }, delta(1, "one "), delta(3, "three "));
    expect(seen(state)).toEqual([["r1", "Hello?", "one ", "running"]]);
    expect(state.stale).toBe(true);
    const whole = reduceChat(state, history([QUESTION], { runId: "r1", seq: 2, text: "one two " }));
    expect(seen(whole)).toEqual([["r1", "Hello?", "one two three ", "running"]]);
  });

  it("resumes after a reconnect where the history says the running turn is", () => {
    const state = stateAfter(
      history([QUESTION]),
      delta(1, "one "),
      { type: "connected" },
      delta(5, "five "),
      history([QUESTION], { runId: "r1", seq: 4, text: "one two three four " }),
      delta(4, "four "),
      delta(6, "six "),
    );
    expect(seen(state)).toEqual([["r1", "Hello?", "one two three four five six ", "running"]]);
  });

  it("does not let a history page that is older than the events take words back", () => {
    const state = stateAfter(
      history([QUESTION]),
      delta(1, "one "),
      delta(2, "two "),
      history([QUESTION], { runId: "r1", seq: 1, text: "one " }),
      delta(3, "three "),
    );
    expect(seen(state)).toEqual([["r1", "Hello?", "one two three ", "running"]]);
  });

  it("does not let an older history page revive a turn that has ended", () => {
    const whole = message("r1", "assistant", "one two", "stop");
    const state = stateAfter(
      history([QUESTION]),
      delta(1, "one "),
      event(2, { state: "final", message: whole }),
      history([QUESTION], { runId: "r1", seq: 1, text: "one " }),
    );
    expect(seen(state)).toEqual([["r1", "Hello?", "one two", "done"]]);
  });

  it("keeps interleaved runs apart", () => {
    const state = stateAfter(
      history([QUESTION, message("r2", "user", "And you?")]),
      delta(1, "a", "r1"),
      delta(1, "x", "r2"),
      delta(2, "b", "r1"),
      delta(2, "y", "r2"),
    );
    expect(seen(state)).toEqual([
      ["r1", "Hello?", "ab", "running"],
      ["r2", "And you?", "xy", "running"],
    ]);
  });

  it("asks for the question of a run that another window started", () => {
    const state = stateAfter(history([]), { type: "asking" }, delta(1, "Good "));
    expect([seen(state), state.stale]).toEqual([[["r1", null, "Good ", "running"]], true]);
    const known = reduceChat(state, history([QUESTION], { runId: "r1", seq: 1, text: "Good " }));
    expect(seen(known)).toEqual([["r1", "Hello?", "Good ", "running"]]);
  });

  it("puts an answer under its question, though another question was asked in between", () => {
    const state = stateAfter(
      history([
        QUESTION,
        message("r2", "user", "And you?"),
        message("r1", "assistant", "Fine.", "stop"),
        message("r2", "assistant", "Me too.", "stop"),
      ]),
    );
    expect(seen(state)).toEqual([
      ["r1", "Hello?", "Fine.", "done"],
      ["r2", "And you?", "Me too.", "done"],
    ]);
  });

  it("shows how a turn ended: stopped with its part, failed with its reason", () => {
    const stopped = stateAfter(
      history([QUESTION]),
      delta(1, "one "),
      event(2, { state: "aborted", message: message("r1", "assistant", "one ", "aborted") }),
    );
    expect(seen(stopped)).toEqual([["r1", "Hello?", "one ", "stopped"]]);
    const failed = stateAfter(
      history([QUESTION]),
      delta(1, "one "),
      event(2, { state: "error", errorMessage: "Overloaded.", message: null }),
    );
    expect(seen(failed)).toEqual([["r1", "Hello?", "one ", "failed"]]);
    expect(failed.turns[0]?.note).toBe("Overloaded.");
  });

  it("reads from the history how old turns ended", () => {
    const state = stateAfter(
      history([
        QUESTION,
        message("r1", "assistant", "part", "aborted"),
        message("r2", "user", "?"),
        { ...message("r2", "assistant", "", "error"), errorMessage: "Overloaded." },
        message("r3", "user", "Anybody?"),
      ]),
    );
    expect(state.turns.map(({ phase, note }) => [phase, note])).toEqual([
      ["stopped", null],
      ["failed", "Overloaded."],
      ["unanswered", null],
    ]);
    expect(state.turns.some(isUnderWay)).toBe(false);
  });

  it("says that an answer was interrupted when the gateway forgot it", () => {
    const state = stateAfter(
      history([QUESTION]),
      delta(1, "one "),
      { type: "connected" },
      history([QUESTION]),
    );
    expect(seen(state)).toEqual([["r1", "Hello?", "one ", "interrupted"]]);
  });

  it("does not call a turn interrupted that this connection has just heard of", () => {
    const state = stateAfter(
      history([QUESTION]),
      { type: "connected" },
      delta(1, "one "),
      history([QUESTION]),
    );
    expect(seen(state)).toEqual([["r1", "Hello?", "one ", "running"]]);
  });

  it("keeps what was not sent, and sends it again under the same key", () => {
    const failed = stateAfter(
      history([]),
      { type: "sending", runId: "r1", text: "Hello?" },
      { type: "not_sent", runId: "r1", reason: "Full." },
    );
    expect([seen(failed), failed.turns[0]?.note]).toEqual([[["r1", "Hello?", "", "not_sent"]], "Full."]);
    const again = reduceChat(failed, { type: "sending", runId: "r1", text: "Hello?" });
    expect([seen(again), again.turns[0]?.note]).toEqual([[["r1", "Hello?", "", "sending"]], null]);
  });

  it("keeps a message under way when the history does not have it yet", () => {
    const state = stateAfter(
      history([QUESTION]),
      { type: "sending", runId: "r2", text: "Still there?" },
      { type: "connected" },
      history([QUESTION]),
    );
    expect(seen(state)).toEqual([
      ["r1", "Hello?", "", "unanswered"],
      ["r2", "Still there?", "", "sending"],
    ]);
  });

  it("asks for the history when the gateway had the message already", () => {
    const known: ChatAction[] = [
      history([]),
      { type: "asking" },
      { type: "sending", runId: "r1", text: "Hello?" },
    ];
    expect(stateAfter(...known, { type: "accepted", runId: "r1", isNew: true }).stale).toBe(false);
    expect(stateAfter(...known, { type: "accepted", runId: "r1", isNew: false }).stale).toBe(true);
  });

  it("puts earlier pages first, and joins a question to its answer across their border", () => {
    const newest = stateAfter(history([message("r2", "assistant", "Me too.", "stop")], null, true), {
      type: "sending",
      runId: "r3",
      text: "Good.",
    });
    expect(newest.earlierThan).toBe("r2-assistant");
    const whole = reduceChat(newest, {
      type: "earlier",
      answer: {
        sessionKey: SESSION_KEY,
        sessionId: "one",
        messages: [QUESTION, message("r1", "assistant", "Fine.", "stop"), message("r2", "user", "And you?")],
        hasMore: false,
        running: null,
        waiting: [],
      },
    });
    expect(whole.earlierThan).toBeNull();
    expect(seen(whole)).toEqual([
      ["r1", "Hello?", "Fine.", "done"],
      ["r2", "And you?", "Me too.", "done"],
      ["r3", "Good.", "", "sending"],
    ]);
  });

  it("keeps earlier pages over a reconnect, as long as the new page joins them", () => {
    const pages = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, index) => message(`r${from + index}`, "user", `${from + index}`));
    const joined = stateAfter(history(pages(1, 5)), { type: "connected" }, history(pages(3, 8), null, true));
    expect(joined.turns.map(({ runId }) => runId)).toEqual(["r1", "r2", "r3", "r4", "r5", "r6", "r7"]);
    expect(joined.earlierThan).toBeNull();
    const apart = stateAfter(history(pages(1, 3)), { type: "connected" }, history(pages(6, 8), null, true));
    expect(apart.turns.map(({ runId }) => runId)).toEqual(["r6", "r7"]);
    expect(apart.earlierThan).toBe("r6-user");
  });

  it("shows a notice until the next history", () => {
    const noticed = stateAfter({ type: "notice", text: "The history could not be read." });
    expect(noticed.notice).toBe("The history could not be read.");
    expect(reduceChat(noticed, history([])).notice).toBeNull();
  });

  it("yields exactly the text, whatever is doubled, reordered, lost and read again", () => {
    const words = fc.array(fc.string({ minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 12 });
    const step = fc.oneof(
      { weight: 5, arbitrary: fc.record({ kind: fc.constant("event" as const), at: fc.nat(11) }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant("reconnect" as const), at: fc.nat(12) }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant("page" as const), at: fc.nat(12) }) },
    );
    fc.assert(
      fc.property(words, fc.array(step, { maxLength: 40 }), (text, steps) => {
        const upTo = (count: number) => text.slice(0, count).join("");
        const page = (at: number) => {
          const count = Math.min(at, text.length);
          return history([QUESTION], { runId: "r1", seq: count, text: upTo(count) });
        };
        let state = stateAfter(history([QUESTION]));
        for (const { kind, at } of steps) {
          if (kind === "reconnect") state = reduceChat(state, { type: "connected" });
          if (kind !== "event") state = reduceChat(state, page(at));
          else state = reduceChat(state, delta((at % text.length) + 1, text[at % text.length] ?? ""));
          const turn = state.turns[0] as Turn;
          expect(turn.answer).toBe(upTo(turn.seq));
        }
        state = reduceChat(state, page(text.length));
        expect(seen(state)).toEqual([["r1", "Hello?", upTo(text.length), "running"]]);
        expect(state.turns[0]?.held).toEqual([]);
      }),
    );
  });
});
