// Opens the WebSocket to the gateway: sends the handshake, and takes nothing but a correct 101 for a tunnel
// (RFC 6455 §4.1; CVE-2024-23326). Node's parser reads the answer. Never follows anything.
import { createHash } from "node:crypto";
import http, { type IncomingMessage } from "node:http";
import https from "node:https";
import type { Socket } from "node:net";
import type { Clock } from "../../core/clock.ts";
import type { Denial } from "../../core/denial.ts";
import { err, ok, type Result } from "../../core/result.ts";
import type { OutgoingHeaders } from "../assert/outgoing-headers.ts";
import type { Upstream } from "../route/pick-endpoint.ts";

export type Dialled = {
  readonly socket: Socket;
  readonly firstBytes: Buffer;
  readonly protocol: string | undefined;
  readonly extensions: string | undefined;
};

export type DialFailure = {
  readonly denial: Denial;
  /** Something was there to answer: one that says it is full is not down. */
  readonly reached: boolean;
};

export type DialLimits = { readonly connectTimeoutMs: number; readonly answerTimeoutMs: number };

const ANSWER_HEADER_BYTES = 16 * 1024;
// RFC 6455 §1.3.
const ACCEPT_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** @param path normalised; sent to the endpoint that was routed, whatever it says */
export function dialUpstream(
  upstream: Upstream,
  path: string,
  headers: OutgoingHeaders,
  limits: DialLimits,
  clock: Clock,
): Promise<Result<Dialled, DialFailure>> {
  const url = new URL(upstream.endpoint.url);
  const gateway = upstream.gateway.id;
  return new Promise((resolve) => {
    const unavailable: Denial = { code: "gateway_unavailable", gateway };
    let reached = false;
    const request = (url.protocol === "https:" ? https : http).request({
      host: url.hostname.replace(/^\[|\]$/g, ""),
      port: url.port === "" ? undefined : Number(url.port),
      method: "GET",
      path,
      headers: headers.flat(),
      setHost: false,
      agent: false,
      maxHeaderSize: ANSWER_HEADER_BYTES,
    });
    let cancelTimer = clock.after(limits.connectTimeoutMs, () => fail(unavailable));

    function settle(result: Result<Dialled, DialFailure>) {
      cancelTimer();
      if (!result.ok) request.destroy();
      resolve(result);
    }

    request.on("socket", (socket) => {
      socket.once(url.protocol === "https:" ? "secureConnect" : "connect", () => {
        reached = true;
        cancelTimer();
        cancelTimer = clock.after(limits.answerTimeoutMs, () => fail(invalid("no answer in time")));
      });
    });
    request.on("error", () => fail(reached ? invalid("the connection ended before an answer") : unavailable));
    request.on("response", (answer) => {
      answer.resume();
      fail(answer.statusCode === 503 ? unavailable : invalid(`status ${answer.statusCode} to an upgrade`));
    });
    request.on("upgrade", (answer, socket, firstBytes) => {
      const fault = answerFault(answer, headers);
      if (fault !== undefined) {
        socket.destroy();
        return fail(invalid(fault));
      }
      settle(
        ok({
          socket: socket as Socket,
          firstBytes,
          protocol: answer.headers["sec-websocket-protocol"],
          extensions: answer.headers["sec-websocket-extensions"],
        }),
      );
    });
    request.end();

    function fail(denial: Denial) {
      settle(err({ denial, reached }));
    }

    function invalid(what: string): Denial {
      return { code: "gateway_answer_invalid", gateway, what };
    }
  });
}

export function acceptOf(key: string): string {
  return createHash("sha1").update(`${key}${ACCEPT_GUID}`).digest("base64");
}

function answerFault(answer: IncomingMessage, sent: OutgoingHeaders): string | undefined {
  const sentValue = (name: string) => sent.find(([header]) => header === name)?.[1] ?? "";
  if (answer.statusCode !== 101) return `status ${answer.statusCode} with an upgrade`;
  if (answer.headers.upgrade?.toLowerCase() !== "websocket") return "101 to something other than websocket";
  if (answer.headers["sec-websocket-accept"] !== acceptOf(sentValue("sec-websocket-key"))) {
    return "a wrong sec-websocket-accept";
  }
  const protocol = answer.headers["sec-websocket-protocol"];
  if (protocol !== undefined && !listOf(sentValue("sec-websocket-protocol")).includes(protocol)) {
    return "a subprotocol that was not offered";
  }
  const offered = listOf(sentValue("sec-websocket-extensions")).map(nameOf);
  const chosen = listOf(answer.headers["sec-websocket-extensions"] ?? "").map(nameOf);
  return chosen.every((name) => offered.includes(name)) ? undefined : "an extension that was not offered";
}

function listOf(value: string): string[] {
  return value
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}

function nameOf(extension: string): string {
  return (extension.split(";")[0] ?? "").trim();
}
