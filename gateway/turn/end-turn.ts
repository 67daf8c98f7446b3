// The end of a turn, however it came: kept in the history, so that whoever reads it later is told the same as whoever saw
// it happen, and told as the turn's last event. Never throws.
import type { Clock } from "../../core/clock.ts";
import type { ChatMessage, TokenUsage } from "../../core/gateway-protocol.ts";
import type { Log } from "../../core/log.ts";
import type { SessionStore } from "../session/session-store.ts";
import type { LiveTurn, TurnNews } from "./live-turn.ts";

export type EndTurnDeps = {
  readonly store: SessionStore;
  readonly clock: Clock;
  readonly newId: () => string;
  readonly log: Log;
  /** The turn's last event, in the very step in which its answer becomes part of the history. */
  readonly end: (turn: LiveTurn, news: TurnNews) => void;
};

export type TurnEnd = { readonly usage?: TokenUsage | undefined } & (
  | { readonly stopReason: "stop" | "aborted" }
  /** `failure`: why, for people. */
  | { readonly stopReason: "error"; readonly failure: string }
);

const NOT_KEPT: TurnNews = {
  state: "error",
  errorMessage: "The answer could not be stored. Try again.",
  message: null,
};

export async function endTurn(turn: LiveTurn, how: TurnEnd, deps: EndTurnDeps): Promise<void> {
  const { stopReason, usage } = how;
  const message: ChatMessage = {
    id: deps.newId(),
    role: "assistant",
    content: [{ type: "text", text: turn.answer }],
    timestamp: deps.clock.now(),
    runId: turn.request.runId,
    stopReason,
    ...(stopReason === "error" ? { errorMessage: how.failure } : {}),
    ...(usage === undefined ? {} : { usage }),
  };
  try {
    await deps.store.append(turn.request.identity, message, () => deps.end(turn, newsOf(how, message)));
  } catch (error) {
    deps.log.error({ err: error, runId: turn.request.runId }, "an answer could not be stored");
    deps.end(turn, turn.answer === "" ? newsOf(how, null) : NOT_KEPT);
  }
}

/** @param message null: it is not part of the history */
function newsOf(how: TurnEnd, message: ChatMessage | null): TurnNews {
  if (how.stopReason === "aborted") return { state: "aborted", message };
  if (how.stopReason === "error") return { state: "error", errorMessage: how.failure, message };
  return message === null ? NOT_KEPT : { state: "final", message };
}
