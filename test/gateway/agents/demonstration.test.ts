import { describe, expect, test } from "vitest";
import type { TokenUsage } from "../../../core/gateway-protocol.ts";
import { parseEndpointId, parseGatewayId } from "../../../core/ids.ts";
import type { AgentTurn } from "../../../gateway/agents/agent.ts";
import { createDemonstrationAgent } from "../../../gateway/agents/demonstration.ts";
import { ALICE, agentId, sessionId } from "../../support/assertion-fixture.ts";
import { createManualClock } from "../../support/manual-clock.ts";

const [gateway, endpoint] = [parseGatewayId("cloud"), parseEndpointId("cloud-1")];
if (gateway === undefined || endpoint === undefined) throw new Error("not ids");

function turn(text: string): AgentTurn {
  const id = agentId("coder");
  return {
    agent: { id, name: "Coder", description: "", model: "none", instructions: "" },
    speaker: {
      userId: ALICE,
      sid: sessionId("A"),
      email: "alice@example.com",
      name: "Alice Archer",
      agents: [id, agentId("assistant")],
      direct: null,
    },
    conversation: [{ role: "user", text }],
  };
}

/** Collects pieces while the clock is moved on by one word at a time. */
async function ask(text: string, wordMs: number, stopAfter = Number.POSITIVE_INFINITY) {
  const clock = createManualClock(0);
  const abort = new AbortController();
  const agent = createDemonstrationAgent({ gateway: gateway as never, endpoint: endpoint as never, clock });
  const said: string[] = [];
  let usage: TokenUsage | undefined;
  const iterator = agent.answer(turn(text), abort.signal)[Symbol.asyncIterator]();
  for (;;) {
    const next = iterator.next();
    if (said.length >= stopAfter) abort.abort();
    else clock.advance(wordMs);
    const { value, done } = await next;
    if (done) return { said, usage, elapsedMs: clock.monotonic() };
    if (value.kind === "text") said.push(value.text);
    if (value.kind === "usage") usage = value.usage;
  }
}

describe("demonstration agent", () => {
  test("says what it is, repeats the message as text, and names what can be tried", async () => {
    const { said } = await ask("Hello <b>there</b>", 25);
    expect(said.join("")).toBe(
      [
        "I am Coder, a demonstration agent without a model.",
        "You wrote: Hello <b>there</b>",
        "Try: whoami (who the gateway was told you are), where (which machine answers), slow (a long answer, to try stop and reload), markdown (an answer with headings, lists, a table and code).",
      ].join("\n\n"),
    );
    expect(said.length).toBeGreaterThan(10);
  });

  test("answers whoami with what the gateway was told", async () => {
    expect((await ask(" WhoAmI ", 25)).said.join("")).toBe(
      [
        "The front door told this gateway that you are:",
        "Name: Alice Archer",
        "E-mail: alice@example.com",
        `User id: ${ALICE}`,
        `Session id: ${sessionId("A")}`,
        "Agents on this connection: coder, assistant",
      ].join("\n"),
    );
  });

  test("answers where with agent, gateway and endpoint", async () => {
    expect((await ask("where", 25)).said.join("")).toBe("Agent: coder\nGateway: cloud\nEndpoint: cloud-1");
  });

  test("answers slow with a minute of numbered words", async () => {
    const { said, elapsedMs } = await ask("slow", 200);
    expect(said.map((word) => word.trim())).toEqual(Array.from({ length: 300 }, (_, i) => `word-${i + 1}`));
    expect(elapsedMs).toBe(60_400);
  });

  test("answers markdown with a formatted text, whole", async () => {
    const { said } = await ask("markdown", 25);
    for (const part of [
      "# Formatted text\n",
      "\n   - with a list\n",
      "|---|---|\n",
      "```js\n",
      "<b>Markup</b>",
    ])
      expect(said.join("")).toContain(part);
  });

  test("estimates its tokens from the length of question and answer, and says that it does", async () => {
    const { said, usage } = await ask("where", 25);
    expect(usage).toEqual({ input: 2, output: Math.ceil(said.join("").length / 4), estimated: true });
  });

  test("stops between two words when it is told to", async () => {
    expect((await ask("slow", 200, 3)).said).toEqual(["word-1 ", "word-2 ", "word-3 "]);
  });
});
