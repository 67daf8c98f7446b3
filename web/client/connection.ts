// One WebSocket from opening to end: challenge, connect, hello, then requests and events. Never connects
// again (gateway-client.ts does). The socket and the timers are parameters; no DOM.
import type { EventFrame, FrameError, HelloOk, ResponseFrame } from "../../core/gateway-protocol.ts";
import type { Result } from "../../core/result.ts";
import type { After } from "./ask-door.ts";
import { parseFrame, readHello } from "./frames.ts";

/** Calls `received` for each text frame and `closed` once, neither of them before it has returned. */
export type OpenSocket = (
  url: string,
  listener: { received(text: string): void; closed(code: number, reason: string): void },
) => Socket;

export type Socket = { send(text: string): void; close(code: number, reason: string): void };

export type ConnectionDeps = {
  readonly openSocket: OpenSocket;
  readonly after: After;
  /** What `connect` says of this client. */
  readonly client: { readonly version: string; readonly platform: string };
};

export type ConnectionListener = {
  /** Called once, before any event. */
  welcomed(hello: HelloOk): void;
  event(frame: EventFrame): void;
  /** Called once; nothing is called after it. */
  ended(end: ConnectionEnd): void;
};

export type ConnectionEnd = {
  /** False: refused before `hello-ok`, or nobody there. */
  readonly welcomed: boolean;
  /** RFC 6455 §7.4.1; 1006 also when this side gave up waiting. */
  readonly code: number;
  readonly reason: string;
  /** The gateway's answer to `connect`, when it was an error. */
  readonly refusal: FrameError | null;
};

/** `lost`: the connection ended first; whether the gateway acted on the request is unknown. */
export type RequestFailure =
  | { readonly kind: "refused"; readonly error: FrameError }
  | { readonly kind: "lost" };

export type Connection = {
  /** No answer within `timeoutMs` ends the connection. */
  request(method: string, params: unknown, timeoutMs?: number): Promise<Result<unknown, RequestFailure>>;
  /** Ends it without telling the listener. */
  close(): void;
};

const PROTOCOL: HelloOk["protocol"] = 4;
const HANDSHAKE_WITHIN_MS = 15_000;
const ANSWER_WITHIN_MS = 20_000;
const MISSED_TICKS = 2.5;

export function openConnection(url: string, deps: ConnectionDeps, listener: ConnectionListener): Connection {
  type Waiting = { resolve(result: Result<unknown, RequestFailure>): void; cancelTimeout(): void };
  const waiting = new Map<string, Waiting>();
  let lastId = 0;
  let challenged = false;
  let welcomed = false;
  let refusal: FrameError | null = null;
  let over = false;
  let longestSilenceMs = HANDSHAKE_WITHIN_MS;
  let cancelSilence = deps.after(longestSilenceMs, () => giveUp("no welcome in time"));
  const socket = deps.openSocket(url, { received, closed: finish });

  function received(text: string) {
    const frame = over ? undefined : parseFrame(text);
    if (frame === undefined) return;
    if (welcomed) heard();
    if (frame.type === "res") return answered(frame);
    if (frame.event === "connect.challenge") return void introduce();
    if (welcomed) listener.event(frame);
  }

  // The nonce is for clients that sign; who speaks here is what the front door asserted at the upgrade.
  async function introduce() {
    if (challenged) return;
    challenged = true;
    const answer = await request("connect", {
      minProtocol: PROTOCOL,
      maxProtocol: PROTOCOL,
      client: { id: "webchat-ui", ...deps.client, mode: "webchat" },
      role: "operator",
      scopes: ["operator.read", "operator.write"],
    });
    if (over) return;
    if (!answer.ok) {
      // The gateway closes next; the code it closes with belongs to the reason.
      if (answer.error.kind === "refused") refusal = answer.error.error;
      return;
    }
    const hello = readHello(answer.value);
    if (hello === undefined) return giveUp("the welcome could not be read");
    welcomed = true;
    longestSilenceMs = MISSED_TICKS * hello.policy.tickIntervalMs;
    heard();
    listener.welcomed(hello);
  }

  // The gateway says "tick" when there is nothing else to say. Only its absence tells that the network is gone:
  // a browser notices a dead connection after many minutes, or never.
  function heard() {
    cancelSilence();
    cancelSilence = deps.after(longestSilenceMs, () => giveUp("nothing heard for too long"));
  }

  function request(method: string, params: unknown, timeoutMs = ANSWER_WITHIN_MS) {
    return new Promise<Result<unknown, RequestFailure>>((resolve) => {
      if (over) return resolve({ ok: false, error: { kind: "lost" } });
      lastId += 1;
      const id = String(lastId);
      const cancelTimeout = deps.after(timeoutMs, () => giveUp(`no answer to ${method}`));
      waiting.set(id, { resolve, cancelTimeout });
      socket.send(JSON.stringify({ type: "req", id, method, params }));
    });
  }

  function answered(frame: ResponseFrame) {
    const asker = waiting.get(frame.id);
    if (asker === undefined) return;
    waiting.delete(frame.id);
    asker.cancelTimeout();
    asker.resolve(
      frame.ok
        ? { ok: true, value: frame.payload }
        : { ok: false, error: { kind: "refused", error: frame.error } },
    );
  }

  function giveUp(reason: string) {
    if (over) return;
    socket.close(4000, reason);
    finish(1006, reason);
  }

  function finish(code: number, reason: string) {
    if (over) return;
    settle();
    listener.ended({ welcomed, code, reason, refusal });
  }

  function settle() {
    over = true;
    cancelSilence();
    for (const asker of waiting.values()) {
      asker.cancelTimeout();
      asker.resolve({ ok: false, error: { kind: "lost" } });
    }
    waiting.clear();
  }

  return {
    request,
    close() {
      if (over) return;
      settle();
      socket.close(1000, "");
    },
  };
}
