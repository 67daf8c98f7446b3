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
import { acceptOf, type DialLimits, dialUpstream } from "./dial-upstream.ts";
import { resetSocket } from "./reset-socket.ts";
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
  limits: DialLimits & { idleTimeoutMs: number };
}): UpgradeForwarder {
  return async (request, signed, upstream, client, stillAllowed, onEnd) => {
    // A client that goes away while the gateway is being asked must not crash the process.
    client.on("error", () => client.destroy());
    const dialled = await dialUpstream(
      upstream,
      `${request.path}${request.query}`,
      signed.headers,
      deps.limits,
      deps.clock,
    );
    if (!dialled.ok) {
      if (!dialled.error.reached) deps.health.report(upstream.endpoint, "down");
      return err(dialled.error.denial);
    }
    deps.health.report(upstream.endpoint, "up");
    const { socket, firstBytes, protocol, extensions } = dialled.value;
    const denial = stillAllowed() ?? (client.destroyed ? ({ code: "client_gone" } as const) : undefined);
    if (denial !== undefined) {
      socket.on("error", () => {});
      resetSocket(socket);
      return err(denial);
    }
    client.write(switchingProtocols(request, protocol, extensions));
    return ok(
      openTunnel({
        client,
        upstream: socket,
        firstBytes,
        idleTimeoutMs: deps.limits.idleTimeoutMs,
        clock: deps.clock,
        onEnd,
      }),
    );
  };
}

function switchingProtocols(
  request: ParsedRequest,
  protocol: string | undefined,
  extensions: string | undefined,
): string {
  const lines = [
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Accept: ${acceptOf(request.headers.get("sec-websocket-key") ?? "")}`,
    `X-Request-Id: ${request.id}`,
  ];
  if (protocol !== undefined) lines.push(`Sec-WebSocket-Protocol: ${protocol}`);
  if (extensions !== undefined) lines.push(`Sec-WebSocket-Extensions: ${extensions}`);
  return `${lines.join("\r\n")}\r\n\r\n`;
}
