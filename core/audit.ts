// The audit log: one JSON line per decision, allowed or denied, apart from the operational log.
// Values are JSON-encoded, so that no name or path can start a line of its own (S98). Never a secret.
import { appendFileSync, mkdirSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
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
  /** A control channel was opened, refused or broken off. */
  | "control_channel"
  /** The provider confirmed a session under other groups or another e-mail. */
  | "refresh"
  /** The provider's clock and ours are too far apart. */
  | "clock_skew"
  | "config"
  /** Somebody on the door's own host asked for it by command. */
  | "admin";

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
  /** Id of the OpenID provider that it came from or is about. */
  readonly provider: string | null;
  /** Address of the peer, after the configured proxies. */
  readonly peer: string | null;
  readonly method: string | null;
  /** Path without query: a query may hold a code. */
  readonly path: string | null;
  readonly agent: string | null;
  readonly gateway: string | null;
  readonly endpoint: string | null;
  /** Number of the event that caused it. */
  readonly event: number | null;
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
    provider: null,
    peer: null,
    method: null,
    path: null,
    agent: null,
    gateway: null,
    endpoint: null,
    event: null,
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
  /** After a write, lines of this long go to the disk together. */
  readonly gatherMs: number;
  /** Called when writing starts to fail, and again (with undefined) when it works again. */
  readonly onStateChange: (failure: Error | undefined) => void;
};

/** Characters that may wait for the disk; past them lines are lost, and the log counts as failing. */
const MAX_WAITING = 4 * 1024 * 1024;
const REOPEN_AFTER_MS = 1_000;

/**
 * Lines that a process gathers or could not write yet are written as it exits, whatever ends it but a kill.
 */
export function createAuditLog(options: AuditOptions): Audit {
  const { path, clock } = options;
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  /** Lines recorded and not known to be written, oldest first. A failure keeps them for the file's next opening. */
  const waiting: string[] = [];
  let waitingLength = 0;
  /** How many of them are on their way to the disk. */
  let writing = 0;
  /** A full disk may have taken half a line: the next one must not continue it. */
  let isTorn = false;
  let flushSoon = false;
  let flushedAt = Number.NEGATIVE_INFINITY;
  let failure: Error | undefined;
  let closed = false;
  let file: FileHandle | undefined;
  /** The last thing done with the file; one at a time. */
  let step = openFile();

  async function openFile() {
    try {
      file = await open(path, "a", 0o600);
    } catch (error) {
      return fail(error);
    }
    recoverIfWritten();
    flush();
  }

  function flush() {
    flushSoon = false;
    if (closed || file === undefined || writing > 0 || waiting.length === 0) return;
    step = write(file);
  }

  async function write(to: FileHandle) {
    flushedAt = clock.monotonic();
    const text = waiting.join("");
    writing = waiting.length;
    try {
      await writeWhole(to, textBehind(text));
    } catch (error) {
      isTorn = true;
      file = undefined;
      writing = 0;
      fail(error);
      return to.close().catch(() => {});
    }
    isTorn = false;
    waiting.splice(0, writing);
    waitingLength -= text.length;
    writing = 0;
    recoverIfWritten();
    if (waiting.length > 0) flushInTime();
  }

  function textBehind(text: string): string {
    return isTorn ? `\n${text}` : text;
  }

  function flushInTime() {
    if (flushSoon) return;
    const sinceLast = clock.monotonic() - flushedAt;
    if (sinceLast >= options.gatherMs) return flush();
    flushSoon = true;
    setTimeout(flush, options.gatherMs - sinceLast);
  }

  function fail(error: unknown) {
    sayFailure(error as Error);
    clock.after(REOPEN_AFTER_MS, () => {
      if (!closed) step = openFile();
    });
  }

  function sayFailure(error: Error) {
    if (failure === undefined) options.onStateChange(error);
    failure = error;
  }

  // That the file opens again proves little (a full disk opens): what waits must have been written too.
  function recoverIfWritten() {
    if (failure === undefined || waiting.length > 0) return;
    failure = undefined;
    options.onStateChange(undefined);
  }

  // A second signal and an unexpected fault end the process where it stands. What is on its way arrives: Node lets its
  // threads finish.
  function writeRest() {
    const rest = waiting.slice(writing).join("");
    if (rest === "") return;
    try {
      appendFileSync(path, textBehind(rest), { mode: 0o600 });
    } catch {
      // Nobody is left to be told.
    }
  }

  // Before the operational log is written out: that may have to wait for whoever reads it.
  process.prependListener("exit", writeRest);

  return {
    record(event) {
      if (waitingLength > MAX_WAITING) return sayFailure(new Error("the audit log's disk is too slow"));
      const time = new Date(clock.now()).toISOString();
      const line = `{"time":"${time}",${JSON.stringify(event).slice(1)}\n`;
      waiting.push(line);
      waitingLength += line.length;
      flushInTime();
    },
    get accepting() {
      return failure === undefined || options.onFailure === "continue";
    },
    async close() {
      closed = true;
      await step;
      if (file !== undefined && waiting.length > 0) await write(file);
      await file?.close();
      process.off("exit", writeRest);
    },
  };
}

async function writeWhole(file: FileHandle, text: string): Promise<void> {
  const bytes = Buffer.from(text);
  for (let written = 0; written < bytes.length; )
    written += (await file.write(bytes, written, bytes.length - written, null)).bytesWritten;
}
