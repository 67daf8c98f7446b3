// Sixth stage for WebSockets: dial the gateway, answer 101, join the two sockets. Until the 101 every failure
// is an HTTP answer; behind it, a close frame.
import type { Socket } from "node:net";
import type { Clock } from "../../core/clock.ts";
import type { Denial } from "../../core/denial.ts";
import { err, ok, type Result } from "../../core/result.ts";
import type { SignedRequest } from "../assert/assert.ts";
import type { ParsedRequest } from "../request/parsed-request.ts";
import type { Health } from "../route/health.ts";
import type { Upstream } from "../route/pick-endpoint.ts";
import { type DialLimits, dialUpstream } from "./dial-upstream.ts";
import type { Handshake } from "./handshake-answer.ts";
import { resetSocket } from "./reset-socket.ts";
import type { TrafficTally } from "./traffic-tally.ts";
import { openTunnel, type Tunnel, type TunnelEnd } from "./tunnel.ts";

export type UpgradeForwarder = (
  request: ParsedRequest,
  signed: SignedRequest,
  upstream: Upstream,
  client: Socket,
  /** Asked once more when the gateway has answered: access may have ended meanwhile. */
  stillAllowed: () => Denial | undefined,
  onEnd: (end: TunnelEnd) => void,
) => Promise<Result<Tunnel, Denial>>;

export function createUpgradeForwarder(deps: {
  clock: Clock;
  health: Health;
  traffic: TrafficTally;
  limits: DialLimits & { idleTimeoutMs: number };
}): UpgradeForwarder {
  return async (request, signed, upstream, client, stillAllowed, onEnd) => {
    if (client.destroyed || client.readableEnded) return err({ code: "client_gone" });
    const path = `${request.path}${request.query}`;
    const dial = dialUpstream(upstream, path, signed.headers, deps.limits, deps.clock);
    // A client that goes away while the gateway is being asked must not crash the process, nor keep the gateway busy.
    client.on("error", ignore).on("end", dial.abort).on("close", dial.abort);
    const dialled = await dial.done;
    client.off("end", dial.abort).off("close", dial.abort);
    if (!dialled.ok) {
      const { denial, down } = dialled.error;
      if (down !== undefined) deps.health.report(upstream.endpoint, "down", down);
      return err(denial);
    }
    deps.health.report(upstream.endpoint, "up");
    const { connection, firstBytes } = dialled.value;
    const denial = stillAllowed();
    if (denial !== undefined) {
      resetSocket(connection.socket);
      return err(denial);
    }
    client.write(switchingProtocols(request.id, dialled.value), "latin1");
    const tunnel = openTunnel({
      client,
      upstream: connection,
      firstBytes,
      idleTimeoutMs: deps.limits.idleTimeoutMs,
      clock: deps.clock,
      onEnd(end) {
        deps.traffic.close(tunnel);
        onEnd(end);
      },
    });
    deps.traffic.open(tunnel);
    return ok(tunnel);
  };
}

/** In the door's own words: of the gateway's answer nothing passes but what the two agreed on. */
function switchingProtocols(requestId: string, { accept, protocol, extensions }: Handshake): string {
  const lines = [
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Accept: ${accept}`,
    `X-Request-Id: ${requestId}`,
  ];
  if (protocol !== undefined) lines.push(`Sec-WebSocket-Protocol: ${protocol}`);
  if (extensions !== undefined) lines.push(`Sec-WebSocket-Extensions: ${extensions}`);
  return `${lines.join("\r\n")}\r\n\r\n`;
}

function ignore() {}
