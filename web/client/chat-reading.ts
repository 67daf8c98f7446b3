// Which pages of a session's history are asked for, and when: what is missing after every connection, and earlier ones
// when the person looks for them. Sends nothing else. Timers and requests are parameters.
import type { ChatHistoryAnswer } from "../../core/gateway-protocol.ts";
import type { After } from "./ask-door.ts";
import type { ChatAction, ChatState } from "./chat-state.ts";
import type { RequestFailure } from "./connection.ts";
import { readHistory } from "./frames.ts";
import type { GatewayClient } from "./gateway-client.ts";

export type ChatReading = {
  /** Asks for the newest page if something is missing. */
  readMissing(key: string): void;
  /** Asks for the page before the oldest message that is known. */
  readEarlier(key: string): Promise<void>;
  /** The connection has ended: what was asked for over it is not answered any more. */
  lost(): void;
};

export type ChatReadingDeps = {
  readonly request: GatewayClient["request"];
  /** Another one for each connection; undefined while there is none. */
  readonly connection: () => unknown;
  readonly chatOf: (key: string) => ChatState;
  readonly dispatch: (key: string, action: ChatAction) => void;
  readonly after: After;
};

/** Messages of one page. */
const PAGE = 60;
const ASK_AGAIN_AFTER_MS = 1_000;

export function createChatReading(deps: ChatReadingDeps): ChatReading {
  const { request, connection, chatOf, dispatch } = deps;
  /** Sessions whose history is asked for, or was a moment ago → cancels that moment. */
  const asking = new Map<string, () => void>();
  const askingEarlier = new Set<string>();

  function readMissing(key: string) {
    if (connection() !== undefined && chatOf(key).stale && !asking.has(key)) void askNewest(key);
  }

  async function askNewest(key: string) {
    asking.set(key, () => {});
    dispatch(key, { type: "asking" });
    const answer = await readPage({ sessionKey: key });
    if (answer === undefined) return;
    if (typeof answer === "string") dispatch(key, { type: "not_read", reason: answer });
    else dispatch(key, { type: "history", answer });
    // One pause between two questions, so that a gateway in trouble is not asked in a loop.
    const cancel = deps.after(ASK_AGAIN_AFTER_MS, () => {
      asking.delete(key);
      readMissing(key);
    });
    asking.set(key, cancel);
  }

  /** A page of the history, the words of a refusal, or undefined when the connection ended first. */
  async function readPage(params: {
    sessionKey: string;
    before?: string;
  }): Promise<ChatHistoryAnswer | string | undefined> {
    const asked = connection();
    const outcome = await request("chat.history", { ...params, limit: PAGE });
    if (connection() !== asked) return undefined;
    if (!outcome.ok) return wordsOf(outcome.error);
    return readHistory(outcome.value) ?? "its form was not understood.";
  }

  return {
    readMissing,
    async readEarlier(key) {
      const before = chatOf(key).earlierThan;
      if (before === null || connection() === undefined || askingEarlier.has(key)) return;
      askingEarlier.add(key);
      const answer = await readPage({ sessionKey: key, before });
      if (answer === undefined) return;
      askingEarlier.delete(key);
      if (before !== chatOf(key).earlierThan) return;
      if (typeof answer !== "string") return dispatch(key, { type: "earlier", answer });
      dispatch(key, { type: "notice", text: `Earlier messages could not be read: ${answer}` });
    },
    lost() {
      for (const cancel of asking.values()) cancel();
      asking.clear();
      askingEarlier.clear();
    },
  };
}

export function wordsOf(failure: RequestFailure): string | undefined {
  return failure.kind === "refused" ? failure.error.message : undefined;
}
