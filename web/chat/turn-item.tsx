// One question and its answer. Text from people and models is only ever a text node, isolated so that its
// direction marks end with it.
import { useMemo } from "preact/hooks";
import type { Turn } from "../client/chat-state.ts";

type Props = {
  readonly turn: Turn;
  readonly agentName: string;
  readonly connected: boolean;
  readonly sendAgain: (turn: Turn) => void;
};

export function TurnItem({ turn, agentName, connected, sendAgain }: Props) {
  // The same element again makes Preact skip a turn that has not changed, which is all but one.
  return useMemo(() => {
    const words = wordsFor(turn, connected);
    return (
      <li class="turn">
        {turn.question !== null && (
          <div class="question">
            <p class="speaker">You</p>
            <div class="text" dir="auto">
              {turn.question}
            </div>
          </div>
        )}
        {(turn.answer !== "" || words !== null) && (
          <div class="answer" aria-busy={turn.phase === "running"}>
            {turn.answer !== "" && (
              <>
                <p class="speaker">
                  <bdi>{agentName}</bdi>
                </p>
                <div class="text" dir="auto">
                  {turn.answer}
                </div>
              </>
            )}
            {words !== null && (
              <p class={`turn-state turn-${turn.phase}`}>
                <bdi>{words}</bdi>
              </p>
            )}
            {turn.phase === "not_sent" && (
              <button type="button" onClick={() => sendAgain(turn)}>
                Send again
              </button>
            )}
          </div>
        )}
      </li>
    );
  }, [turn, agentName, connected, sendAgain]);
}

function wordsFor(turn: Turn, connected: boolean): string | null {
  switch (turn.phase) {
    case "sending":
      return connected ? "Sending…" : "Will be sent when the connection is back.";
    case "not_sent":
      return `Not sent: ${turn.note}`;
    case "accepted":
      return "Waiting for the answer…";
    case "queued":
      return turn.position === 0 ? "Waiting: next in line." : `Waiting: ${turn.position} before this one.`;
    case "running":
      return connected ? "Answering…" : "The answer goes on when the connection is back.";
    case "done":
      return null;
    case "stopped":
      return "Stopped.";
    case "failed":
      return turn.note === null ? "The answer failed." : `The answer failed: ${turn.note}`;
    case "interrupted":
      return "Interrupted: the rest of this answer is lost. Ask again.";
    case "unanswered":
      return "No answer yet.";
  }
}
