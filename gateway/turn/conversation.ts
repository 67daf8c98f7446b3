// What an agent is shown of a session: each question with its answer, up to the question it is to answer now.
// Pure.
import type { ChatMessage } from "../../core/gateway-protocol.ts";
import type { Utterance } from "../agents/agent.ts";
import type { Transcript } from "../session/transcript.ts";

/** Characters of history, about 100,000 tokens: what leaves room for an answer in every current model. */
const MAX_CHARACTERS = 400_000;

/**
 * The conversation that ends with the user's message of `runId`. A history is in order of writing, so with turns
 * in line a question may stand before the answer to the one before it; here every answer follows its question, and
 * questions still in line behind this one are left out.
 */
export function conversationUpTo(transcript: Transcript, runId: string): readonly Utterance[] {
  const answers = new Map<string, ChatMessage>();
  const conversation: Utterance[] = [];
  let reached = false;
  let characters = 0;
  for (let index = transcript.messageCount - 1; index >= 0; index -= 1) {
    const message = transcript.message(index);
    if (message.role === "assistant") {
      answers.set(message.runId, message);
      continue;
    }
    reached ||= message.runId === runId;
    if (!reached) continue;
    // From the newest question back; within a pair too, because the list is turned round at the end.
    const pair = [answers.get(message.runId), message].flatMap((said) => utteranceOf(said));
    characters += pair.reduce((sum, { text }) => sum + text.length, 0);
    if (characters > MAX_CHARACTERS && conversation.length > 0) break;
    conversation.push(...pair);
  }
  return conversation.reverse();
}

export function textOf(message: ChatMessage): string {
  return message.content.map((part) => part.text).join("");
}

// The API refuses blank text, and an answer stopped before its first word has none.
function utteranceOf(message: ChatMessage | undefined): Utterance[] {
  if (message === undefined) return [];
  const text = textOf(message);
  return text.trim() === "" ? [] : [{ role: message.role, text }];
}
