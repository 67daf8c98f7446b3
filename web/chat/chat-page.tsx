// The chat page: sessions, heading and state, conversation, composer. Renders a view; decides nothing.
import { useCallback, useEffect, useMemo, useState } from "preact/hooks";
import { type ChatClient, type ChatView, isUnderWay, type Turn } from "../client/index.ts";
import { draftsOf } from "../page/drafts.ts";
import { Announcer } from "./announcer.tsx";
import { COMPOSER_ID, Composer } from "./composer.tsx";
import { Conversation } from "./conversation.tsx";
import { SessionActions } from "./session-actions.tsx";
import { SessionNav } from "./session-list.tsx";
import { sessionTitle } from "./session-name.ts";
import { StateLine } from "./state-line.tsx";

type Props = {
  readonly view: ChatView;
  readonly client: ChatClient;
  /** From the address. */
  readonly agent: string;
  /** Opens a session that does not exist yet. */
  readonly begin: () => void;
};

const SESSIONS_ID = "sessions";
const TOGGLE_ID = "sessions-toggle";

export function ChatPage({ view, client, agent, begin }: Props) {
  const { connection, chat, sessions, sessionKey, userId } = view;
  const [listed, setListed] = useState(false);
  const drafts = useMemo(() => draftsOf(userId), [userId]);
  const sendAgain = useCallback((turn: Turn) => withFocus(() => client.sendAgain(turn)), [client]);
  const askAgain = useCallback((turn: Turn) => withFocus(() => client.send(turn.question ?? "")), [client]);
  // On a narrow window the list closes, and with it the link that had the focus.
  const onChosen = useCallback(() => {
    setListed(false);
    focusOn(TOGGLE_ID);
  }, []);
  const beginHere = useCallback(() => {
    setListed(false);
    withFocus(begin);
  }, [begin]);
  const name = view.agent?.name ?? agent;
  const session = sessions.entries.find(({ key }) => key === sessionKey);
  const title = sessionTitle(session);
  const over = connection.kind === "signed_out" || connection.kind === "refused";
  useEffect(() => {
    document.title = `${title} · ${name} · Gatehouse`;
  }, [title, name]);
  return (
    <>
      <div class={listed ? "sessions-place listed" : "sessions-place"}>
        <button
          type="button"
          id={TOGGLE_ID}
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
          skip={focusComposer}
        />
      </div>
      <div class="chat-place">
        <div class="chat-head">
          <h1>
            <bdi>{name}</bdi>
          </h1>
          <p class="session-title quiet">
            <bdi>{title}</bdi>
          </p>
          {session !== undefined && (
            <div class="actions">
              <SessionActions
                title={title}
                rename={client.rename}
                remove={client.deleteSession}
                onRemoved={focusComposer}
              />
            </div>
          )}
        </div>
        <StateLine connection={connection} connect={client.connect} />
        <Conversation
          key={sessionKey}
          chat={chat}
          agentName={name}
          connected={connection.kind === "connected"}
          sendAgain={sendAgain}
          askAgain={askAgain}
          readEarlier={client.readEarlier}
        />
        {chat.notice !== null && (
          <p class="notice" role="alert">
            <bdi>{chat.notice}</bdi>
          </p>
        )}
        <Composer
          agentName={name}
          userId={userId}
          sessionKey={sessionKey}
          drafts={drafts}
          disabled={over}
          canStop={connection.kind === "connected" && chat.turns.some(isUnderWay)}
          send={client.send}
          stop={client.stop}
        />
        <Announcer key={sessionKey} turns={chat.turns} agentName={name} />
      </div>
    </>
  );
}

// The button that did it goes away: the focus must not go with it.
function withFocus(act: () => void): void {
  act();
  focusComposer();
}

function focusComposer(): void {
  focusOn(COMPOSER_ID);
}

/** Nothing happens to an element that is not shown. */
function focusOn(id: string): void {
  document.getElementById(id)?.focus();
}
