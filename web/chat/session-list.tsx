// The person's sessions with this agent, as links: a thousand of them cost no more than those in view.
import { useMemo } from "preact/hooks";
import type { SessionList } from "../client/index.ts";
import { timeText } from "../page/time-text.ts";
import { fragmentOf, sessionTitle } from "./session-name.ts";

type Props = {
  readonly id: string;
  readonly sessions: SessionList;
  readonly open: string;
  /** A session was chosen. */
  readonly onChosen: () => void;
  readonly begin: () => void;
  /** Past the list: by the keyboard, a thousand links would be in the way. */
  readonly skip: () => void;
};

export function SessionNav({ id, sessions, open, onChosen, begin, skip }: Props) {
  return useMemo(() => {
    const isNew = sessions.loaded && !sessions.entries.some(({ key }) => key === open);
    return (
      <nav id={id} class="sessions" aria-label="Sessions">
        <button type="button" onClick={begin}>
          New session
        </button>
        {sessions.entries.length > 1 && (
          <button type="button" class="visually-hidden skip" onClick={skip}>
            Skip the sessions
          </button>
        )}
        <ul>
          {isNew && <Entry title={sessionTitle(undefined)} sessionKey={open} isOpen onChosen={onChosen} />}
          {sessions.entries.map((session) => (
            <Entry
              key={session.key}
              title={sessionTitle(session)}
              sessionKey={session.key}
              updatedAt={session.updatedAt}
              isOpen={session.key === open}
              onChosen={onChosen}
            />
          ))}
        </ul>
      </nav>
    );
  }, [id, sessions, open, onChosen, begin, skip]);
}

type EntryProps = Pick<Props, "onChosen"> & {
  readonly title: string;
  readonly sessionKey: string;
  /** Two of one title are told apart by it. */
  readonly updatedAt?: number;
  readonly isOpen: boolean;
};

function Entry({ title, sessionKey, updatedAt, isOpen, onChosen }: EntryProps) {
  return (
    <li>
      <a href={fragmentOf(sessionKey)} onClick={onChosen} aria-current={isOpen ? "page" : undefined}>
        <bdi>{title}</bdi>
        {updatedAt !== undefined && (
          <>
            {" "}
            <span class="session-time quiet">{timeText(updatedAt)}</span>
          </>
        )}
      </a>
    </li>
  );
}
