// Joins pages of `chat.history` to what is shown already: a page closes whatever gap a lost connection left, and takes
// no word back that came after it was made. Pure.
import type { ChatHistoryAnswer } from "../../core/gateway-protocol.ts";
import type { ChatState } from "./chat-state.ts";
import { isFinished, isUnderWay, newTurn, type Turn, withHeld, withMessage } from "./turn.ts";

/** @param answer the newest page */
export function withHistory(state: ChatState, answer: ChatHistoryAnswer): ChatState {
  const known = new Map(state.turns.map((turn) => [turn.runId, turn]));
  const page = turnsOf(answer);
  const inPage = new Set(page.map((turn) => turn.runId));
  const overlap = state.turns.findIndex((turn) => inPage.has(turn.runId));
  // Without an overlap there is a hole between what was shown and this page: only what is too new for it stays.
  const before = overlap === -1 ? [] : state.turns.slice(0, overlap);
  const after = state.turns
    .slice(Math.max(overlap, 0))
    .filter((turn) => !inPage.has(turn.runId))
    .filter((turn) => overlap !== -1 || turn.live || turn.phase === "sending" || turn.phase === "not_sent");
  const turns = [
    ...before.map(settled),
    ...page.map((turn) => reconciled(known.get(turn.runId), turn)),
    ...after.map(settled),
  ];
  return {
    ...state,
    turns,
    loaded: true,
    earlierThan: before.length > 0 ? state.earlierThan : oldestOf(answer),
    stale: state.stale || turns.some((turn) => turn.held.length > 0),
    notice: turns.length === 0 ? state.emptyBecause : null,
  };
}

/** @param answer the page before the oldest message that is shown */
export function withEarlier(state: ChatState, answer: ChatHistoryAnswer): ChatState {
  const page = new Map(turnsOf({ ...answer, running: null, waiting: [] }).map((turn) => [turn.runId, turn]));
  const known = new Set(state.turns.map((turn) => turn.runId));
  const turns = [
    ...[...page.values()].filter((turn) => !known.has(turn.runId)),
    // A page may end between a question and its answer.
    ...state.turns.map((turn) => ({
      ...turn,
      question: turn.question ?? page.get(turn.runId)?.question ?? null,
    })),
  ];
  return { ...state, turns, earlierThan: oldestOf(answer), notice: null };
}

/** What is known of a turn so far, together with what a history page says; the page may be a moment older. */
function reconciled(known: Turn | undefined, page: Turn): Turn {
  if (known === undefined) return page;
  if (isFinished(page)) return { ...page, note: known.note ?? page.note, live: known.live };
  const asked = { ...known, question: page.question ?? known.question };
  if (!isUnderWay(page))
    return known.phase === "not_sent" ? { ...asked, phase: "unanswered", note: null } : settled(asked);
  if (page.seq < known.seq || isFinished(known)) return asked;
  const { phase, answer, seq, position } = page;
  return withHeld({ ...asked, phase, answer, seq, position, note: null });
}

/** A turn of which neither this connection nor the history says that it still goes on. */
function settled(turn: Turn): Turn {
  if (turn.live || !isUnderWay(turn)) return turn;
  return { ...turn, phase: turn.answer === "" ? "unanswered" : "interrupted" };
}

function turnsOf({ messages, running, waiting }: ChatHistoryAnswer): Turn[] {
  const turns = new Map<string, Turn>();
  const turnOf = (runId: string) => turns.get(runId) ?? newTurn(runId);
  for (const message of messages) turns.set(message.runId, withMessage(turnOf(message.runId), message));
  const underWay = [
    ...(running === null ? [] : [{ ...running, phase: "running" as const, position: 0 }]),
    ...waiting.map((turn) => ({ ...turn, phase: "queued" as const, text: "" })),
  ];
  for (const { runId, phase, seq, position, text } of underWay)
    if (!isFinished(turnOf(runId)))
      turns.set(runId, { ...turnOf(runId), phase, seq, position, answer: text });
  return [...turns.values()];
}

function oldestOf(answer: ChatHistoryAnswer): string | null {
  return answer.hasMore ? (answer.messages[0]?.id ?? null) : null;
}
