// A gateway of protocol 4 in memory, behind a network that a test delivers, holds or cuts frame by frame.
import type { AgentState, ErrorAnswer, MeAnswer } from "../../core/api.ts";
import type {
  ChatEvent,
  ChatHistoryAnswer,
  ChatMessage,
  HelloOk,
  RequestFrame,
  SessionSummary,
} from "../../core/gateway-protocol.ts";
import type { Fetch } from "../../web/client/ask-door.ts";
import type { OpenSocket } from "../../web/client/connection.ts";

type Link = {
  readonly listener: Parameters<OpenSocket>[1];
  readonly toServer: string[];
  readonly toClient: string[];
  open: boolean;
  welcomed: boolean;
};

export type FakeRun = { readonly runId: string; seq: number; text: string; over: boolean; started: boolean };

export const SESSION_KEY = "agent:assistant:main";

export function createFakeGateway() {
  const links: Link[] = [];
  const messages: ChatMessage[] = [];
  const runs: FakeRun[] = [];
  const received: RequestFrame[] = [];
  const heldHistory: (() => void)[] = [];
  /** Of runs that are not of {@link SESSION_KEY}. */
  const keyOfRun = new Map<string, string>();
  const sessions: SessionSummary[] = [];
  const gateway = {
    links,
    messages,
    runs,
    received,
    sessions,
    /** Whom the front door has asserted. */
    userId: "u_a",
    /** null: the upgrade is accepted; a number: the connection closes with it before anything is said. */
    refuseWith: null as number | null,
    /** Answers to `chat.history` wait for {@link answerHistory}: the page they hold grows old meanwhile. */
    holdHistory: false,
    maxPayload: 100_000,
    tickIntervalMs: 86_400_000,
    hello,
    tick: () => {
      for (const link of links) push(link, { type: "event", event: "tick", payload: { ts: 1 } });
    },
    /** An error that the next `chat.send` gets. */
    sendError: null as { code: "UNAVAILABLE"; message: string; retryable: boolean } | null,
    historyError: null as { code: "UNAVAILABLE"; message: string } | null,
    connectErrorCloses: 1008,
    connectError: null as { code: "INVALID_REQUEST"; message: string } | null,
    openSocket,
    /** Carries frames both ways until none is left, or at most so many. */
    carry,
    cut,
    answerHistory,
    current: () => runs.find((run) => !run.over),
    begin,
    emit,
    finish,
    abort,
    fail,
    restart,
    changed,
    open: () => links.filter((link) => link.open).length,
    sends: () => received.filter(({ method }) => method === "chat.send"),
  };
  return gateway;

  function openSocket(_url: string, listener: Link["listener"]) {
    const link: Link = { listener, toServer: [], toClient: [], open: true, welcomed: false };
    links.push(link);
    if (gateway.refuseWith === null)
      push(link, {
        type: "event",
        event: "connect.challenge",
        payload: { nonce: "n".repeat(32), ts: 1 },
      });
    return {
      send: (text: string) => void (link.open && link.toServer.push(text)),
      close: (code: number, reason: string) => {
        link.open = false;
        queueMicrotask(() => listener.closed(code, reason));
      },
    };
  }

  function push(link: Link, frame: unknown) {
    if (link.open) link.toClient.push(JSON.stringify(frame));
  }

  async function carry(most = Number.POSITIVE_INFINITY) {
    for (let carried = 0; carried < most; carried += 1) {
      for (const link of links)
        if (link.open && gateway.refuseWith !== null && !link.welcomed) close(link, gateway.refuseWith, "");
      const busy = links.find((link) => link.open && link.toServer.length + link.toClient.length > 0);
      if (busy === undefined) return;
      const up = busy.toServer.shift();
      if (up !== undefined) serve(busy, JSON.parse(up) as RequestFrame);
      else {
        const down = busy.toClient.shift();
        if (down !== undefined) busy.listener.received(down);
      }
      for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
    }
  }

  function cut(code = 1006, reason = "") {
    for (const link of links) if (link.open) close(link, code, reason);
    heldHistory.length = 0;
  }

  function close(link: Link, code: number, reason: string) {
    link.open = false;
    link.listener.closed(code, reason);
  }

  function serve(link: Link, frame: RequestFrame) {
    received.push(frame);
    if (!link.welcomed && frame.method !== "connect") return close(link, 1008, "connect comes first");
    const answer = (payload: unknown) => push(link, { type: "res", id: frame.id, ok: true, payload });
    const refuse = (error: unknown) => push(link, { type: "res", id: frame.id, ok: false, error });
    switch (frame.method) {
      case "connect":
        if (gateway.connectError !== null) {
          link.listener.received(
            JSON.stringify({ type: "res", id: frame.id, ok: false, error: gateway.connectError }),
          );
          queueMicrotask(() => close(link, gateway.connectErrorCloses, "as said"));
          return;
        }
        link.welcomed = true;
        return answer(hello());
      case "chat.history": {
        if (gateway.historyError !== null) return refuse(gateway.historyError);
        const page = history(frame.params as { sessionKey: string; limit?: number; before?: string });
        if (!gateway.holdHistory) return answer(page);
        heldHistory.push(() => answer(page));
        return;
      }
      case "chat.send": {
        if (gateway.sendError !== null) return refuse(gateway.sendError);
        const { sessionKey, idempotencyKey, message } = frame.params as Record<
          "sessionKey" | "idempotencyKey" | "message",
          string
        >;
        const known = runs.find(({ runId }) => runId === idempotencyKey);
        if (known !== undefined) {
          answer({ runId: idempotencyKey, status: known.over ? "done" : "in_flight" });
          return;
        }
        const before = runs.filter((run) => !run.over).length;
        begin(idempotencyKey, message, sessionKey);
        answer({ runId: idempotencyKey, status: before === 0 ? "started" : "queued" });
        if (before > 0) say(idempotencyKey, { state: "queued", position: before });
        return;
      }
      case "chat.abort": {
        const stopped = runs.filter((run) => !run.over).map((run) => run.runId);
        for (const runId of stopped) abort(runId);
        return answer({ ok: true, aborted: stopped.length > 0, runIds: stopped });
      }
      case "sessions.list":
        return answer({ ts: 1, count: sessions.length, sessions: [...sessions] });
      case "sessions.patch": {
        const { key, label } = frame.params as { key: string; label: string | null };
        const known = sessions.find((session) => session.key === key);
        if (known === undefined) return refuse({ code: "NOT_FOUND", message: "key: no such session" });
        changed({ ...known, label });
        return answer({ ok: true, key, entry: { ...known, label } });
      }
      case "sessions.delete": {
        const { key } = frame.params as { key: string };
        messages.splice(0, messages.length, ...messages.filter(({ runId }) => sessionOf(runId) !== key));
        changed(key);
        return answer({ ok: true, key, deleted: true });
      }
      case "health":
        return answer({});
      default:
        return refuse({ code: "UNKNOWN_METHOD", message: frame.method });
    }
  }

  function answerHistory() {
    for (const answer of heldHistory.splice(0)) answer();
  }

  /** @param change as it is now, or the key of one that was deleted */
  function changed(change: SessionSummary | string) {
    const key = typeof change === "string" ? change : change.key;
    const place = sessions.findIndex((session) => session.key === key);
    if (place !== -1) sessions.splice(place, 1);
    const session = typeof change === "string" ? null : change;
    if (session !== null) sessions.unshift(session);
    const payload = { sessionKey: key, agentId: "assistant", session };
    for (const link of links)
      if (link.welcomed) push(link, { type: "event", event: "sessions.changed", payload });
  }

  function sessionOf(runId: string): string {
    return keyOfRun.get(runId) ?? SESSION_KEY;
  }

  function begin(runId: string, question: string, key = SESSION_KEY) {
    keyOfRun.set(runId, key);
    messages.push(message(runId, "user", question));
    runs.push({ runId, seq: 0, text: "", over: false, started: false });
  }

  type Said =
    | { state: "queued"; position: number }
    | { state: "delta"; deltaText: string }
    | { state: "final"; message: ChatMessage }
    | { state: "aborted"; message: ChatMessage | null }
    | { state: "error"; errorMessage: string; message: ChatMessage | null };

  function say(runId: string, said: Said) {
    const run = runOf(runId);
    run.seq += 1;
    const event: ChatEvent = {
      runId,
      sessionKey: sessionOf(runId),
      agentId: "assistant",
      seq: run.seq,
      ...said,
    };
    for (const link of links) if (link.welcomed) push(link, { type: "event", event: "chat", payload: event });
  }

  function emit(runId: string, deltaText: string) {
    const run = runOf(runId);
    run.started = true;
    run.text += deltaText;
    say(runId, { state: "delta", deltaText });
  }

  function finish(runId: string) {
    const whole = message(runId, "assistant", end(runId).text, "stop");
    messages.push(whole);
    say(runId, { state: "final", message: whole });
  }

  function abort(runId: string) {
    const run = end(runId);
    const part = run.text === "" ? null : message(runId, "assistant", run.text, "aborted");
    if (part !== null) messages.push(part);
    say(runId, { state: "aborted", message: part });
  }

  function fail(runId: string, errorMessage: string) {
    end(runId);
    say(runId, { state: "error", errorMessage, message: null });
  }

  /** Every connection ends, and the runs under way are forgotten; messages are on disk. */
  function restart() {
    for (const run of runs) run.over = true;
    cut(1012, "the gateway is restarting, come back in 1 s");
  }

  function end(runId: string): FakeRun {
    const run = runOf(runId);
    run.over = true;
    return run;
  }

  function runOf(runId: string): FakeRun {
    const run = runs.find((candidate) => candidate.runId === runId);
    if (run === undefined) throw new Error(`no run ${runId}`);
    return run;
  }

  function history(asked: { sessionKey: string; limit?: number; before?: string }): ChatHistoryAnswer {
    const own = messages.filter(({ runId }) => sessionOf(runId) === asked.sessionKey);
    const end = asked.before === undefined ? own.length : own.findIndex(({ id }) => id === asked.before);
    const start = Math.max(0, end - (asked.limit ?? 200));
    const live = runs.filter((run) => !run.over && sessionOf(run.runId) === asked.sessionKey);
    const running = live.find((run) => run.started);
    return {
      sessionKey: asked.sessionKey,
      sessionId: "one",
      messages: own.slice(start, end),
      hasMore: start > 0,
      running: running === undefined ? null : { runId: running.runId, seq: running.seq, text: running.text },
      waiting: live
        .filter((run) => !run.started && run.seq > 0)
        .map(({ runId, seq }, index) => ({ runId, seq, position: index + 1 })),
    };
  }

  function hello(): HelloOk {
    const agent = { id: "assistant", name: "Assistant", description: "", model: "none" };
    return {
      type: "hello-ok",
      protocol: 4,
      server: { version: "0", connId: "c" },
      features: { methods: [], events: ["chat"] },
      snapshot: {
        user: { id: gateway.userId, email: null, name: null },
        agents: [agent],
        mainSessionKey: SESSION_KEY,
      },
      auth: { method: "assertion", role: "operator", scopes: [] },
      policy: {
        maxPayload: gateway.maxPayload,
        maxBufferedBytes: 1_000_000,
        tickIntervalMs: gateway.tickIntervalMs,
      },
    };
  }
}

