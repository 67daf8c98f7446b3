// Who is signed in at this chat, as the front door knows them: gateways are told less, and not through which provider.
// Asked at the start, and again when the chat is connected as somebody else. Knows no page.
import type { MeAnswer } from "../../core/api.ts";
import type { DoorDeps } from "../client/ask-door.ts";
import { askMe } from "../client/ask-me.ts";
import type { ChatView } from "../client/index.ts";

export type Account = Pick<MeAnswer, "id" | "name" | "email" | "provider" | "agents">;

export type AccountWatch = {
  start(): void;
  /** Another view of the chat. */
  seen(view: Pick<ChatView, "connection" | "userId">): void;
};

/** @param show null: nobody is known, or nobody is signed in */
export function watchAccount(door: DoorDeps, show: (account: Account | null) => void): AccountWatch {
  let known: Account | null = null;
  let isAsking = false;
  let before: ChatView["connection"]["kind"] | undefined;

  function know(account: Account | null) {
    known = account;
    show(account);
  }

  async function ask() {
    if (isAsking) return;
    isAsking = true;
    const outcome = await askMe(door);
    isAsking = false;
    if (outcome.kind === "signed_in") know(outcome.me);
  }

  return {
    start: () => void ask(),
    seen({ connection: { kind }, userId }) {
      if (kind === before) return;
      before = kind;
      if (kind === "signed_out") return know(null);
      if (kind !== "connected" || known?.id === userId) return;
      know(null);
      void ask();
    },
  };
}
