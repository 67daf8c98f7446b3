// The conversation as a scrolled list. It stays at the newest word while the reader is there, and stands still while
// they read further up, also when earlier messages come in above.
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { ChatState, Turn } from "../client/index.ts";
import { CONVERSATION_ID } from "./focus-place.ts";
import { TurnItem } from "./turn-item.tsx";
import type { Link } from "./turn-words.ts";

type Props = {
  readonly chat: ChatState;
  readonly agentName: string;
  readonly link: Link;
  readonly sendAgain: (turn: Turn) => void;
  readonly askAgain: (turn: Turn) => void;
  readonly edit: (turn: Turn) => void;
  readonly readEarlier: () => void;
};

/** Pixels from the end that still count as being there: a line of text. */
const NEAR_END = 40;
/** Pixels from the beginning at which earlier messages are asked for. */
const NEAR_START = 300;

export function Conversation({ chat, agentName, link, sendAgain, askAgain, edit, readEarlier }: Props) {
  const connected = link === "connected";
  const scroller = useRef<HTMLDivElement>(null);
  const list = useRef<HTMLOListElement>(null);
  /** The turn that was the first one. */
  const wasFirst = useRef("");
  const lastTop = useRef(0);
  const [atEnd, setAtEnd] = useState(true);
  const stay = useRef(atEnd);
  stay.current = atEnd;
  const toEnd = () => {
    const box = scroller.current;
    if (box !== null) box.scrollTop = box.scrollHeight;
  };
  // The button goes away with the press: the focus must not go with it.
  const toEndByButton = () => {
    toEnd();
    scroller.current?.focus();
  };
  const newest = chat.turns.at(-1);
  const justSent = newest?.phase === "sending" ? newest.runId : undefined;
  useLayoutEffect(() => {
    if (justSent !== undefined) toEnd();
  }, [justSent]);
  // Sizes are known only once something is in view, and change as words come or the window
  // turns: whoever is at the end stays there.
  useLayoutEffect(() => {
    const [box, inner] = [scroller.current, list.current];
    if (box === null || inner === null) return;
    const observer = new ResizeObserver(() => stay.current && toEnd());
    observer.observe(box);
    observer.observe(inner);
    return () => observer.disconnect();
  }, []);
  const first = chat.turns[0]?.runId ?? "";
  useLayoutEffect(() => {
    const [box, inner] = [scroller.current, list.current];
    if (box === null || inner === null) return;
    const known = chat.turns.findIndex(({ runId }) => runId === wasFirst.current);
    wasFirst.current = first;
    // Browsers keep the place by themselves, but not at the very beginning.
    const moved = known > 0 ? topOf(inner, known) - topOf(inner, 0) : 0;
    if (moved > 0 && !stay.current && box.scrollTop === 0) box.scrollTop = moved;
  }, [first]);
  const onScroll = () => {
    const box = scroller.current;
    if (box === null) return;
    const isNearEnd = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_END;
    // Only a step upwards leaves the end: words that come in push it away without anybody having scrolled.
    if (isNearEnd || box.scrollTop < lastTop.current) setAtEnd(isNearEnd);
    lastTop.current = box.scrollTop;
    if (box.scrollTop < NEAR_START && box.scrollHeight > box.clientHeight) readEarlier();
  };
  return (
    <div class="conversation">
      <section
        id={CONVERSATION_ID}
        class="scroller"
        ref={scroller}
        onScroll={onScroll}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolled region must be reachable by keyboard
        tabIndex={0}
        aria-label="Conversation"
      >
        {chat.earlierThan !== null && (
          <button type="button" class="small" onClick={readEarlier} disabled={!connected}>
            Show earlier messages
          </button>
        )}
        {connected && !chat.loaded && <p class="quiet">Reading the history…</p>}
        {chat.loaded && chat.turns.length === 0 && (
          <p class="quiet">Nothing here yet.{connected && " Write the first message below."}</p>
        )}
        <ol class="turns" ref={list}>
          {chat.turns.map((turn) => (
            <TurnItem
              key={turn.runId}
              turn={turn}
              agentName={agentName}
              link={link}
              sendAgain={sendAgain}
              askAgain={askAgain}
              edit={edit}
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

function topOf(list: HTMLElement, index: number): number {
  return list.children[index]?.getBoundingClientRect().top ?? 0;
}
