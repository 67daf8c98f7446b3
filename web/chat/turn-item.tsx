// One question and its answer. Text from people and models is only ever a text node, isolated so that its
// direction marks end with it.
import { useMemo } from "preact/hooks";
import type { Turn } from "../client/index.ts";
import { Markdown } from "./markdown.tsx";
import { PlainText } from "./plain-text.tsx";

type Props = {
  readonly turn: Turn;
  readonly agentName: string;
  readonly connected: boolean;
  readonly sendAgain: (turn: Turn) => void;
  readonly askAgain: (turn: Turn) => void;
};

export function TurnItem({ turn, agentName, connected, sendAgain, askAgain }: Props) {
  // The same element again makes Preact skip a turn that has not changed, which is all but one.
  return useMemo(() => {
    const words = wordsFor(turn, connected);
    const isRunning = turn.phase === "running";
    return (
      <li class="turn">
        {turn.question !== null && (
          <div class="question">
            <h2 class="speaker">You</h2>
            <PlainText text={turn.question} />
          </div>
        )}
        {(turn.answer !== "" || words !== null) && (
          <div class="answer" aria-busy={isRunning}>
            {turn.answer !== "" && (
              <>
                <h2 class="speaker">
                  <bdi>{agentName}</bdi>
                </h2>
                <Markdown text={turn.answer} streaming={isRunning} />
              </>
            )}
            {words !== null && (
              <p class={`turn-state turn-${turn.phase}`}>
                <bdi>{words}</bdi>
              </p>
            )}
            {turn.usage !== null && <p class="usage quiet">{usageWords(turn.usage)}</p>}
            {turn.phase === "not_sent" && (
              <button type="button" class="small" onClick={() => sendAgain(turn)}>
                Send again
              </button>
            )}
            {mayBeAskedAgain(turn) && (
              <button type="button" class="small" onClick={() => askAgain(turn)}>
                Ask again
              </button>
            )}
          </div>
        )}
      </li>
    );
  }, [turn, agentName, connected, sendAgain, askAgain]);
}

function mayBeAskedAgain({ phase, question }: Turn): boolean {
  const isLost =
    phase === "failed" || phase === "stopped" || phase === "interrupted" || phase === "unanswered";
  return isLost && question !== null;
}

function usageWords({ input, output, estimated }: NonNullable<Turn["usage"]>): string {
  const [read, written] = [input.toLocaleString("en"), output.toLocaleString("en")];
  return estimated === true
    ? `About ${read} tokens read, ${written} written (estimated)`
    : `${read} tokens read, ${written} written`;
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
      return turn.position <= 1 ? "Waiting: next in line." : `Waiting: number ${turn.position} in line.`;
    case "running":
      return connected ? "Answering…" : "The answer goes on when the connection is back.";
    case "done":
      return null;
    case "stopped":
      return "Stopped.";
    case "failed":
      return turn.note === null ? "The answer failed." : `The answer failed: ${turn.note}`;
    case "interrupted":
      return "Interrupted: the rest of this answer is lost.";
    case "unanswered":
      return "No answer.";
  }
}
