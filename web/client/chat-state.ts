// The conversation as a pure function of what was sent and received. Every word appears once: events of a run
// are applied in the order of `seq`, and `chat.history` closes whatever gap a lost connection left. No I/O.
import type { ChatEvent, ChatHistoryAnswer, ChatMessage } from "../../core/gateway-protocol.ts";

export type TurnPhase =
  /** Ours, not yet acknowledged: sent again after a reconnect, with the same key. */
  | "sending"
  | "not_sent"
  | "accepted"
  | "queued"
  | "running"
  | "done"
  | "stopped"
  | "failed"
  /** It ran, and the gateway no longer knows of it. */
  | "interrupted"
  /** The history has the question only. */
  | "unanswered";

export type Turn = {
  /** Also the idempotency key of the message that started it. */
  readonly runId: string;
  /** null until the history tells: another window may have asked. */
  readonly question: string | null;
  readonly answer: string;
  readonly phase: TurnPhase;
  /** Turns before this one, while queued. */
  readonly position: number;
  /** Why it was not sent, or failed. */
  readonly note: string | null;
  /** Number of the newest event that `answer` contains; 0 before the first. */
  readonly seq: number;
  /** Events that came after a missing one, waiting for it. */
  readonly held: readonly ChatEvent[];
  /** Heard of over the present connection. */
  readonly live: boolean;
};

export type ChatState = {
  readonly turns: readonly Turn[];
  /** False until the first history. */
  readonly loaded: boolean;
  /** Message id before which the gateway has more; null: nothing earlier. */
  readonly earlierThan: string | null;
  /** Something is missing: ask for the history. */
  readonly stale: boolean;
  /** What went wrong last with reading or stopping. */
  readonly notice: string | null;
};

export type ChatAction =
  | { readonly type: "connected" }
  | { readonly type: "asking" }
  | { readonly type: "history"; readonly answer: ChatHistoryAnswer }
  | { readonly type: "earlier"; readonly answer: ChatHistoryAnswer }
  | { readonly type: "event"; readonly event: ChatEvent }
  | { readonly type: "sending"; readonly runId: string; readonly text: string }
  | { readonly type: "accepted"; readonly runId: string; readonly isNew: boolean }
  | { readonly type: "not_sent"; readonly runId: string; readonly reason: string }
  | { readonly type: "notice"; readonly text: string | null };

export const EMPTY_CHAT: ChatState = {
  turns: [],
  loaded: false,
  earlierThan: null,
  stale: true,
  notice: null,
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
    case "earlier":
      return withEarlier(state, action.answer);
    case "event":
      return withEvent(state, action.event);
    case "sending":
      return withTurn(state, action.runId, (turn) => ({
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
    case "notice":
      return { ...state, notice: action.text };
  }
}

/** True while there is something to stop. */
export function isUnderWay(turn: Turn): boolean {
  return turn.phase === "accepted" || turn.phase === "queued" || turn.phase === "running";
}

function isFinished(turn: Turn): boolean {
  return turn.phase === "done" || turn.phase === "stopped" || turn.phase === "failed";
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

function afterEvent(turn: Turn, event: ChatEvent): Turn {
  if (isFinished(turn)) return turn;
  // The last event of a run carries the whole answer, so it needs no event before it.
  const isLast = event.state === "final" || event.state === "aborted" || event.state === "error";
  if (isLast) return finished(turn, event);
  if (event.seq <= turn.seq) return turn;
  if (event.seq === turn.seq + 1) return withHeld(applied(turn, event));
  return { ...turn, held: [...turn.held, event].sort((one, other) => one.seq - other.seq) };
}

function applied(turn: Turn, event: ChatEvent): Turn {
  const heard = { ...turn, seq: event.seq, note: null };
  if (event.state === "queued") return { ...heard, phase: "queued", position: event.position };
  if (event.state !== "delta") return heard;
  return { ...heard, phase: "running", answer: turn.answer + event.deltaText };
}

function finished(turn: Turn, event: ChatEvent & { state: "final" | "aborted" | "error" }): Turn {
  return {
    ...turn,
    phase: event.state === "final" ? "done" : event.state === "aborted" ? "stopped" : "failed",
    note: event.state === "error" ? event.errorMessage : null,
    answer: event.message === null ? turn.answer : textOf(event.message),
    seq: event.seq,
    held: [],
  };
}

/** Applies the held events that now follow on. */
function withHeld(turn: Turn): Turn {
  let next: Turn = { ...turn, held: [] };
  const held: ChatEvent[] = [];
  for (const event of turn.held) {
    if (event.seq <= next.seq) continue;
    if (event.seq === next.seq + 1) next = applied(next, event);
    else held.push(event);
  }
  return { ...next, held };
}

function withHistory(state: ChatState, answer: ChatHistoryAnswer): ChatState {
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
    notice: null,
  };
}

function withEarlier(state: ChatState, answer: ChatHistoryAnswer): ChatState {
  const page = new Map(turnsOf({ ...answer, running: null }).map((turn) => [turn.runId, turn]));
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
  if (page.phase === "running" && page.seq >= known.seq)
    return withHeld({ ...asked, phase: "running", answer: page.answer, seq: page.seq });
  if (known.phase === "not_sent") return { ...asked, phase: "unanswered", note: null };
  return page.phase === "running" ? asked : settled(asked);
}

/** A turn of which neither this connection nor the history says that it still goes on. */
function settled(turn: Turn): Turn {
  if (turn.live || !isUnderWay(turn)) return turn;
  return { ...turn, phase: turn.answer === "" ? "unanswered" : "interrupted" };
}

function turnsOf(answer: ChatHistoryAnswer): Turn[] {
  const turns = new Map<string, Turn>();
  for (const message of answer.messages) {
    const turn = turns.get(message.runId) ?? newTurn(message.runId);
    turns.set(message.runId, withMessage(turn, message));
  }
  const { running } = answer;
  if (running !== null) {
    const turn = turns.get(running.runId) ?? newTurn(running.runId);
    if (!isFinished(turn))
      turns.set(running.runId, { ...turn, phase: "running", answer: running.text, seq: running.seq });
  }
  return [...turns.values()];
}

function withMessage(turn: Turn, message: ChatMessage): Turn {
  if (message.role === "user") return { ...turn, question: textOf(message) };
  const phase =
    message.stopReason === "aborted" ? "stopped" : message.stopReason === "error" ? "failed" : "done";
  return { ...turn, answer: textOf(message), phase };
}

function newTurn(runId: string): Turn {
  return {
    runId,
    question: null,
    answer: "",
    phase: "unanswered",
    position: 0,
    note: null,
    seq: 0,
    held: [],
    live: false,
  };
}

function textOf(message: ChatMessage): string {
  return message.content.map((part) => part.text).join("");
}

function oldestOf(answer: ChatHistoryAnswer): string | null {
  return answer.hasMore ? (answer.messages[0]?.id ?? null) : null;
}
