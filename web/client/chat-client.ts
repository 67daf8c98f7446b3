// A chat with one agent over a connection that comes and goes: reads the history after every reconnect,
// sends again what was not acknowledged, and hands the page one view after each change. No DOM.
import type {
  AgentSummary,
  ChatHistoryAnswer,
  ChatSendAnswer,
  HelloOk,
} from "../../core/gateway-protocol.ts";
import { type ChatAction, type ChatState, EMPTY_CHAT, reduceChat, type Turn } from "./chat-state.ts";
import type { ConnectionEnd, RequestFailure } from "./connection.ts";
import { readChatEvent, readHistory } from "./frames.ts";
import { type ConnectionState, createGatewayClient, type GatewayClientDeps } from "./gateway-client.ts";

export type ChatView = {
  readonly connection: ConnectionState;
  readonly chat: ChatState;
  /** As the gateway describes it; null before the first welcome. */
  readonly agent: AgentSummary | null;
};

export type ChatClientDeps = GatewayClientDeps & {
  /** Unique and unguessable; becomes the idempotency key of a message. */
  readonly newId: () => string;
};

export type ChatClient = {
  /** Connects at once: at the start, instead of waiting, or after giving up. */
  connect(): void;
  /** After sleep, or when the network is back. */
  wake(): void;
  /** Shows the message at once and sends it as soon as there is a connection. */
  send(text: string): void;
  /** Sends a message again that was not sent, under the same key. */
  sendAgain(turn: Turn): void;
  /** Stops every answer of this conversation that is under way. */
  stop(): void;
  readEarlier(): void;
  close(): void;
};

const SESSION = "main";
const ASK_AGAIN_AFTER_MS = 1_000;
/** Bytes of a `chat.send` frame beside the encoded message, at most. */
const FRAME_BYTES = 512;

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
  let view: ChatView = { connection: { kind: "connecting" }, chat: EMPTY_CHAT, agent: null };
  let hello: HelloOk | undefined;
  let asking = false;
  let cancelAsking = () => {};

  const gateway = createGatewayClient(url, agent, deps, {
    state: (connection) => show({ ...view, connection }),
    welcomed,
    ended,
    event(frame) {
      if (frame.event !== "chat") return;
      const event = readChatEvent(frame.payload);
      if (event === undefined || event.sessionKey !== hello?.snapshot.mainSessionKey) return;
      dispatch({ type: "event", event });
    },
  });

  function show(next: ChatView) {
    view = next;
    onChange(view);
  }

  function dispatch(action: ChatAction) {
    show({ ...view, chat: reduceChat(view.chat, action) });
    if (view.chat.stale && hello !== undefined && !asking) void askHistory();
  }

  function welcomed(welcome: HelloOk) {
    hello = welcome;
    show({ ...view, agent: welcome.snapshot.agents.find(({ id }) => id === agent) ?? view.agent });
    dispatch({ type: "connected" });
    for (const turn of view.chat.turns) if (turn.phase === "sending") void deliver(turn);
  }

  function ended(end: ConnectionEnd) {
    hello = undefined;
    asking = false;
    cancelAsking();
    // 1009: sending the same message again would only close the next connection too.
    if (end.code !== 1009) return;
    for (const turn of view.chat.turns)
      if (turn.phase === "sending")
        dispatch({ type: "not_sent", runId: turn.runId, reason: "it is too long for this gateway." });
  }

  async function askHistory() {
    asking = true;
    dispatch({ type: "asking" });
    const answer = await readPage({});
    if (answer === undefined) return;
    if (typeof answer !== "string") dispatch({ type: "history", answer });
    else dispatch({ type: "notice", text: `The history could not be read: ${answer}` });
    // One pause between two questions, so that a gateway in trouble is not asked in a loop.
    cancelAsking = deps.after(ASK_AGAIN_AFTER_MS, () => {
      asking = false;
      if (typeof answer === "string" || view.chat.stale) void askHistory();
    });
  }

  /** A page of the history, the words of a refusal, or undefined when the connection ended first. */
  async function readPage(params: { before?: string }): Promise<ChatHistoryAnswer | string | undefined> {
    const asked = hello;
    const outcome = await gateway.request("chat.history", { sessionKey: SESSION, ...params });
    if (hello !== asked) return undefined;
    if (!outcome.ok) return wordsOf(outcome.error);
    return readHistory(outcome.value) ?? "its form was not understood.";
  }

  async function deliver({ runId, question }: Pick<Turn, "runId" | "question">) {
    if (hello === undefined || question === null) return;
    if (encodedBytes(question) + FRAME_BYTES > hello.policy.maxPayload)
      return dispatch({ type: "not_sent", runId, reason: "it is too long for this gateway." });
    const params = { sessionKey: SESSION, message: question, idempotencyKey: runId };
    const outcome = await gateway.request("chat.send", params);
    if (outcome.ok) {
      const { status } = outcome.value as ChatSendAnswer;
      return dispatch({ type: "accepted", runId, isNew: status === "started" || status === "queued" });
    }
    // A lost one stays "sending": the next welcome delivers it.
    if (outcome.error.kind === "refused")
      dispatch({ type: "not_sent", runId, reason: wordsOf(outcome.error) ?? "" });
  }

  return {
    connect: gateway.connect,
    wake: gateway.wake,
    send(text) {
      if (text.trim() === "") return;
      const runId = deps.newId();
      dispatch({ type: "sending", runId, text });
      void deliver({ runId, question: text });
    },
    sendAgain({ runId, question }) {
      if (question === null) return;
      dispatch({ type: "sending", runId, text: question });
      void deliver({ runId, question });
    },
    async stop() {
      const outcome = await gateway.request("chat.abort", { sessionKey: SESSION });
      if (outcome.ok || outcome.error.kind === "lost") return;
      dispatch({ type: "notice", text: `Stopping did not work: ${wordsOf(outcome.error)}` });
    },
    async readEarlier() {
      const before = view.chat.earlierThan;
      if (before === null || hello === undefined) return;
      const answer = await readPage({ before });
      if (answer === undefined || before !== view.chat.earlierThan) return;
      if (typeof answer !== "string") dispatch({ type: "earlier", answer });
      else dispatch({ type: "notice", text: `Earlier messages could not be read: ${answer}` });
    },
    close() {
      cancelAsking();
      gateway.close();
    },
  };
}

function wordsOf(failure: RequestFailure): string | undefined {
  return failure.kind === "refused" ? failure.error.message : undefined;
}

function encodedBytes(text: string): number {
  return new TextEncoder().encode(JSON.stringify(text)).length;
}
