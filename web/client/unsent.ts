// Messages that no gateway has taken, and the place where they outlive the page. Pure.
import type { ChatAction, ChatState } from "./chat-state.ts";

/** Where messages that no gateway has taken outlive the page, as far as they can. */
export type Outbox = {
  read(userId: string): readonly Unsent[];
  /** In the place of those of before. */
  keep(userId: string, unsent: readonly Unsent[]): void;
};

/** Sent again under the same `runId`, it is the same message. */
export type Unsent = {
  readonly sessionKey: string;
  readonly runId: string;
  readonly text: string;
  /** Why it was not sent; null: it will be by itself. */
  readonly refusal: string | null;
};

/** @param chats by session key */
export function unsentOf(chats: ReadonlyMap<string, ChatState>): readonly Unsent[] {
  return [...chats].flatMap(([sessionKey, { turns }]) =>
    turns.flatMap(({ phase, runId, question: text, note }) => {
      if (text === null || (phase !== "sending" && phase !== "not_sent")) return [];
      return [{ sessionKey, runId, text, refusal: phase === "sending" ? null : note }];
    }),
  );
}

/** False for what comes often and leaves {@link unsentOf} as it is. */
export function changesUnsent({ type }: ChatAction): boolean {
  return ["sending", "accepted", "not_sent", "taken_back", "deleted"].includes(type);
}
