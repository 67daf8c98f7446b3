// One turn from the moment it is accepted until it has ended: what it has said so far, and its numbered events.
import type { ChatEvent } from "../../core/gateway-protocol.ts";
import type { Caller } from "../admit/caller.ts";
import type { AgentProfile } from "../agents/agent.ts";
import { type SessionIdentity, sessionKeyOf } from "../session/session-key.ts";

export type TurnRequest = {
  readonly identity: SessionIdentity;
  readonly agent: AgentProfile;
  readonly speaker: Caller;
  /** The client's idempotency key. */
  readonly runId: string;
  readonly text: string;
};

export type LiveTurn = {
  readonly request: TurnRequest;
  readonly abort: AbortController;
  phase: "waiting" | "running";
  /** In line while it waits, 1 = next; 0 before it has a place. */
  position: number;
  /** Of its newest event; 0 before the first. */
  seq: number;
  /** The answer so far. */
  answer: string;
};

/** What a {@link ChatEvent} says beyond whose it is. */
export type TurnNews = ChatEvent extends infer Event
  ? Event extends ChatEvent
    ? Omit<Event, "runId" | "sessionKey" | "agentId" | "seq">
    : never
  : never;

export function createLiveTurn(request: TurnRequest): LiveTurn {
  return { request, abort: new AbortController(), phase: "waiting", position: 0, seq: 0, answer: "" };
}

/** Numbers and addresses the next event of a turn. */
export function nextEvent(turn: LiveTurn, news: TurnNews): ChatEvent {
  const { identity, runId } = turn.request;
  turn.seq += 1;
  return { runId, sessionKey: sessionKeyOf(identity), agentId: identity.agentId, seq: turn.seq, ...news };
}
