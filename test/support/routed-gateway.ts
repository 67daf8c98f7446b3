// A gateway that stands in for the real one inside the browser: says to the chat page exactly what a test wants.
import type { Page, WebSocketRoute } from "playwright-core";
import type {
  ChatEvent,
  ChatHistoryAnswer,
  ChatMessage,
  SessionSummary,
} from "../../core/gateway-protocol.ts";

export type RoutedGateway = {
  /** Sends an event of the main session's run `run-1`. */
  tell(event: Partial<ChatEvent> & Pick<ChatEvent, "state" | "seq">): void;
};

export type Shown = {
  readonly agentName: string;
  readonly messages: readonly ChatMessage[];
  readonly running: ChatHistoryAnswer["running"];
  readonly sessions: readonly SessionSummary[];
};

const KEY = "agent:coder:main";

/** Answers every connection of this page from now on. */
export async function routeGateway(page: Page, shown: Partial<Shown>): Promise<RoutedGateway> {
  const { agentName = "Coder", messages = [], running = null, sessions = [] } = shown;
  let socket: WebSocketRoute | undefined;
  const send = (frame: unknown) => socket?.send(JSON.stringify(frame));

  function answerTo(method: string, params: { limit?: number; before?: string }): unknown {
    if (method === "connect") return hello(agentName);
    if (method === "sessions.list") return { ts: 1, count: sessions.length, sessions };
    if (method !== "chat.history") return {};
    const end =
      params.before === undefined ? messages.length : messages.findIndex(({ id }) => id === params.before);
    const start = Math.max(0, end - (params.limit ?? 200));
    const page = messages.slice(start, end);
    return { sessionKey: KEY, sessionId: "s", messages: page, hasMore: start > 0, running, waiting: [] };
  }

  await page.routeWebSocket(/\/agents\/coder\/ws$/, (route) => {
    socket = route;
    route.onMessage((text) => {
      const { id, method, params } = JSON.parse(String(text));
      send({ type: "res", id, ok: true, payload: answerTo(method, params) });
    });
    send({ type: "event", event: "connect.challenge", payload: { nonce: "n", ts: 1 } });
  });
  return {
    tell: (event) =>
      send({
        type: "event",
        event: "chat",
        payload: { runId: "run-1", sessionKey: KEY, agentId: "coder", ...event },
      }),
  };
}

export function said(id: number, role: ChatMessage["role"], text: string): ChatMessage {
  return {
    id: `${id}-${role}`,
    role,
    content: [{ type: "text", text }],
    timestamp: id,
    runId: `run-${id}`,
    ...(role === "user" ? {} : { stopReason: "stop" as const }),
  };
}

function hello(agentName: string) {
  return {
    type: "hello-ok",
    protocol: 4,
    server: { version: "0", connId: "c" },
    features: { methods: [], events: [] },
    snapshot: {
      user: { id: "u_a", email: null, name: null },
      agents: [{ id: "coder", name: agentName, description: "", model: "none" }],
      mainSessionKey: KEY,
    },
    auth: { method: "assertion", role: "operator", scopes: [] },
    policy: { maxPayload: 26_214_400, maxBufferedBytes: 52_428_800, tickIntervalMs: 86_400_000 },
  };
}
