import { describe, expect, test } from "vitest";
import type { ChatMessage } from "../../../core/gateway-protocol.ts";
import { encodeLine, readTranscript } from "../../../gateway/session/transcript.ts";
import { conversationUpTo } from "../../../gateway/turn/conversation.ts";
import { ALICE, agentId } from "../../support/assertion-fixture.ts";

const HEAD = {
  sessionId: "s",
  userId: ALICE,
  agentId: agentId("coder"),
  name: "main",
  chatType: "direct",
  createdAt: 0,
} as const;

function said(role: ChatMessage["role"], runId: string, text: string): ChatMessage {
  return { id: `${role}-${runId}`, role, content: [{ type: "text", text }], timestamp: 0, runId };
}

function transcript(...messages: ChatMessage[]) {
  return readTranscript(Buffer.concat([encodeLine(HEAD), ...messages.map(encodeLine)]));
}

describe("the conversation that an agent is shown", () => {
  test("puts every answer behind its question and leaves out what still waits in line", () => {
    const history = transcript(
      said("user", "1", "first?"),
      said("user", "2", "second?"),
      said("user", "3", "third?"),
      said("assistant", "1", "first."),
    );
    expect(conversationUpTo(history, "2")).toEqual([
      { role: "user", text: "first?" },
      { role: "assistant", text: "first." },
      { role: "user", text: "second?" },
    ]);
  });

  test("leaves out an answer without a word, which the API would refuse", () => {
    const history = transcript(
      said("user", "1", "first?"),
      said("assistant", "1", "  "),
      said("user", "2", "second?"),
    );
    expect(conversationUpTo(history, "2").map(({ text }) => text)).toEqual(["first?", "second?"]);
  });

  test("drops the oldest pairs of a long history, never the question itself", () => {
    const long = "x".repeat(300_000);
    const history = transcript(
      said("user", "1", "old?"),
      said("assistant", "1", long),
      said("user", "2", "newer?"),
      said("assistant", "2", "newer."),
      said("user", "3", long),
    );
    expect(conversationUpTo(history, "3").map(({ text }) => text)).toEqual(["newer?", "newer.", long]);
    const tooLong = transcript(said("user", "1", "old?"), said("user", "2", "x".repeat(500_000)));
    expect(conversationUpTo(tooLong, "2").map(({ text }) => text.length)).toEqual([500_000]);
  });
});
