// Keeps a TLS listener's certificate as its files are: a pair that is whole is taken over for new handshakes, anything
// else leaves the one in use. Says in good time that it is about to expire.
import type { Server } from "node:tls";
import type { Clock } from "./clock.ts";
import { formatIssue } from "./config-error.ts";
import type { Log } from "./log.ts";
import {
  type CertificateFiles,
  readCertificate,
  type TlsCertificate,
  tlsOptions,
} from "./tls-certificate.ts";
import { watchFiles } from "./watch-files.ts";

export type ServedCertificate = {
  /** `ok`, or when it expires, for operations. */
  state(): string;
  stop(): void;
};

export type ServedCertificateDeps = {
  readonly files: CertificateFiles;
  /** Path of the two files in the configuration, such as `gateway.tls`. */
  readonly key: string;
  readonly clock: Clock;
  readonly log: Log;
};

const DAY_MS = 24 * 60 * 60 * 1000;
const WARN_BEFORE_MS = 14 * DAY_MS;
const LOOK_EVERY_MS = DAY_MS / 2;

/** @param first what the listener was created with */
export function serveCertificate(
  server: Pick<Server, "setSecureContext">,
  first: TlsCertificate,
  { files, key, clock, log }: ServedCertificateDeps,
): ServedCertificate {
  let current = first;
  let cancelLook = () => {};

  async function takeOver() {
    const read = readCertificate(files, key);
    if (!read.ok) return keep(formatIssue(read.error));
    const next = read.value;
    if (next.cert === current.cert && next.key === current.key) return;
    if (hasExpired(next) && !hasExpired(current)) return keep(`it has expired on ${dayOf(next.expiresAt)}`);
    server.setSecureContext(tlsOptions(next));
    current = next;
    log.info({ ...factsOf(next), files }, "a new certificate is in use");
    sayExpiry();
  }

  function keep(fault: string) {
    log.error({ fault }, "the changed certificate files are not taken over: the certificate in use stays");
  }

  function hasExpired({ expiresAt }: TlsCertificate): boolean {
    return expiresAt <= clock.now();
  }

  function state(): string {
    const { validFrom, expiresAt } = current;
    if (hasExpired(current)) return `expired on ${dayOf(expiresAt)}`;
    // One that lives for a few days only is renewed when two thirds of them are over.
    const inGoodTimeMs = Math.min(WARN_BEFORE_MS, (expiresAt - validFrom) / 3);
    return expiresAt - clock.now() > inGoodTimeMs ? "ok" : `expires on ${dayOf(expiresAt)}`;
  }

  function sayExpiry() {
    const said = state();
    if (said !== "ok") log.warn({ ...factsOf(current), files }, `the certificate ${said}: renew it`);
  }

  function look() {
    sayExpiry();
    cancelLook = clock.after(LOOK_EVERY_MS, look);
  }

  look();
  const stopWatching = watchFiles([files.certificate, files.key], { clock, log, onChange: takeOver });
  return {
    state,
    stop() {
      cancelLook();
      stopWatching();
    },
  };
}

function factsOf({ fingerprint, expiresAt }: TlsCertificate) {
  return { fingerprint, expires: new Date(expiresAt).toISOString() };
}

/** `2026-11-21` */
function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}
