// Opens the WebSocket to the gateway: sends the handshake, and takes nothing but a correct 101 for a tunnel. Never
// follows anything, never asks twice.
import type { Clock } from "../../core/clock.ts";
import type { Denial } from "../../core/denial.ts";
import { err, ok, type Result } from "../../core/result.ts";
import type { OutgoingHeaders } from "../assert/outgoing-headers.ts";
import { faultOf, isOwnShortage } from "../route/connect-endpoint.ts";
import type { Upstream } from "../route/pick-endpoint.ts";
import { parseAnswerHead } from "./answer-head.ts";
import { type Handshake, handshakeOf } from "./handshake-answer.ts";
import { requestHead } from "./request-head.ts";
import { connectUpstream, type UpstreamSocket } from "./upstream-socket.ts";

export type Dial = {
  readonly done: Promise<Result<Dialled, DialFailure>>;
  /** Nobody waits for the answer any more. */
  abort(): void;
};

export type Dialled = Handshake & {
  /** Paused until somebody takes its bytes. */
  readonly connection: UpstreamSocket;
  /** What the gateway sent behind its 101. Grows until somebody does: TLS hands out a whole read, paused or not. */
  readonly firstBytes: readonly Buffer[];
};

export type DialFailure = {
  readonly denial: Denial;
  /** Why the endpoint counts as down, for operations; undefined if it does not, such as one that says it is full. */
  readonly down: string | undefined;
};

export type DialLimits = { readonly connectTimeoutMs: number; readonly answerTimeoutMs: number };

/** @param path normalised; sent to the endpoint that was routed, whatever it says */
export function dialUpstream(
  upstream: Upstream,
  path: string,
  headers: OutgoingHeaders,
  limits: DialLimits,
  clock: Clock,
): Dial {
  const gateway = upstream.gateway.id;
  const request = requestHead("GET", path, headers);
  const unavailable: Denial = { code: "gateway_unavailable", gateway };
  let reached = false;
  let settle: (result: Result<Dialled, DialFailure>) => void = () => {};
  const done = new Promise<Result<Dialled, DialFailure>>((resolve) => {
    settle = resolve;
  });

  const connection = connectUpstream(upstream.endpoint, () => {
    reached = true;
    cancelTimer();
    cancelTimer = clock.after(limits.answerTimeoutMs, () => invalid("no answer in time"));
    socket.on("end", hungUp).write(request, "latin1");
  });
  const { socket } = connection;
  let cancelTimer = clock.after(limits.connectTimeoutMs, () => fail(unavailable, "no connection in time"));
  socket.on("error", failed);

  let received: Buffer = Buffer.alloc(0);
  connection.take = (bytes) => {
    const seen = received.length;
    received = seen === 0 ? bytes : Buffer.concat([received, bytes]);
    const head = parseAnswerHead(received, seen);
    if (head === undefined) return;
    if (!head.ok) return invalid(head.error);
    if (head.value.status === 503) return fail(unavailable);
    const handshake = handshakeOf(head.value, headers.shared.list);
    if (!handshake.ok) return invalid(handshake.error);
    handOver(handshake.value, received.subarray(head.value.length));
  };

  function handOver(handshake: Handshake, rest: Buffer) {
    cancelTimer();
    // Whatever stays here is kept as long as the connection lives.
    socket.off("end", hungUp).off("error", failed).on("error", ignore);
    socket.pause();
    const firstBytes = rest.length === 0 ? [] : [rest];
    connection.take = (more) => void firstBytes.push(more);
    settle(ok({ ...handshake, connection, firstBytes }));
  }

  function failed(error: Error) {
    if (reached) hungUp();
    else if (isOwnShortage(error)) fail({ code: "overloaded", what: "connections to gateways" });
    else fail(unavailable, faultOf(error));
  }

  function hungUp() {
    invalid("the connection ended before an answer");
  }

  function invalid(what: string) {
    fail({ code: "gateway_answer_invalid", gateway, what });
  }

  function fail(denial: Denial, down?: string) {
    cancelTimer();
    connection.take = ignore;
    socket.off("end", hungUp).off("error", failed).on("error", ignore).destroy();
    settle(err({ denial, down }));
  }

  return { done, abort: () => fail({ code: "client_gone" }) };
}

function ignore() {}
