// Runs one turn: shows the agent its conversation, passes on what it says, and keeps the answer. Whatever happens,
// the turn ends with exactly one of final, aborted and error; it never throws.
import type { TokenUsage } from "../../core/gateway-protocol.ts";
import type { Agent } from "../agents/agent.ts";
import { conversationUpTo } from "./conversation.ts";
import { type EndTurnDeps, endTurn, type TurnEnd } from "./end-turn.ts";
import type { LiveTurn, TurnNews } from "./live-turn.ts";
import { untilAborted } from "./until-aborted.ts";

export type RunTurnDeps = EndTurnDeps & {
  readonly agent: Agent;
  readonly tell: (turn: LiveTurn, news: TurnNews) => void;
};

type Outcome = { readonly usage: TokenUsage | undefined; readonly failure: string | undefined };

const AGENT_FAULT = "The agent failed. It has been logged; try again.";

export async function runTurn(turn: LiveTurn, deps: RunTurnDeps): Promise<void> {
  const { usage, failure } = await converse(turn, deps);
  await endTurn(turn, { usage, ...endOf(turn, failure) }, deps);
}

function endOf({ abort }: LiveTurn, failure: string | undefined): TurnEnd {
  if (abort.signal.aborted) return { stopReason: "aborted" };
  return failure === undefined ? { stopReason: "stop" } : { stopReason: "error", failure };
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
