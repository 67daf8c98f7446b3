// One live connection: challenge, connect, then requests one after the other and events as they come. What a client
// sends can close its connection, never more; one that reads too slowly is closed before it costs memory.
import type { RawData, WebSocket } from "ws";
import type { Clock } from "../../core/clock.ts";
import type {
  ChatEvent,
  ConnectChallenge,
  Frame,
  HelloOk,
  RequestFrame,
  SessionsChangedEvent,
} from "../../core/gateway-protocol.ts";
import type { RequestId } from "../../core/ids.ts";
import type { Log } from "../../core/log.ts";
import type { Caller } from "../admit/caller.ts";
import { helloOk, parseConnect } from "./connect.ts";
import { errorResponse, eventFrame, parseRequestFrame, response } from "./frames.ts";
import { startHeartbeat } from "./heartbeat.ts";
import type { MethodDeps } from "./method.ts";
import { agentSummaries, callMethod, METHOD_NAMES } from "./methods.ts";

export type ConnectionDeps = {
  readonly methods: MethodDeps;
  readonly policy: HelloOk["policy"];
  readonly heartbeatTimeoutMs: number;
  readonly clock: Clock;
  readonly newId: () => string;
  readonly log: Log;
  /** Called once, as soon as the connection's end is certain: before its close frame, or when the socket is gone. */
  readonly onEnd: (why: ConnectionEnd) => void;
};

/** What all connections of one person are told of. */
export type OwnerEvent =
  | { readonly event: "chat"; readonly payload: ChatEvent }
  | { readonly event: "sessions.changed"; readonly payload: SessionsChangedEvent };

/** Why a connection ended, for the audit line. */
export type ConnectionEnd = {
  readonly reason: string;
  /** Number of the front door's event that ended it. */
  readonly event: number | null;
};

export type Connection = {
  readonly caller: Caller;
  /** Tells the owner, if this connection may see the agent that it is about and has connected. */
  tell(event: OwnerEvent): void;
  /** Both directions stop at once. @param why left out: the words of the close frame say it */
  close(code: number, words: string, why?: ConnectionEnd): void;
};

export const CONNECT_TIMEOUT_MS = 10_000;
/** After a close frame; then the socket is cut, whatever the other end does. */
const CLOSE_TIMEOUT_MS = 5_000;
/** RFC 6455 §5.5.1: what a close frame holds beside its code. */
const MAX_REASON_BYTES = 123;

