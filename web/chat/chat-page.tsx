// The chat page: heading and state, conversation, composer. Renders a view; decides nothing.
import { useEffect } from "preact/hooks";
import type { ChatClient, ChatView } from "../client/chat-client.ts";
import { isUnderWay } from "../client/chat-state.ts";
import { Announcer } from "./announcer.tsx";
import { Composer } from "./composer.tsx";
import { Conversation } from "./conversation.tsx";
import { StateLine } from "./state-line.tsx";

type Props = {
  readonly view: ChatView;
  readonly client: ChatClient;
  /** From the address. */
  readonly agent: string;
};

export function ChatPage({ view, client, agent }: Props) {
  const { connection, chat } = view;
  const name = view.agent?.name ?? agent;
  const over = connection.kind === "signed_out" || connection.kind === "refused";
  useEffect(() => {
    document.title = `${name} · Gatehouse`;
  }, [name]);
  return (
    <>
      <div class="chat-head">
        <h1>
          <bdi>{name}</bdi>
        </h1>
        <StateLine connection={connection} connect={client.connect} />
      </div>
      <Conversation
        chat={chat}
        agentName={name}
        connected={connection.kind === "connected"}
        sendAgain={client.sendAgain}
        readEarlier={client.readEarlier}
      />
      {chat.notice !== null && (
        <p class="notice" role="alert">
          <bdi>{chat.notice}</bdi>
        </p>
      )}
      <Composer
        agentName={name}
        disabled={over}
        canStop={connection.kind === "connected" && chat.turns.some(isUnderWay)}
        send={client.send}
        stop={client.stop}
      />
      <Announcer turns={chat.turns} agentName={name} />
    </>
  );
}
