// Opens connections to gateways, all of them: plain requests, WebSockets, health probes and control channels go through
// here, so that there is one place in which a certificate is judged. Nothing is handed out, and so nothing written,
// before the other end has proved to be the one that is meant. No TLS session is ever resumed: every connection proves
// it anew (S123).
import { lookup } from "node:dns";
import { connect, isIP, type LookupFunction, type OnReadOpts, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from "node:tls";
import { isNeverTarget } from "../../config/network-zone.ts";
import type { Endpoint } from "../../config/routes.ts";
import { fingerprintOf } from "../../core/tls-certificate.ts";

/** Nobody was there, or not the one that is meant; `fault` says it to operations. */
export type Unreachable = Error & { readonly fault: string };

/**
 * A faulty connection ends in an `error` of its own; what exactly, {@link faultOf} tells.
 * @param onReady called once, when the socket may be written to
 */
export function connectEndpoint(endpoint: Endpoint, onReady: () => void, onread?: OnReadOpts): Socket {
  const { host, port, tls } = targetOf(endpoint);
  const reading = onread === undefined ? {} : { onread };
  const options = { host, port, lookup: safeLookup, ...reading };
  // Of these options, TLS passes over the ones that say so.
  if (tls === undefined) return connect({ ...options, ...KEEP_ALIVE }, onReady).setNoDelay(true);
  const socket: TLSSocket = connectTls({ ...options, ...tls }, () => {
    const fault = pinFault(socket, endpoint.fingerprint);
    if (fault !== undefined) return void socket.destroy(unreachable(fault));
    socket.setKeepAlive(KEEP_ALIVE.keepAlive, KEEP_ALIVE.keepAliveInitialDelay);
    onReady();
  });
  return socket.setNoDelay(true);
}

/** Half a minute of silence, then ten seconds of asking: a tunnel that was cut without a word is noticed. */
const KEEP_ALIVE = { keepAlive: true, keepAliveInitialDelay: 30_000 };

type Done = (...result: [error: null, socket: Socket] | [error: Error, socket: null]) => void;
type Connector = (options: unknown, done: Done) => undefined;

/** The same in the form that undici (`connect`) and node:http (`createConnection`) ask for. */
export function connectorTo(endpoint: Endpoint, timeoutMs: number): Connector {
  return (_options, done) => {
    const socket = connectEndpoint(endpoint, () => {
      clearTimeout(timer);
      socket.off("error", failed);
      done(null, socket);
    });
    const failed = (error: Error) => {
      clearTimeout(timer);
      const told = isUnreachable(error) || isOwnShortage(error);
      done(told ? error : unreachable(faultOf(error)), null);
    };
    const timer = setTimeout(() => socket.destroy(unreachable("no connection in time")), timeoutMs);
    timer.unref();
    socket.once("error", failed);
  };
}

/** This process has no files or ports left: that says nothing about the endpoint. */
export function isOwnShortage(error: unknown): boolean {
  const { code } = (error ?? {}) as NodeJS.ErrnoException;
  return typeof code === "string" && OWN_SHORTAGES.has(code);
}

const OWN_SHORTAGES = new Set(["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM", "EADDRNOTAVAIL"]);

export function isUnreachable(error: unknown): error is Unreachable {
  return error instanceof Error && "fault" in error;
}

/** Why a connection failed, in words for the log. */
export function faultOf(error: unknown): string {
  if (isUnreachable(error)) return error.fault;
  const { code } = error as NodeJS.ErrnoException;
  if (typeof code !== "string") return String(error);
  return CERTIFICATE_FAULT.test(code)
    ? `certificate is not trusted (${code}): let a CA that this machine trusts issue it for the endpoint's name, or pin it: tls.fingerprint in routes.json5`
    : code;
}

const CERTIFICATE_FAULT = /CERT|_SIGNATURE|ERR_TLS_/;

/** @param fault in words for the log */
export function unreachable(fault: string): Unreachable {
  return Object.assign(new Error(fault), { fault });
}

// With a pin there is no other rule: OpenSSL's verdict on issuer, name and dates is not asked for.
function pinFault(socket: TLSSocket, pinned: string | undefined): string | undefined {
  if (pinned === undefined) return undefined;
  const certificate = socket.getPeerX509Certificate();
  const shown = certificate === undefined ? "none" : fingerprintOf(certificate.raw);
  if (shown === pinned) return undefined;
  return `certificate is not the pinned one: it shows ${shown}; if its gateway got a new certificate, put that into tls.fingerprint in routes.json5, else somebody stands in between`;
}

// S40: a name was judged as text when it was configured, and may lead anywhere by now.
const safeLookup: LookupFunction = (name, options, done) => {
  lookup(name, { ...options, all: true }, (error, addresses) => {
    if (error !== null) return done(error, []);
    const safe = addresses.filter(({ address }) => !isNeverTarget(address));
    const [first] = safe;
    if (first === undefined) {
      const led = addresses.map(({ address }) => address).join(", ");
      return done(unreachable(`its name leads to ${led}, to which nothing is ever sent`), []);
    }
    if (options.all === true) done(null, safe);
    else done(null, first.address, first.family);
  });
};

/** Where an endpoint listens, in the form that connecting wants it. */
type Target = {
  readonly host: string;
  readonly port: number;
  /** Undefined: plain TCP. */
  readonly tls: ConnectionOptions | undefined;
};

// The same objects as long as the routing table is the same; a URL costs as much as a handshake's hash.
const targets = new WeakMap<Endpoint, Target>();

function targetOf(endpoint: Endpoint): Target {
  const known = targets.get(endpoint);
  if (known !== undefined) return known;
  const url = new URL(endpoint.url);
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const secure = url.protocol === "https:";
  const target: Target = {
    host,
    port: url.port === "" ? (secure ? 443 : 80) : Number(url.port),
    tls: secure ? tlsOptionsOf(host, endpoint.fingerprint) : undefined,
  };
  targets.set(endpoint, target);
  return target;
}

function tlsOptionsOf(host: string, pinned: string | undefined): ConnectionOptions {
  return {
    minVersion: "TLSv1.2",
    ALPNProtocols: ["http/1.1"],
    // RFC 6066 §3: an address is no server name.
    servername: isIP(host) === 0 ? host : "",
    // Only together with a pin, which is checked before the socket is handed out.
    rejectUnauthorized: pinned === undefined,
  };
}
