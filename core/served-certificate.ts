// Keeps a TLS listener's certificate as its files are: a pair that is whole is taken over for new handshakes, anything
// else leaves the one in use. Says in good time that it is about to expire.
import type { Server } from "node:http";
import type { Server as TlsServer } from "node:tls";
import { judgeDates, remedyOf } from "./certificate-dates.ts";
import type { Clock } from "./clock.ts";
import { ConfigError, formatIssue } from "./config-error.ts";
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
  /** Milliseconds since 1970. */
  expiresAt(): number;
  stop(): void;
};

export type OwnCertificate = {
  /** What the listener is to be created with. */
  readonly first: TlsCertificate;
  /** @param server created with `first` */
  serve(server: Server, deps: { readonly clock: Clock; readonly log: Log }): ServedCertificate;
};

const LOOK_EVERY_MS = 12 * 60 * 60 * 1000;

/**
 * @param key path of the two files in the configuration, such as `gateway.tls`
 * @throws ConfigError when they cannot be used: to be called before anything else is opened
 */
export function openCertificate(
  files: CertificateFiles | undefined,
  key: string,
): OwnCertificate | undefined {
  if (files === undefined) return undefined;
  const read = () => readCertificate(files, key);
  const first = read();
  if (!first.ok) throw new ConfigError(first.error);
  return {
    first: first.value,
    // A server over TLS, although node:http's type does not say so.
    serve: (server, { clock, log }) =>
      follow(server as Server & TlsServer, first.value, { files, read, clock, log }),
  };
}

type FollowDeps = {
  readonly files: CertificateFiles;
  readonly read: () => ReturnType<typeof readCertificate>;
  readonly clock: Clock;
  readonly log: Log;
};

function follow(
  server: TlsServer,
  first: TlsCertificate,
  { files, read, clock, log }: FollowDeps,
): ServedCertificate {
  let current = first;
  let cancelLook = () => {};

  async function takeOver() {
    const changed = read();
    if (!changed.ok) return keep(changed.error.map(formatIssue).join("; "));
    const next = changed.value;
    if (next.cert === current.cert && next.key === current.key) return;
    const [verdict, before] = [judge(next), judge(current)];
    if (verdict.state === "expired" && before.state !== "expired") return keep(`it ${verdict.said}`);
    server.setSecureContext(tlsOptions(next));
    current = next;
    log.info({ ...factsOf(next), files }, "a new certificate is in use");
    sayExpiry();
  }

  function keep(fault: string) {
    log.error({ fault }, "the changed certificate files are not taken over: the certificate in use stays");
  }

  function judge(certificate: TlsCertificate) {
    return judgeDates(certificate, clock.now());
  }

  function sayExpiry() {
    const verdict = judge(current);
    if (verdict.state === "ok") return;
    log.warn({ ...factsOf(current), files }, `the certificate ${verdict.said}: ${remedyOf(verdict)}`);
  }

  function look() {
    sayExpiry();
    cancelLook = clock.after(LOOK_EVERY_MS, look);
  }

  look();
  const stopWatching = watchFiles([files.certificate, files.key], { clock, log, onChange: takeOver });
  return {
    state: () => judge(current).said,
    expiresAt: () => current.expiresAt,
    stop() {
      cancelLook();
      stopWatching();
    },
  };
}

function factsOf({ fingerprint, expiresAt }: TlsCertificate) {
  return { fingerprint, expires: new Date(expiresAt).toISOString() };
}
