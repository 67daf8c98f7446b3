// The turns that run at this moment, as front doors are told of them: whoever drains this endpoint waits for them.
import type { GatewayControlFrame } from "../../core/control-channel.ts";
import type { AgentId, UserId } from "../../core/ids.ts";

export type TurnFrame = Extract<GatewayControlFrame, { type: "turn_started" | "turn_ended" }>;

export type RunningTurns = {
  /** @returns the function to be called when it has ended */
  started(user: UserId, agent: AgentId): () => void;
  /** The frames that a front door must be sent to know all of them. */
  frames(): readonly TurnFrame[];
};

export function createRunningTurns(tell: (frame: TurnFrame) => void): RunningTurns {
  const running = new Map<string, TurnFrame>();
  let count = 0;
  return {
    started(user, agent) {
      // A name of our own: people choose the ids of their runs, and two may choose alike.
      count += 1;
      const runId = `turn-${count}`;
      const frame: TurnFrame = { type: "turn_started", runId, user, agent };
      running.set(runId, frame);
      tell(frame);
      return () => {
        running.delete(runId);
        tell({ type: "turn_ended", runId });
      };
    },
    frames: () => [...running.values()],
  };
}
