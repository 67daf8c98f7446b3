// Runs one turn: shows the agent its conversation, passes on what it says, and keeps the answer. Whatever happens,
// the turn ends with exactly one of final, aborted and error; it never throws.
import type { Clock } from "../../core/clock.ts";
import type { ChatMessage, TokenUsage } from "../../core/gateway-protocol.ts";
import type { Log } from "../../core/log.ts";
import type { Agent } from "../agents/agent.ts";
import type { SessionStore } from "../session/session-store.ts";
import { conversationUpTo } from "./conversation.ts";
import type { LiveTurn, TurnNews } from "./live-turn.ts";
import { untilAborted } from "./until-aborted.ts";

export type RunTurnDeps = {
  readonly agent: Agent;
  readonly store: SessionStore;
  readonly clock: Clock;
  readonly newId: () => string;
  readonly log: Log;
  readonly tell: (turn: LiveTurn, news: TurnNews) => void;
  /** The turn's last event, in the very step in which its answer becomes part of the history. */
  readonly end: (turn: LiveTurn, news: TurnNews) => void;
};

type Outcome = { readonly usage: TokenUsage | undefined; readonly failure: string | undefined };

const AGENT_FAULT = "The agent failed. It has been logged; try again.";
const NOT_KEPT = "The answer could not be stored. Try again.";

export async function runTurn(turn: LiveTurn, deps: RunTurnDeps): Promise<void> {
  const { usage, failure } = await converse(turn, deps);
  const stopReason = turn.abort.signal.aborted ? "aborted" : failure === undefined ? "stop" : "error";
  const message: ChatMessage = {
    id: deps.newId(),
    role: "assistant",
    content: [{ type: "text", text: turn.answer }],
    timestamp: deps.clock.now(),
    runId: turn.request.runId,
    stopReason,
    ...(usage === undefined ? {} : { usage }),
  };
  // Half an answer is kept too; nothing at all is only worth a line when it is the agent's whole answer.
  if (stopReason !== "stop" && turn.answer === "") return deps.end(turn, newsOf(stopReason, null, failure));
  try {
    await deps.store.append(turn.request.identity, message, () => {
      deps.end(
        turn,
        stopReason === "stop" ? { state: "final", message } : newsOf(stopReason, message, failure),
      );
    });
  } catch (error) {
    deps.log.error({ err: error, runId: turn.request.runId }, "an answer could not be stored");
    deps.end(turn, newsOf("error", null, NOT_KEPT));
  }
}

async function converse(turn: LiveTurn, { agent, store, tell, log }: RunTurnDeps): Promise<Outcome> {
  const { identity, runId, agent: profile, speaker } = turn.request;
  let usage: TokenUsage | undefined;
  try {
    const session = (await store.sessionsOf(identity.userId)).find(identity);
    if (session === undefined) throw new Error("a turn without a history");
    const conversation = conversationUpTo(await store.read(session), runId);
    const { signal } = turn.abort;
    for await (const piece of untilAborted(
      agent.answer({ agent: profile, speaker, conversation }, signal),
      signal,
    )) {
      if (piece.kind === "failed") return { usage, failure: piece.message };
      if (piece.kind === "usage") usage = piece.usage;
      else if (piece.text !== "") {
        turn.answer += piece.text;
        tell(turn, { state: "delta", deltaText: piece.text });
      }
    }
    return { usage, failure: undefined };
  } catch (error) {
    log.error({ err: error, runId }, "a turn failed");
    return { usage, failure: AGENT_FAULT };
  }
}

function newsOf(
  stopReason: "aborted" | "error",
  message: ChatMessage | null,
  failure: string | undefined,
): TurnNews {
  if (stopReason === "aborted") return { state: "aborted", message };
  return { state: "error", errorMessage: failure ?? AGENT_FAULT, message };
}
