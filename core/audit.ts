// The audit log: one JSON line per decision, allowed or denied, apart from the operational log.
// Values are JSON-encoded, so that no name or path can start a line of its own (S98). Never a secret.
import { createWriteStream, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import type { Clock } from "./clock.ts";
import type { DenialCode } from "./denial.ts";

export type AuditKind =
  /** The door decided on one request. */
  | "decision"
  /** A gateway admitted or refused one request. */
  | "admission"
  | "login"
  | "logout"
  | "token_issued"
  /** A live connection ended; `reason` says what ended it. */
  | "connection_closed"
  | "key_set"
  | "config";

export type AuditEvent = {
  readonly kind: AuditKind;
  readonly outcome: "allowed" | "denied";
  /** The denial's code; null when allowed. */
  readonly code: DenialCode | null;
  /** The rule or fact that decided, exact: `groups.engineering`, `users["eve@example.com"].deny`, `expired`. */
  readonly reason: string;
  readonly requestId: string | null;
  readonly userId: string | null;
  readonly email: string | null;
  readonly sid: string | null;
  /** Address of the peer, after the configured proxies. */
  readonly peer: string | null;
  readonly method: string | null;
  /** Path without query: a query may hold a code. */
  readonly path: string | null;
  readonly agent: string | null;
  readonly gateway: string | null;
  readonly endpoint: string | null;
};

/** An event with what it does not concern left out: `auditEvent({ kind: "login", … })`. */
export function auditEvent(
  facts: Pick<AuditEvent, "kind" | "outcome" | "reason"> & Partial<AuditEvent>,
): AuditEvent {
  return {
    code: null,
    requestId: null,
    userId: null,
    email: null,
    sid: null,
    peer: null,
    method: null,
    path: null,
    agent: null,
    gateway: null,
    endpoint: null,
    ...facts,
  };
}

export type Audit = {
  /** Queues one line; never blocks and never throws. */
  record(event: AuditEvent): void;
  /** False while lines cannot be written and the policy is to refuse: then nobody is admitted. */
  readonly accepting: boolean;
  close(): Promise<void>;
};

export type AuditOptions = {
  /** File that lines are appended to, created `0600`. */
  readonly path: string;
  readonly onFailure: "refuse" | "continue";
  readonly clock: Clock;
  /** Called when writing starts to fail, and again (with undefined) when it works again. */
  readonly onStateChange: (failure: Error | undefined) => void;
};

/** Lines that may wait for a slow disk before the log counts as failing. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024;
const REOPEN_AFTER_MS = 1_000;

export function createAuditLog(options: AuditOptions): Audit {
  mkdirSync(dirname(options.path), { recursive: true, mode: 0o700 });
  let failure: Error | undefined;
  let closed = false;
  let stream = open();

  function open() {
    const opened = createWriteStream(options.path, { flags: "a", mode: 0o600 });
    opened.on("error", (error) => {
      fail(error);
      options.clock.after(REOPEN_AFTER_MS, () => {
        if (!closed) stream = open();
      });
    });
    opened.on("open", () => recover());
    opened.on("drain", () => recover());
    return opened;
  }

  function fail(error: Error) {
    if (failure === undefined) options.onStateChange(error);
    failure = error;
  }

  function recover() {
    if (failure !== undefined) options.onStateChange(undefined);
    failure = undefined;
  }

  return {
    record(event) {
      const line = { time: new Date(options.clock.now()).toISOString(), ...event };
      if (stream.writableLength > MAX_WAITING_BYTES)
        return fail(new Error("the audit log's disk is too slow"));
      if (!stream.destroyed) stream.write(`${JSON.stringify(line)}\n`);
    },
    get accepting() {
      return failure === undefined || options.onFailure === "continue";
    },
    close() {
      closed = true;
      return new Promise((resolve) => {
        if (stream.destroyed) resolve();
        else stream.end(() => resolve());
      });
    },
  };
}
