// One session's conversation as a pure function of what was sent and received. No I/O.
import type { ChatEvent, ChatHistoryAnswer } from "../../core/gateway-protocol.ts";
import { withEarlier, withHistory } from "./chat-history.ts";
import { afterEvent, newTurn, type Turn } from "./turn.ts";

export type ChatState = {
  readonly turns: readonly Turn[];
  /** False until the first history. */
  readonly loaded: boolean;
  /** Message id before which the gateway has more; null: nothing earlier. */
  readonly earlierThan: string | null;
  /** Something is missing: ask for the history. */
  readonly stale: boolean;
  /** What the person should know: reading or stopping went wrong, what a stop took back, the agent has moved. */
  readonly notice: string | null;
  /** Why nothing is here any more, for as long as nothing is; null: nothing ever was, or it is told already. */
  readonly emptyBecause: string | null;
};

export type ChatAction =
  | { readonly type: "connected" }
  | { readonly type: "asking" }
  | { readonly type: "history"; readonly answer: ChatHistoryAnswer }
  | { readonly type: "not_read"; readonly reason: string }
  | { readonly type: "earlier"; readonly answer: ChatHistoryAnswer }
  | { readonly type: "event"; readonly event: ChatEvent }
  | { readonly type: "sending"; readonly runId: string; readonly text: string }
  | { readonly type: "accepted"; readonly runId: string; readonly isNew: boolean }
  | { readonly type: "not_sent"; readonly runId: string; readonly reason: string }
  | { readonly type: "taken_back"; readonly runId: string }
  /** `because`: what the person should know of it. */
  | { readonly type: "deleted"; readonly because: string | null }
  | { readonly type: "notice"; readonly text: string | null };

export const EMPTY_CHAT: ChatState = {
  turns: [],
  loaded: false,
  earlierThan: null,
  stale: true,
  notice: null,
  emptyBecause: null,
};

export function reduceChat(state: ChatState, action: ChatAction): ChatState {
  switch (action.type) {
    case "connected":
      return {
        ...state,
        stale: true,
        turns: state.turns.map((turn) => ({ ...turn, live: false, held: [] })),
      };
    case "asking":
      return { ...state, stale: false };
    case "history":
      return withHistory(state, action.answer);
    case "not_read":
      return { ...state, stale: true, notice: `The history could not be read: ${action.reason}` };
    case "earlier":
      return withEarlier(state, action.answer);
    case "event":
      return withEvent(state, action.event);
    case "sending":
      return withTurn({ ...state, notice: null, emptyBecause: null }, action.runId, (turn) => ({
        ...turn,
        question: action.text,
        phase: "sending",
        note: null,
      }));
    case "accepted":
      // A message that the gateway already had may have run while nobody listened.
      return withTurn({ ...state, stale: state.stale || !action.isNew }, action.runId, (turn) => ({
        ...turn,
        phase: turn.phase === "sending" ? "accepted" : turn.phase,
        live: true,
      }));
    case "not_sent":
      return withTurn(state, action.runId, (turn) =>
        turn.phase === "sending" ? { ...turn, phase: "not_sent", note: action.reason } : turn,
      );
    case "taken_back":
      return { ...state, turns: state.turns.filter((turn) => turn.runId !== action.runId) };
    case "deleted":
      return {
        ...EMPTY_CHAT,
        loaded: true,
        stale: false,
        notice: action.because,
        emptyBecause: action.because,
      };
    case "notice":
      return { ...state, notice: action.text };
  }
}

function withTurn(state: ChatState, runId: string, change: (turn: Turn) => Turn): ChatState {
  const known = state.turns.some((turn) => turn.runId === runId);
  if (!known) return { ...state, turns: [...state.turns, change(newTurn(runId))] };
  return { ...state, turns: state.turns.map((turn) => (turn.runId === runId ? change(turn) : turn)) };
}

function withEvent(state: ChatState, event: ChatEvent): ChatState {
  const known = state.turns.some((turn) => turn.runId === event.runId);
  const next = withTurn(state, event.runId, (turn) => afterEvent({ ...turn, live: true }, event));
  const gap = next.turns.some((turn) => turn.runId === event.runId && turn.held.length > 0);
  return { ...next, stale: state.stale || !known || gap };
}
