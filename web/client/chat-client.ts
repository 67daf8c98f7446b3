// The conversations with one agent over a connection that comes and goes: reads what is missing after every
// reconnect, sends again what was not acknowledged, and hands the page one view after each change. No DOM.
import type {
  AgentSummary,
  ChatSendAnswer,
  EventFrame,
  HelloOk,
  SessionsChangedEvent,
} from "../../core/gateway-protocol.ts";
import { createChatReading, wordsOf } from "./chat-reading.ts";
import { type ChatAction, type ChatState, EMPTY_CHAT, reduceChat } from "./chat-state.ts";
import type { ConnectionEnd } from "./connection.ts";
import { readChatEvent, readSessions, readSessionsChanged, readStopped } from "./frames.ts";
import { type ConnectionState, createGatewayClient, type GatewayClientDeps } from "./gateway-client.ts";
import { NO_SESSIONS, type SessionList, sessionListOf, withChange } from "./session-list.ts";
import type { Turn } from "./turn.ts";
import { changesUnsent, type Outbox, unsentOf } from "./unsent.ts";
import { isMove } from "./verdict.ts";

export type ChatView = {
  readonly connection: ConnectionState;
  /** As the gateway describes it; null before the first welcome. */
  readonly agent: AgentSummary | null;
  /** Who the gateway was told is speaking; null before the first welcome. */
  readonly userId: string | null;
  readonly sessions: SessionList;
  /** The session that is open. */
  readonly sessionKey: string;
  readonly chat: ChatState;
};

export type ChatClientDeps = GatewayClientDeps & {
  /** Unique and unguessable; becomes the idempotency key of a message. */
  readonly newId: () => string;
  readonly outbox: Outbox;
};

export type ChatClient = {
  /** Connects at once: at the start, instead of waiting, or after giving up. */
  connect(): void;
  /** After sleep, or when the network is back. */
  wake(): void;
  /** Opens a session; one that does not exist yet begins with its first message. */
  open(sessionKey: string): void;
  /** Names the open session, or takes its name away. Resolves to the words of a refusal, null when it is done. */
  rename(label: string | null): Promise<string | null>;
  /** Deletes the open session and opens the main one. Resolves as {@link ChatClient.rename} does. */
  deleteSession(): Promise<string | null>;
  /** Shows the message at once and sends it as soon as there is a connection. */
  send(text: string): void;
  /** Sends a message again that was not sent, under the same key. */
  sendAgain(turn: Turn): void;
  /** Takes a message that was not sent out of the conversation. */
  takeBack(turn: Turn): void;
  /** Stops every answer of the open session that is under way. */
  stop(): void;
  readEarlier(): void;
  close(): void;
};

/** Bytes of a `chat.send` frame beside the encoded message, at most. */
const FRAME_BYTES = 512;
const TOO_LONG = "it is too long for this gateway.";
const NO_CONNECTION = "There is no connection.";
const DELETED = "This session was deleted in another tab or on another device.";
const MOVED = "Your agent has moved. What was said before may have stayed where it ran.";

/** The session that an agent's page opens when it is told no other. */
export function mainSessionKey(agent: string): string {
  return `agent:${agent}:main`;
}

/**
 * @param url `wss://<front door>/agents/<agent>/ws`
 * @param onChange called with every new view, the first one during `connect`
 */
