// Who is signed in at this chat, as the front door knows them: gateways are told less, and not through which provider.
// Asked at the start, and again when the chat is connected as somebody else. Knows no page.
import type { MeAnswer } from "../../core/api.ts";
import type { DoorDeps } from "../client/ask-door.ts";
import { askMe } from "../client/ask-me.ts";
import type { ChatView } from "../client/index.ts";

export type Account = Pick<MeAnswer, "id" | "name" | "email" | "provider" | "agents">;

type Seen = Pick<ChatView, "connection" | "userId">;

export type AccountWatch = {
  start(): void;
  /** Another view of the chat. */
  seen(view: Seen): void;
};

/** @param show null: nobody is known, or nobody is signed in */
export function watchAccount(door: DoorDeps, show: (account: Account | null) => void): AccountWatch {
  let known: Account | null = null;
  /** Counts what makes an answer under way one about somebody else, perhaps: the newest question's alone is taken. */
  let newest = 0;
  /** Views are drawn once a frame, and not at all in a hidden tab: what was between two of them is not seen. */
  let before: Seen | undefined;

  function know(account: Account | null) {
    known = account;
    show(account);
  }

  /** @param expected as whom the chat is connected; null: not yet */
  async function ask(expected: string | null) {
    newest += 1;
    const own = newest;
    const outcome = await askMe(door);
    if (own !== newest || outcome.kind !== "signed_in") return;
    if (expected === null || outcome.me.id === expected) know(outcome.me);
  }

  function nobody() {
    newest += 1;
    know(null);
  }

  return {
    start: () => void ask(null),
    seen(view) {
      const { kind } = view.connection;
      const { userId } = view;
      if (kind === before?.connection.kind && userId === before.userId) return;
      before = view;
      if (kind === "signed_out") return nobody();
      if (kind !== "connected" || known?.id === userId) return;
      nobody();
      void ask(userId);
    },
  };
}
