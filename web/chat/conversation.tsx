// The conversation as a scrolled list. It stays at the newest word while the reader is there, and stands
// still while they read further up.
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { ChatState, Turn } from "../client/chat-state.ts";
import { TurnItem } from "./turn-item.tsx";

type Props = {
  readonly chat: ChatState;
  readonly agentName: string;
  readonly connected: boolean;
  readonly sendAgain: (turn: Turn) => void;
  readonly readEarlier: () => void;
};

/** Pixels from the end that still count as being there: a line of text. */
const NEAR_END = 40;

export function Conversation({ chat, agentName, connected, sendAgain, readEarlier }: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const [atEnd, setAtEnd] = useState(true);
  // The button goes away with the press: the focus must not go with it.
  const toEndByButton = () => {
    toEnd();
    scroller.current?.focus();
  };
  const newest = chat.turns.at(-1);
  const justSent = newest?.phase === "sending" ? newest.runId : undefined;
  const toEnd = () => {
    const box = scroller.current;
    if (box !== null) box.scrollTop = box.scrollHeight;
  };
  useLayoutEffect(() => {
    if (justSent !== undefined) toEnd();
  }, [justSent]);
  useLayoutEffect(() => {
    if (atEnd) toEnd();
  });
  const onScroll = () => {
    const box = scroller.current;
    if (box !== null) setAtEnd(box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_END);
  };
  return (
    <div class="conversation">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolled region must be reachable by keyboard */}
      <section class="scroller" ref={scroller} onScroll={onScroll} tabIndex={0} aria-label="Conversation">
        {chat.earlierThan !== null && (
          <button type="button" onClick={readEarlier} disabled={!connected}>
            Show earlier messages
          </button>
        )}
        {connected && !chat.loaded && <p class="quiet">Reading the history…</p>}
        {chat.loaded && chat.turns.length === 0 && (
          <p class="quiet">Nothing here yet. Write the first message below.</p>
        )}
        <ol class="turns">
          {chat.turns.map((turn) => (
            <TurnItem
              key={turn.runId}
              turn={turn}
              agentName={agentName}
              connected={connected}
              sendAgain={sendAgain}
            />
          ))}
        </ol>
      </section>
      {!atEnd && (
        <button type="button" class="to-end" onClick={toEndByButton}>
          Newest message
        </button>
      )}
    </div>
  );
}
