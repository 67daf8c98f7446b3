import type { ServerResponse } from "node:http";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createLog } from "../../../core/log.ts";
import type { AgentTurn, AnswerPiece } from "../../../gateway/agents/agent.ts";
import { createClaudeAgent } from "../../../gateway/agents/claude.ts";
import { ALICE, agentId, sessionId } from "../../support/assertion-fixture.ts";
import {
  type FakeClaude,
  failAnswer,
  send,
  startAnswer,
  startFakeClaude,
  streamAnswer,
} from "../../support/fake-claude.ts";
import { createManualClock, type ManualClock } from "../../support/manual-clock.ts";

const KEY = "sk-ant-secret-key-of-a-test";
const CODER = agentId("coder");
const TURN: AgentTurn = {
  agent: { id: CODER, name: "Coder", description: "", model: "claude-sonnet-5-5", instructions: "Be brief." },
  speaker: { userId: ALICE, sid: sessionId("A"), email: null, name: null, agents: [CODER], direct: null },
  conversation: [
    { role: "user", text: "One?" },
    { role: "assistant", text: "One." },
    { role: "user", text: "Two?" },
  ],
};

let claude: FakeClaude;
let clock: ManualClock;
let logged: string[];

beforeEach(async () => {
  claude = await startFakeClaude();
  clock = createManualClock(0);
  logged = [];
});
afterEach(() => claude.close());

function agent(baseUrl = claude.url) {
  const log = createLog("test", "debug", { write: (line) => void logged.push(line) });
  return createClaudeAgent({ apiKey: KEY, baseUrl, timeoutMs: 60_000, maxOutputTokens: 500, clock, log });
}

async function collect(pieces: AsyncIterable<AnswerPiece>, onPiece: (piece: AnswerPiece) => void = () => {}) {
  const collected: AnswerPiece[] = [];
  for await (const piece of pieces) {
    collected.push(piece);
    onPiece(piece);
  }
  return collected;
}

const ask = (signal = new AbortController().signal) => collect(agent().answer(TURN, signal));

describe("Claude agent", () => {
  test("sends conversation, instructions, model and limit, the key as a bearer, and nothing about the person", async () => {
    await ask();
    expect(claude.requests.map(({ body }) => body)).toEqual([
      {
        model: "claude-sonnet-5-5",
        max_tokens: 500,
        system: "Be brief.",
        stream: true,
        messages: [
          { role: "user", content: "One?" },
          { role: "assistant", content: "One." },
          { role: "user", content: "Two?" },
        ],
      },
    ]);
    expect(claude.requests[0]?.headers["authorization"]).toBe(`Bearer ${KEY}`);
  });

  test("streams text as it comes, then the usage", async () => {
    claude.answer((response) => streamAnswer(response, ["He", "llo."]));
    expect(await ask()).toEqual([
      { kind: "text", text: "He" },
      { kind: "text", text: "llo." },
      { kind: "usage", usage: { input: 12, output: 7 } },
    ]);
  });

  test.each([
    [401, "authentication_error", "The model did not accept this gateway's key. Operations must correct it."],
    [403, "permission_error", "The model did not accept this gateway's key. Operations must correct it."],
    [402, "billing_error", "The model's account cannot be billed. Operations must look into it."],
    [
      404,
      "not_found_error",
      'The model "claude-sonnet-5-5" is not known at the configured address. Operations must correct it.',
    ],
    [
      429,
      "rate_limit_error",
      "The model takes no more requests at the moment (rate limit). Try again in a minute.",
    ],
    [529, "overloaded_error", "The model is overloaded at the moment. Try again in a minute."],
    [500, "api_error", "The model had a fault of its own. Try again soon."],
    [413, "request_too_large", "The conversation has become too long for the model. Start a new session."],
    [
      400,
      "invalid_request_error",
      "The model did not accept this conversation. If it is very long, start a new session.",
    ],
  ])("explains a refusal with %i %s", async (status, type, message) => {
    claude.answer((response) => failAnswer(response, status, type));
    expect(await ask()).toEqual([{ kind: "failed", message }]);
    expect(logged).toHaveLength(1);
  });

  test("explains an error in the middle of a stream", async () => {
    claude.answer((response) => {
      startAnswer(response, ["Half "]);
      send(response, "error", { error: { type: "overloaded_error", message: "busy" } });
      response.end();
    });
    expect(await ask()).toEqual([
      { kind: "text", text: "Half " },
      { kind: "failed", message: "The model is overloaded at the moment. Try again in a minute." },
    ]);
  });

  test.each([
    ["ends", (response: ServerResponse) => response.end()],
    ["is cut", (response: ServerResponse) => response.destroy()],
  ])("does not take half an answer for a whole one when the stream %s", async (_, finish) => {
    let held: ServerResponse | undefined;
    claude.answer((response) => {
      held = response;
      startAnswer(response, ["Half "]);
    });
    // Finished once its first half has arrived.
    const pieces = await collect(
      agent().answer(TURN, new AbortController().signal),
      () => held && finish(held),
    );
    expect(pieces).toEqual([
      { kind: "text", text: "Half " },
      { kind: "failed", message: "The model's answer broke off. Try again." },
    ]);
  });

  test.each([
    ["refusal", "The model declined to answer this."],
    ["max_tokens", "The answer was cut at its length limit. Ask the agent to go on."],
  ])("says so when the model stops with %s", async (stopReason, message) => {
    claude.answer((response) => streamAnswer(response, ["Well"], stopReason));
    expect((await ask()).at(-1)).toEqual({ kind: "failed", message });
  });

  test("ends without a word when it is stopped, and hangs up on the model", async () => {
    const abort = new AbortController();
    let hungUp: Promise<void> | undefined;
    claude.answer((response) => {
      hungUp = new Promise((resolve) => response.on("close", resolve));
      startAnswer(response, ["One "]);
    });
    const pieces = await collect(agent().answer(TURN, abort.signal), () => abort.abort());
    expect(pieces).toEqual([{ kind: "text", text: "One " }]);
    await hungUp;
    expect(logged).toEqual([]);
  });

  test("gives up on a stream that stalls", async () => {
    claude.answer((response) => startAnswer(response, ["One "]));
    const pieces = await collect(agent().answer(TURN, new AbortController().signal), (piece) => {
      if (piece.kind === "text") clock.advance(60_000);
    });
    expect(pieces).toEqual([
      { kind: "text", text: "One " },
      { kind: "failed", message: "The model took too long to answer. Try again." },
    ]);
  });

  test("leaves no deadline behind when it is done", async () => {
    const manual = clock;
    let waiting = 0;
    clock = {
      ...manual,
      after(delayMs, action) {
        waiting += 1;
        const cancel = manual.after(delayMs, action);
        return () => {
          waiting -= 1;
          cancel();
        };
      },
    };
    await ask();
    expect(waiting).toBe(0);
  });

  test("never lets the key, the conversation or the model's words into a log", async () => {
    claude.answer((response) => failAnswer(response, 401, "authentication_error"));
    await ask();
    expect(logged.map((line) => JSON.parse(line))).toEqual([
      {
        level: "warn",
        time: expect.any(String),
        part: "test",
        fault: "AuthenticationError",
        status: 401,
        type: "authentication_error",
        modelRequestId: null,
        agent: "coder",
        msg: "the model did not answer",
      },
    ]);
  });
});
