// The port behind which an agent answers: a turn in, pieces of an answer out. Adapters are beside this file.
import type { TokenUsage } from "../../core/gateway-protocol.ts";
import type { AgentId } from "../../core/ids.ts";
import type { Caller } from "../admit/caller.ts";

export type AgentProfile = {
  readonly id: AgentId;
  readonly name: string;
  readonly description: string;
  readonly model: string;
  readonly instructions: string;
};

/** One side's words; never blank, and the sides alternate only as far as people let them. */
export type Utterance = { readonly role: "user" | "assistant"; readonly text: string };

export type AgentTurn = {
  readonly agent: AgentProfile;
  /** Who asks, as the front door asserted it. */
  readonly speaker: Caller;
  /** Oldest first; the last one is the user's message to answer. */
  readonly conversation: readonly Utterance[];
};

export type AnswerPiece =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "usage"; readonly usage: TokenUsage }
  /** The last piece: the answer ends here, incomplete. `message` is shown to the person and holds no secret. */
  | { readonly kind: "failed"; readonly message: string };

export type Agent = {
  /** Answers in pieces until done, failed or aborted. Does not throw for what a model or network can cause. */
  answer(turn: AgentTurn, signal: AbortSignal): AsyncIterable<AnswerPiece>;
};