/** Takes over an admitted socket. */
export function createConnection(
  socket: WebSocket,
  caller: Caller,
  requestId: RequestId,
  deps: ConnectionDeps,
): Connection {
  const { clock, log, policy } = deps;
  const connId = deps.newId();
  const who = { connId, requestId, userId: caller.userId };
  const requests: string[] = [];
  let answering = false;
  let connected = false;
  let eventSeq = 0;
  let over = false;
  let cancelCut: (() => void) | undefined;

  const cancelConnectTimeout = clock.after(CONNECT_TIMEOUT_MS, () => close(1008, "connect timeout"));
  const stopHeartbeat = startHeartbeat(socket, {
    intervalMs: policy.tickIntervalMs,
    timeoutMs: deps.heartbeatTimeoutMs,
    clock,
    onBeat: () => sendEvent("tick", { ts: clock.now() }),
    onDead: () => ended("no answer to a ping"),
  });

  function send(frame: Frame) {
    if (socket.readyState !== socket.OPEN) return;
    if (socket.bufferedAmount > policy.maxBufferedBytes) {
      log.warn({ ...who, bufferedBytes: socket.bufferedAmount }, "a client reads too slowly and is closed");
      return close(1013, "reads too slowly");
    }
    socket.send(JSON.stringify(frame));
  }

  function sendEvent(event: string, payload: unknown) {
    if (!connected) return;
    eventSeq += 1;
    send(eventFrame(event, payload, eventSeq));
  }

  function close(code: number, words: string, why: ConnectionEnd = { reason: words, event: null }) {
    if (cancelCut !== undefined) return;
    ended(why.reason, why.event);
    requests.length = 0;
    if (socket.readyState === socket.OPEN) socket.close(code, shortened(words));
    cancelCut = clock.after(CLOSE_TIMEOUT_MS, () => socket.terminate());
  }

  function ended(reason: string, event: number | null = null) {
    if (over) return;
    over = true;
    deps.onEnd({ reason, event });
  }

  function onMessage(data: RawData, isBinary: boolean) {
    if (socket.readyState !== socket.OPEN) return;
    if (isBinary) return close(1008, "invalid frame: binary");
    requests.push(data.toString());
    // Not read while one is being answered: a flood waits in the client, not here.
    if (answering) socket.pause();
    else void answerAll();
  }

  // One after the other: answers keep the order of their requests, and one client cannot occupy the process.
  async function answerAll() {
    answering = true;
    for (let text = requests.shift(); text !== undefined; text = requests.shift()) {
      await answerText(text);
      if (requests.length === 0 && socket.isPaused) socket.resume();
    }
    answering = false;
  }

  async function answerText(text: string) {
    const frame = parseRequestFrame(text);
    if (!frame.ok) {
      const { id, what } = frame.error;
      if (id !== undefined)
        send(errorResponse(id, { code: "INVALID_REQUEST", message: `invalid frame: ${what}` }));
      return close(1008, `invalid frame: ${what}`);
    }
    if (!connected) return connect(frame.value);
    const { id, method, params } = frame.value;
    try {
      const answer = await callMethod(method, params, caller, deps.methods);
      send(answer.ok ? response(id, answer.value) : errorResponse(id, answer.error));
    } catch (error) {
      log.error({ ...who, err: error, method }, "a method failed");
      send(errorResponse(id, { code: "UNAVAILABLE", message: "the gateway failed; it has been logged" }));
    }
  }

  function connect({ id, method, params }: RequestFrame) {
    if (method !== "connect") {
      const message = "the first request must be connect";
      send(errorResponse(id, { code: "INVALID_REQUEST", message }));
      return close(1008, message);
    }
    const client = parseConnect(params);
    if (!client.ok) {
      send(errorResponse(id, client.error.error));
      return close(client.error.closeCode, client.error.reason);
    }
    cancelConnectTimeout();
    connected = true;
    const { version, profiles } = deps.methods;
    const agents = agentSummaries(caller, profiles);
    send(response(id, helloOk({ caller, agents, methods: METHOD_NAMES, version, connId, policy })));
    log.info({ ...who, client: client.value }, "connected");
  }

  socket.on("message", onMessage);
  // Broken framing and oversized messages: `ws` closes with 1002, 1007 or 1009 by itself.
  socket.on("error", (error) => {
    log.debug({ ...who, fault: error.message }, "a connection broke the protocol");
    ended(`broken frame: ${error.message}`);
  });
  socket.on("close", (code) => {
    ended(`closed by the other end with ${code}`);
    cancelConnectTimeout();
    cancelCut?.();
    stopHeartbeat();
    requests.length = 0;
    log.info({ ...who, code }, "disconnected");
  });

  const challenge: ConnectChallenge = { nonce: deps.newId(), ts: clock.now() };
  send(eventFrame("connect.challenge", challenge));

  return {
    caller,
    tell({ event, payload }) {
      if (caller.agents.some((agent) => agent === payload.agentId)) sendEvent(event, payload);
    },
    close,
  };
}

function shortened(reason: string): string {
  const bytes = Buffer.from(reason);
  if (bytes.length <= MAX_REASON_BYTES) return reason;
  // A character cut in two would make the close frame invalid.
  return new TextDecoder().decode(bytes.subarray(0, MAX_REASON_BYTES), { stream: true });
}
