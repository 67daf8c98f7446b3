import { describe, expect, it } from "vitest";
import { type Link, turnWords } from "../../web/chat/turn-words.ts";
import { newTurn, type Turn } from "../../web/client/turn.ts";

const AWAY: readonly Link[] = [
  "connecting",
  "asking_why",
  "reconnecting",
  "moved",
  "gateway_down",
  "signed_out",
  "refused",
];

function turn(changes: Partial<Turn>): Turn {
  return { ...newTurn("r1"), question: "Hello?", ...changes };
}

function wordsAway(changes: Partial<Turn>): Record<string, string | null> {
  return Object.fromEntries(AWAY.map((link) => [link, turnWords(turn(changes), link)]));
}

describe("a turn's state in words", () => {
  it("while connected", () => {
    const phases: Partial<Turn>[] = [
      { phase: "sending" },
      { phase: "not_sent", note: "Full." },
      { phase: "accepted" },
      { phase: "queued", position: 1 },
      { phase: "queued", position: 3 },
      { phase: "running", answer: "Good" },
      { phase: "done", answer: "Good day." },
      { phase: "stopped", answer: "Good" },
      { phase: "stopped" },
      { phase: "failed" },
      { phase: "failed", note: "Overloaded." },
      { phase: "interrupted", answer: "Good" },
      { phase: "unanswered" },
    ];
    expect(phases.map((changes) => turnWords(turn(changes), "connected"))).toEqual([
      "Sending…",
      "Not sent: Full.",
      "Waiting for the answer…",
      "Waiting: next in line.",
      "Waiting: number 3 in line.",
      "Answering…",
      null,
      "Stopped.",
      "Stopped before it was answered.",
      "The answer failed.",
      "The answer failed: Overloaded.",
      "Interrupted: the rest of this answer is lost.",
      "No answer.",
    ]);
  });

  it("says when the rest of an answer will be seen, and promises none that may be lost with its gateway", () => {
    expect(wordsAway({ phase: "running", answer: "Good" })).toEqual({
      connecting: "The rest of this answer is shown when there is a connection.",
      asking_why: "The rest of this answer is shown when there is a connection.",
      reconnecting:
        "The rest of this answer is shown when the connection is back, if the gateway still has it.",
      moved: "The rest of this answer stays where your agent ran.",
      gateway_down:
        "The rest of this answer is shown when the gateway answers again, if the gateway still has it.",
      signed_out: "The rest of this answer is shown when you have signed in again.",
      refused: "The rest of this answer is shown when you may connect again.",
    });
  });

  it("speaks of the whole answer while there is no word of it", () => {
    const phases = [{ phase: "accepted" }, { phase: "queued", position: 2 }] as const;
    for (const changes of phases)
      expect(wordsAway(changes)).toMatchObject({
        reconnecting: "The answer is shown when the connection is back, if the gateway still has it.",
        moved: "The answer stays where your agent ran.",
        signed_out: "The answer is shown when you have signed in again.",
      });
  });

  it("says when a message will be sent", () => {
    expect(wordsAway({ phase: "sending" })).toEqual({
      connecting: "Will be sent when there is a connection.",
      asking_why: "Will be sent when there is a connection.",
      reconnecting: "Will be sent when the connection is back.",
      moved: "Will be sent when the connection is back.",
      gateway_down: "Will be sent when the gateway answers again.",
      signed_out: "Will be sent when you have signed in again.",
      refused: "Will be sent when you may connect again.",
    });
  });

  it("says of what is over the same as ever", () => {
    const over: Partial<Turn>[] = [{ phase: "done", answer: "Good day." }, { phase: "stopped" }];
    for (const changes of over)
      for (const link of AWAY)
        expect(turnWords(turn(changes), link)).toBe(turnWords(turn(changes), "connected"));
  });
});
