// One question with its answer, as a pure function of the events of its run. Every word appears once: events are
// applied in the order of `seq`, and those that come after a missing one wait for it. No I/O.
import type { ChatEvent, ChatMessage, TokenUsage } from "../../core/gateway-protocol.ts";

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
  /** In line while queued, 1 = next. */
  readonly position: number;
  /** Why it was not sent, or failed. */
  readonly note: string | null;
  /** null: nobody told. */
  readonly usage: TokenUsage | null;
  /** Number of the newest event that `answer` contains; 0 before the first. */
  readonly seq: number;
  /** Events that came after a missing one, waiting for it. */
  readonly held: readonly ChatEvent[];
  /** Heard of over the present connection. */
  readonly live: boolean;
};

export function newTurn(runId: string): Turn {
  return {
    runId,
    question: null,
    answer: "",
    phase: "unanswered",
    position: 0,
    note: null,
    usage: null,
    seq: 0,
    held: [],
    live: false,
  };
}

/** True while there is something to stop. */
export function isUnderWay({ phase }: Turn): boolean {
  return phase === "accepted" || phase === "queued" || phase === "running";
}

export function isFinished({ phase }: Turn): boolean {
  return phase === "done" || phase === "stopped" || phase === "failed";
}

export function afterEvent(turn: Turn, event: ChatEvent): Turn {
  if (isFinished(turn)) return turn;
  // The last event of a run carries the whole answer, so it needs no event before it.
  const isLast = event.state === "final" || event.state === "aborted" || event.state === "error";
  if (isLast) return finished(turn, event);
  if (event.seq <= turn.seq) return turn;
  if (event.seq === turn.seq + 1) return withHeld(applied(turn, event));
  return { ...turn, held: [...turn.held, event].sort((one, other) => one.seq - other.seq) };
}

/** Applies the held events that now follow on. */
export function withHeld(turn: Turn): Turn {
  let next: Turn = { ...turn, held: [] };
  const held: ChatEvent[] = [];
  for (const event of turn.held) {
    if (event.seq <= next.seq) continue;
    if (event.seq === next.seq + 1) next = applied(next, event);
    else held.push(event);
  }
  return { ...next, held };
}

/** A message of the history, put where it belongs. */
export function withMessage(turn: Turn, message: ChatMessage): Turn {
  if (message.role === "user") return { ...turn, question: textOf(message) };
  const phase =
    message.stopReason === "aborted" ? "stopped" : message.stopReason === "error" ? "failed" : "done";
  const note = message.errorMessage ?? null;
  return { ...turn, answer: textOf(message), usage: message.usage ?? null, phase, note };
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
    usage: event.message?.usage ?? null,
    seq: event.seq,
    held: [],
  };
}

function textOf(message: ChatMessage): string {
  return message.content.map((part) => part.text).join("");
}
