// One question and its answer. Text from people and models is only ever a text node, isolated so that its
// direction marks end with it.
import { useMemo } from "preact/hooks";
import type { Turn } from "../client/index.ts";
import { Markdown } from "./markdown.tsx";
import { PlainText } from "./plain-text.tsx";
import { type Link, turnWords } from "./turn-words.ts";

type Props = {
  readonly turn: Turn;
  readonly agentName: string;
  readonly link: Link;
  readonly sendAgain: (turn: Turn) => void;
  readonly askAgain: (turn: Turn) => void;
  readonly edit: (turn: Turn) => void;
};

export function TurnItem({ turn, agentName, link, sendAgain, askAgain, edit }: Props) {
  // The same element again makes Preact skip a turn that has not changed, which is all but one.
  return useMemo(() => {
    const words = turnWords(turn, link);
    const isRunning = turn.phase === "running" && link === "connected";
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
              <p class={isRunning ? "turn-state turn-live" : `turn-state turn-${turn.phase}`}>
                <bdi>{words}</bdi>
              </p>
            )}
            {turn.usage !== null && <p class="usage quiet">{usageWords(turn.usage)}</p>}
            {turn.phase === "not_sent" && (
              <div class="actions">
                <button type="button" class="small" onClick={() => sendAgain(turn)}>
                  Send again
                </button>
                <button type="button" class="small" onClick={() => edit(turn)}>
                  Edit
                </button>
              </div>
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
  }, [turn, agentName, link, sendAgain, askAgain, edit]);
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