export function createChatClient(
  url: string,
  agent: string,
  deps: ChatClientDeps,
  onChange: (view: ChatView) => void,
): ChatClient {
  /** Every session that was opened. */
  const chats = new Map<string, ChatState>();
  let view: ChatView = {
    connection: { kind: "connecting" },
    agent: null,
    userId: null,
    sessions: NO_SESSIONS,
    sessionKey: mainSessionKey(agent),
    chat: EMPTY_CHAT,
  };
  let hello: HelloOk | undefined;
  let hasMoved = false;
  /** The session whose deletion was asked for here: the gateway tells of it as of any other. */
  let deleting: string | undefined;
  /** Told of since the list of sessions was asked for. */
  let changesSinceList: SessionsChangedEvent[] | undefined;

  const reading = createChatReading({
    request: (method, params) => gateway.request(method, params),
    connection: () => hello,
    chatOf,
    dispatch,
    after: deps.after,
  });
  const gateway = createGatewayClient(url, agent, deps, {
    state: (connection) => show({ connection }),
    welcomed,
    ended,
    event: heard,
  });

  function show(changes: Partial<ChatView>) {
    view = { ...view, ...changes };
    onChange(view);
  }

  function chatOf(key: string): ChatState {
    return chats.get(key) ?? EMPTY_CHAT;
  }

  function setChat(key: string, chat: ChatState) {
    chats.set(key, chat);
    if (key === view.sessionKey) show({ chat });
  }

  function dispatch(key: string, action: ChatAction) {
    setChat(key, reduceChat(chatOf(key), action));
    if (changesUnsent(action)) keepUnsent();
    if (action.type === "history" && hasMoved) {
      hasMoved = false;
      dispatch(key, { type: "notice", text: MOVED });
    }
    reading.readMissing(view.sessionKey);
  }

  function keepUnsent() {
    if (view.userId !== null) deps.outbox.keep(view.userId, unsentOf(chats));
  }

  function welcomed(welcome: HelloOk) {
    hello = welcome;
    const { user, agents } = welcome.snapshot;
    // Somebody else signed in meanwhile: nothing of the one before may be shown to them, or sent in their name.
    const isFirst = view.userId === null;
    if (!isFirst && view.userId !== user.id) forgetEverything();
    show({ agent: agents.find(({ id }) => id === agent) ?? view.agent, userId: user.id });
    for (const { sessionKey, runId, text, refusal } of isFirst ? deps.outbox.read(user.id) : []) {
      dispatch(sessionKey, { type: "sending", runId, text });
      if (refusal !== null) dispatch(sessionKey, { type: "not_sent", runId, reason: refusal });
    }
    for (const key of new Set([...chats.keys(), view.sessionKey])) dispatch(key, { type: "connected" });
    for (const [key, chat] of chats)
      for (const turn of chat.turns) if (turn.phase === "sending") void deliver(key, turn);
    void listSessions();
  }

  function forgetEverything() {
    chats.clear();
    show({ sessions: NO_SESSIONS, sessionKey: mainSessionKey(agent), chat: EMPTY_CHAT });
  }

  function ended(end: ConnectionEnd) {
    hello = undefined;
    hasMoved ||= isMove(end);
    reading.lost();
    // 1009: sending the same message again would only close the next connection too.
    if (end.code !== 1009) return;
    for (const [key, chat] of chats)
      for (const { runId, phase } of chat.turns)
        if (phase === "sending") dispatch(key, { type: "not_sent", runId, reason: TOO_LONG });
  }

  function heard({ event, payload }: EventFrame) {
    if (event === "chat") {
      const told = readChatEvent(payload);
      // One that was never opened is read from its history when it is.
      if (told !== undefined && chats.has(told.sessionKey))
        dispatch(told.sessionKey, { type: "event", event: told });
    }
    if (event !== "sessions.changed") return;
    const change = readSessionsChanged(payload);
    if (change?.agentId !== agent) return;
    changesSinceList?.push(change);
    show({ sessions: withChange(view.sessions, change) });
    if (change.session !== null || !chats.has(change.sessionKey)) return;
    const because = change.sessionKey === deleting ? null : DELETED;
    dispatch(change.sessionKey, { type: "deleted", because });
  }

  async function listSessions() {
    const changes: SessionsChangedEvent[] = [];
    changesSinceList = changes;
    const outcome = await gateway.request("sessions.list", {});
    if (changesSinceList !== changes) return;
    changesSinceList = undefined;
    const sessions = outcome.ok ? readSessions(outcome.value) : undefined;
    if (sessions !== undefined) show({ sessions: sessionListOf(sessions, agent, changes) });
  }

  async function deliver(key: string, { runId, question }: Pick<Turn, "runId" | "question">) {
    if (hello === undefined || question === null) return;
    if (encodedBytes(question) + FRAME_BYTES > hello.policy.maxPayload)
      return dispatch(key, { type: "not_sent", runId, reason: TOO_LONG });
    const params = { sessionKey: key, message: question, idempotencyKey: runId };
    const outcome = await gateway.request("chat.send", params);
    if (outcome.ok) {
      const { status } = outcome.value as ChatSendAnswer;
      return dispatch(key, { type: "accepted", runId, isNew: status === "started" || status === "queued" });
    }
    // A lost one stays "sending": the next welcome delivers it.
    if (outcome.error.kind === "refused")
      dispatch(key, { type: "not_sent", runId, reason: outcome.error.error.message });
  }

  function send(runId: string, question: string) {
    const key = view.sessionKey;
    dispatch(key, { type: "sending", runId, text: question });
    void deliver(key, { runId, question });
  }

  /** The words of a refusal; null when it was done. */
  async function change(method: string, params: Record<string, unknown>): Promise<string | null> {
    const outcome = await gateway.request(method, { key: view.sessionKey, ...params });
    return outcome.ok ? null : (wordsOf(outcome.error) ?? NO_CONNECTION);
  }

  function open(sessionKey: string) {
    show({ sessionKey });
    setChat(sessionKey, chatOf(sessionKey));
    reading.readMissing(sessionKey);
  }

  return {
    connect: gateway.connect,
    wake: gateway.wake,
    open,
    rename: (label) => change("sessions.patch", { label }),
    async deleteSession() {
      const key = view.sessionKey;
      deleting = key;
      const refusal = await change("sessions.delete", {});
      deleting = undefined;
      if (refusal !== null) return refusal;
      chats.delete(key);
      keepUnsent();
      if (view.sessionKey === key) open(mainSessionKey(agent));
      return null;
    },
    send(text) {
      if (text.trim() !== "") send(deps.newId(), text);
    },
    sendAgain({ runId, question }) {
      if (question !== null) send(runId, question);
    },
    takeBack: ({ runId }) => dispatch(view.sessionKey, { type: "taken_back", runId }),
    async stop() {
      const key = view.sessionKey;
      const waiting = chatOf(key).turns.filter(({ phase }) => phase === "queued");
      const outcome = await gateway.request("chat.abort", { sessionKey: key });
      if (!outcome.ok) {
        if (outcome.error.kind === "lost") return;
        return dispatch(key, {
          type: "notice",
          text: `Stopping did not work: ${outcome.error.error.message}`,
        });
      }
      const stopped = readStopped(outcome.value);
      const takenBack = waiting.filter(({ runId }) => stopped.includes(runId)).length;
      if (takenBack > 0) dispatch(key, { type: "notice", text: takenBackWords(takenBack) });
    },
    readEarlier: () => void reading.readEarlier(view.sessionKey),
    close() {
      reading.lost();
      gateway.close();
    },
  };
}

function takenBackWords(count: number): string {
  return count === 1
    ? "Stopped. A question that was waiting was taken back: it can be asked again where it stands."
    : `Stopped. ${count} questions that were waiting were taken back: each can be asked again where it stands.`;
}

function encodedBytes(text: string): number {
  return new TextEncoder().encode(JSON.stringify(text)).length;
}
