// What a screen reader says by itself: that an answer has begun, and the answer once it is whole. Never the
// words as they stream in: that would talk over everything else.
import { useEffect, useRef, useState } from "preact/hooks";
import type { Turn, TurnPhase } from "../client/index.ts";

type Props = { readonly turns: readonly Turn[]; readonly agentName: string };

/** Characters read aloud; the rest is in the conversation. */
const LONGEST = 1_000;

export function Announcer({ turns, agentName }: Props) {
  const heard = useRef(new Map<string, TurnPhase>());
  const [words, setWords] = useState("");
  useEffect(() => {
    const before = heard.current;
    heard.current = new Map(turns.map((turn) => [turn.runId, turn.phase]));
    const changed = turns.filter(({ runId, phase }) => before.has(runId) && before.get(runId) !== phase);
    const news = changed.map((turn) => wordsFor(turn, agentName)).filter((text) => text !== "");
    if (news.length > 0) setWords([...new Set(news)].join(" "));
  }, [turns, agentName]);
  return (
    <p class="visually-hidden" role="status">
      {words === "" ? null : words}
    </p>
  );
}

function wordsFor(turn: Turn, agentName: string): string {
  switch (turn.phase) {
    case "running":
      return `${agentName} is answering.`;
    case "done":
      return turn.answer.length <= LONGEST
        ? `${agentName} answered: ${turn.answer}`
        : `${agentName} answered: ${turn.answer.slice(0, LONGEST)}… The rest is in the conversation.`;
    case "stopped":
      return "The answer was stopped.";
    case "failed":
    case "interrupted":
      return "The answer failed.";
    case "not_sent":
      return "The message was not sent.";
    default:
      return "";
  }
}