export type FakeGateway = ReturnType<typeof createFakeGateway>;

export function message(
  runId: string,
  role: ChatMessage["role"],
  text: string,
  stopReason?: "stop" | "aborted" | "error",
): ChatMessage {
  const known: ChatMessage = {
    id: `${runId}-${role}`,
    role,
    content: [{ type: "text", text }],
    timestamp: 1,
    runId,
  };
  return stopReason === undefined ? known : { ...known, stopReason };
}

/** `/api/me` as a test wants it; `answer` may change while the test runs. */
export function createFakeDoor() {
  const door = { answer: signedIn("up") as () => Response, asked: 0, fetch: undefined as unknown as Fetch };
  door.fetch = async (url) => {
    if (url !== "/api/me") throw new TypeError(`unexpected request to ${url}`);
    door.asked += 1;
    return door.answer();
  };
  return door;
}

export function signedIn(state: AgentState, agents = ["assistant"]): () => Response {
  const me: MeAnswer = {
    id: "u_a",
    email: "alice@example.com",
    name: "Alice",
    provider: null,
    groups: ["engineering"],
    roles: [],
    agents: agents.map((id) => ({
      id,
      name: id,
      description: "",
      gateway: "cloud",
      gatewayLabel: "Cloud",
      state,
      open: false,
      lastUsed: null,
    })),
    session: { sid: "s_1", expiresAt: "2026-11-21T12:00:00Z" },
  };
  return () => jsonResponse(200, me);
}

export function refusal(status: number, code: string, words: string): () => Response {
  const body: ErrorAnswer = {
    error: { code, message: words, requestId: "r_1", contact: "it@example.com" },
  };
  return () => jsonResponse(status, body, { "retry-after": "7" });
}

// The body of a real Response takes unknown turns of the event loop to read; this one takes a known few.
function jsonResponse(status: number, body: unknown, headers: Record<string, string> = {}): Response {
  return Object.assign(new Response(null, { status, headers }), { json: async () => body });
}
