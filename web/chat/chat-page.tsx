// The chat page: sessions, heading and state, conversation, composer. Renders a view; decides nothing.
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { type ChatClient, type ChatView, isUnderWay, type Turn } from "../client/index.ts";
import { draftsOf } from "../page/drafts.ts";
import { Announcer } from "./announcer.tsx";
import { Composer, putIntoMessage } from "./composer.tsx";
import { Conversation } from "./conversation.tsx";
import { focusAfterPress, focusOpened, HEADING_ID, TITLE_ID } from "./focus-place.ts";
import { SessionActions } from "./session-actions.tsx";
import { SessionNav } from "./session-list.tsx";
import { sessionTitle } from "./session-name.ts";
import { StateLine } from "./state-line.tsx";

type Props = {
  readonly view: ChatView;
  readonly client: ChatClient;
  /** What is called so before a gateway has said more. */
  readonly agentName: string;
  /** Opens a session that does not exist yet. */
  readonly begin: () => void;
};

const SESSIONS_ID = "sessions";

export function ChatPage({ view, client, agentName, begin }: Props) {
  const { connection, chat, sessions, sessionKey, userId } = view;
  const [listed, setListed] = useState(false);
  const drafts = useMemo(() => draftsOf(userId), [userId]);
  const sendAgain = useCallback(
    (turn: Turn) => {
      client.sendAgain(turn);
      focusAfterPress();
    },
    [client],
  );
  const askAgain = useCallback(
    (turn: Turn) => {
      client.send(turn.question ?? "");
      focusAfterPress();
    },
    [client],
  );
  const edit = useCallback(
    (turn: Turn) => {
      putIntoMessage(turn.question ?? "");
      client.takeBack(turn);
    },
    [client],
  );
  // The one that is open already, perhaps: nothing else would take the focus from a list that closes.
  const onChosen = useCallback(() => {
    setListed(false);
    focusOpened();
  }, []);
  const beginHere = useCallback(() => {
    setListed(false);
    begin();
  }, [begin]);
  const isFirst = useRef(true);
  useLayoutEffect(() => {
    // Who is somewhere already when the page comes to life stays there.
    if (!isFirst.current || document.activeElement === document.body) focusOpened();
    isFirst.current = false;
  }, [sessionKey]);
  const name = view.agent?.name ?? agentName;
  const session = sessions.entries.find(({ key }) => key === sessionKey);
  // Before they are listed nobody knows whether it is a new one.
  const title = sessions.loaded || session !== undefined ? sessionTitle(session) : null;
  const over = connection.kind === "signed_out" || connection.kind === "refused";
  useEffect(() => {
    document.title = [title, name, "Gatehouse"].filter((part) => part !== null).join(" · ");
  }, [title, name]);
  return (
    <>
      <div class={listed ? "sessions-place listed" : "sessions-place"}>
        <button
          type="button"
          id="sessions-toggle"
          class="small"
          aria-expanded={listed}
          aria-controls={SESSIONS_ID}
          onClick={() => setListed(!listed)}
        >
          Sessions
        </button>
        <SessionNav
          id={SESSIONS_ID}
          sessions={sessions}
          open={sessionKey}
          onChosen={onChosen}
          begin={beginHere}
          skip={focusOpened}
        />
      </div>
      <div class="chat-place">
        <div class="chat-head">
          <h1 id={HEADING_ID} tabIndex={-1}>
            <bdi>{name}</bdi>
            {title !== null && <span class="visually-hidden">, session </span>}
            <bdi id={TITLE_ID} class="session-title quiet">
              {title}
            </bdi>
          </h1>
          {session !== undefined && title !== null && (
            <div class="actions">
              <SessionActions
                title={title}
                offered={!over}
                rename={client.rename}
                remove={client.deleteSession}
                onRemoved={focusOpened}
              />
            </div>
          )}
        </div>
        <StateLine connection={connection} connect={client.connect} />
        <Conversation
          key={sessionKey}
          chat={chat}
          agentName={name}
          link={connection.kind}
          sendAgain={sendAgain}
          askAgain={askAgain}
          edit={edit}
          readEarlier={client.readEarlier}
        />
        {chat.notice !== null && (
          <p class="chat-notice" role="alert">
            <bdi>{chat.notice}</bdi>
          </p>
        )}
        <Composer
          agentName={name}
          userId={userId}
          sessionKey={sessionKey}
          drafts={drafts}
          disabled={over}
          stoppable={connection.kind === "connected" ? chat.turns.filter(isUnderWay).length : 0}
          send={client.send}
          stop={client.stop}
        />
        <Announcer key={sessionKey} turns={chat.turns} agentName={name} />
      </div>
    </>
  );
}
