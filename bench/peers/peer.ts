// One thing that is measured: where the load goes, and whose CPU time counts.
import type { Result } from "../../core/result.ts";

/** Where requests go. All peers stand before the same backend and get the same requests but for these headers. */
export type Address = {
  readonly port: number;
  /** `host:port`, as the Host header has it. */
  readonly authority: string;
  /** Path of HTTP requests and of WebSockets; not every peer tells them apart. */
  readonly paths: { readonly http: string; readonly webSocket: string };
  /** What proves who asks, where anybody wants to know: `cookie: …`. */
  readonly headers: readonly string[];
  /** Each HTTP request has one that the others do not have. */
  readonly changingFields?: boolean;
  /** Certificate to trust; left out: no TLS. */
  readonly certificate?: string;
};

export type Peer = {
  readonly name: PeerName;
  readonly address: Address;
  /** Processes on the proxy's core. None for the backend itself. */
  readonly pids: readonly number[];
};

export type PeerName =
  | "direct"
  | "TCP pipe"
  | "own splice, bare"
  | "bare undici dispatch"
  | "ws on both sides"
  | "express + express-openid-connect + http-proxy"
  | "HAProxy"
  | "HAProxy verifying ES256"
  | "nginx"
  | "nginx auth_request + express-openid-connect"
  | "Gatehouse"
  | "Gatehouse, other fields each time"
  | "Gatehouse, nginx as data plane";

/** A peer, or why it cannot be measured here. */
export type StartedPeer = Result<Peer, string>;

/** For peers that ask nobody who they are: the cookie only makes requests alike. */
export function openAddress(port: number): Address {
  return {
    port,
    authority: `127.0.0.1:${port}`,
    paths: { http: HTTP_PATH, webSocket: WEB_SOCKET_PATH },
    headers: [`cookie: session=${"x".repeat(43)}`, `origin: http://127.0.0.1:${port}`],
  };
}

export const HTTP_PATH = "/agents/assistant/data";
export const WEB_SOCKET_PATH = "/agents/assistant/ws";
