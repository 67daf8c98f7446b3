// Keeps one agent's connection alive: connects, judges each end, connects again with back-off and jitter.
// Knows nothing of chats (chat-client.ts) or pages. Socket, fetch, timers and randomness are parameters.
import type { EventFrame, HelloOk } from "../../core/gateway-protocol.ts";
import type { Result } from "../../core/result.ts";
import type { Fetch } from "./ask-door.ts";
import { askMe, type MeOutcome, type Refusal } from "./ask-me.ts";
import { backOffMs } from "./back-off.ts";
import {
  type Connection,
  type ConnectionDeps,
  type ConnectionEnd,
  openConnection,
  type RequestFailure,
} from "./connection.ts";
import { needsReason, type Verdict, verdictOf } from "./verdict.ts";

export type ConnectionState =
  | { readonly kind: "connecting" }
  | { readonly kind: "connected" }
  /** A policy ended the connection, and `/api/me` is asked what that means: signed out, refused, or else. */
  | { readonly kind: "asking_why" }
  | {
      readonly kind: "reconnecting" | "gateway_down" | "moved";
      readonly message: string;
      /** Until the next attempt; 0 while it is under way. */
      readonly inSeconds: number;
    }
  | { readonly kind: "signed_out" | "refused"; readonly refusal: Refusal };

export type GatewayClientDeps = ConnectionDeps & {
  readonly fetch: Fetch;
  /** At least 0, less than 1. */
  readonly random: () => number;
};

export type GatewayClientListener = {
  state(state: ConnectionState): void;
  welcomed(hello: HelloOk): void;
  event(frame: EventFrame): void;
  ended(end: ConnectionEnd): void;
};

export type GatewayClient = {
  /** Connects at once: at the start, instead of waiting, or after giving up. */
  connect(): void;
  /** After sleep, or when the network is back: makes sure that the connection and the session still live. */
  wake(): void;
  /** Without a welcomed connection it is lost at once. */
  request(method: string, params: unknown): Promise<Result<unknown, RequestFailure>>;
  close(): void;
};

const PROBE_WITHIN_MS = 5_000;
/** A connection that lasted this long worked: the next back-off starts from the beginning. */
const STABLE_AFTER_MS = 5_000;

/**
 * @param url `wss://<front door>/agents/<agent>/ws`
 * @param agent to find in `/api/me` when an upgrade is refused
 */
export function createGatewayClient(
  url: string,
  agent: string,
  deps: GatewayClientDeps,
  listener: GatewayClientListener,
): GatewayClient {
  let connection: Connection | undefined;
  let state: ConnectionState = { kind: "connecting" };
  let attempts = 0;
  /** Grows with every attempt, so that a late answer about an earlier one changes nothing. */
  let epoch = 0;
  let cancelTimer = () => {};

  function become(next: ConnectionState) {
    state = next;
    listener.state(next);
  }

  function connect() {
    if (state.kind === "connected" || connection !== undefined) return;
    epoch += 1;
    cancelTimer();
    become("inSeconds" in state ? { ...state, inSeconds: 0 } : { kind: "connecting" });
    connection = openConnection(url, deps, {
      welcomed(hello) {
        become({ kind: "connected" });
        cancelTimer = deps.after(STABLE_AFTER_MS, () => {
          attempts = 0;
        });
        listener.welcomed(hello);
      },
      event: (frame) => listener.event(frame),
      ended: (end) => void judge(end),
    });
  }

  async function judge(end: ConnectionEnd, known: MeOutcome | null = null) {
    connection = undefined;
    cancelTimer();
    listener.ended(end);
    const judged = epoch;
    let me = known;
    if (me === null && needsReason(end)) {
      // The words of the close frame are for people, and no ground for a "no" that the next moment takes back.
      if (state.kind === "connected") become({ kind: "asking_why" });
      me = await askMe(deps);
    }
    if (judged !== epoch) return;
    const verdict = verdictOf(end, me, agent);
    if (!("notBeforeMs" in verdict)) return become(verdict);
    // Later than told by up to a quarter: all who were told the same must not come back in the same instant.
    const notBeforeMs = verdict.notBeforeMs * (1 + deps.random() / 4);
    const delayMs = Math.round(Math.max(notBeforeMs, backOffMs(attempts, deps.random())));
    attempts += 1;
    const seconds = Math.ceil(delayMs / 1_000);
    countDown(verdict, seconds, delayMs - (seconds - 1) * 1_000);
  }

  function countDown(verdict: Verdict, inSeconds: number, tickMs: number) {
    become(stateOf(verdict, inSeconds));
    cancelTimer = deps.after(tickMs, () => {
      if (inSeconds > 1) countDown(verdict, inSeconds - 1, 1_000);
      else connect();
    });
  }

  // A session can expire behind a tab that sleeps, and begin anew in another one.
  async function askSession() {
    const asked = epoch;
    const me = await askMe(deps);
    if (asked !== epoch) return;
    if (state.kind === "signed_out" && me.kind === "signed_in") return connect();
    if (state.kind !== "connected" || (me.kind !== "signed_out" && me.kind !== "denied")) return;
    connection?.close();
    void judge({ welcomed: true, code: 1008, reason: "", refusal: null }, me);
  }

  return {
    connect,
    wake() {
      if ("inSeconds" in state) connect();
      if (state.kind === "connected") void connection?.request("health", {}, PROBE_WITHIN_MS);
      if (state.kind === "connected" || state.kind === "signed_out") void askSession();
    },
    async request(method, params) {
      if (connection === undefined || state.kind !== "connected")
        return { ok: false, error: { kind: "lost" } };
      return connection.request(method, params);
    },
    close() {
      epoch += 1;
      cancelTimer();
      connection?.close();
      connection = undefined;
    },
  };
}

function stateOf(verdict: Verdict, inSeconds: number): ConnectionState {
  if (!("notBeforeMs" in verdict)) return verdict;
  return { kind: verdict.kind, message: verdict.message, inSeconds };
}
