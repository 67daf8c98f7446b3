// The public keys that assertions may be signed with: read from the signed key set file, and again whenever it
// changes. Whatever is wrong with the file, the keys accepted before it stay; without any, nobody is admitted.
import type { KeyObject } from "node:crypto";
import { type FSWatcher, watch } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { type Audit, auditEvent } from "../../core/audit.ts";
import type { Clock } from "../../core/clock.ts";
import { type KeySet, type KeySetFault, keyObjectOf, verifyKeySet } from "../../core/key-set.ts";
import type { Log } from "../../core/log.ts";
import { err, ok, type Result } from "../../core/result.ts";
import type { AcceptedNumber } from "./accepted-number.ts";

/** By `kid`, the key's thumbprint. */
export type AcceptedKeys = ReadonlyMap<string, KeyObject>;

export type KeyRing = {
  /** Undefined until a key set was accepted. */
  keys(): AcceptedKeys | undefined;
  /** Reads the file now, if it changed; resolves when its verdict counts. */
  refresh(): Promise<void>;
  close(): void;
};

export type KeyRingOptions = {
  /** Path of the envelope that the front door signed. Untrusted until verified. */
  readonly path: string;
  readonly trustThumbprint: string;
  readonly issuer: string;
  readonly acceptedNumber: AcceptedNumber;
  readonly clock: Clock;
  readonly log: Log;
  readonly audit: Audit;
};

/** Beside the folder's own events, which network and container mounts may not deliver. */
const POLL_MS = 5_000;

type KeySetRefusal = KeySetFault | "missing" | "wrong_issuer";

/** Never fails because of the file: without a good one it waits until there is one. */
export async function openKeyRing(options: KeyRingOptions): Promise<KeyRing> {
  const { path, clock, log, audit } = options;
  let keys: AcceptedKeys | undefined;
  /** What the last verdict was about; a file that is not there has a verdict too. */
  let judged: { readonly text: string | undefined } | undefined;
  let watcher: FSWatcher | undefined;
  let closed = false;
  let reading: Promise<void> = Promise.resolve();

  async function readOnce() {
    const text = await readFile(path, "utf8").catch(() => undefined);
    if (closed || (judged !== undefined && judged.text === text)) return;
    const lowest = await options.acceptedNumber.read();
    const verdict = judge(text, options, lowest);
    // A file replaced half-way is judged again at its next change.
    judged = { text };
    if (!verdict.ok) return refuse(verdict.error);
    await options.acceptedNumber.write(verdict.value.number);
    keys = new Map(verdict.value.keys.map((key) => [key.kid, keyObjectOf(key)]));
    const reason = `key set ${verdict.value.number} accepted`;
    log.info({ number: verdict.value.number, keys: keys.size }, reason);
    audit.record(auditEvent({ kind: "key_set", outcome: "allowed", reason }));
  }

  function refuse(fault: KeySetRefusal) {
    const standing =
      keys === undefined ? "nobody is admitted until there is a good one" : "the last one stays";
    log.error({ path, fault }, `the key set file is refused (${fault}); ${standing}`);
    audit.record(auditEvent({ kind: "key_set", outcome: "denied", reason: fault }));
  }

  function refresh(): Promise<void> {
    reading = reading.then(readOnce).catch((error: unknown) => {
      // The number could not be read or kept: accepting the set without it would fail open at the next start.
      judged = undefined;
      log.error({ err: error, path }, "the key set cannot be taken over");
    });
    return reading;
  }

  function watchFolder() {
    if (watcher !== undefined) return;
    try {
      // The folder, not the file: a file replaced by rename is another file.
      watcher = watch(dirname(path), { persistent: false }, () => void refresh());
      watcher.on("error", () => {
        watcher?.close();
        watcher = undefined;
      });
    } catch {
      watcher = undefined;
    }
  }

  function poll() {
    if (closed) return;
    watchFolder();
    void refresh();
    cancelPoll = clock.after(POLL_MS, poll);
  }

  watchFolder();
  await refresh();
  let cancelPoll = clock.after(POLL_MS, poll);

  return {
    keys: () => keys,
    refresh,
    close() {
      closed = true;
      cancelPoll();
      watcher?.close();
    },
  };
}

function judge(
  text: string | undefined,
  options: KeyRingOptions,
  lowestNumber: number,
): Result<KeySet, KeySetRefusal> {
  if (text === undefined) return err("missing");
  const verified = verifyKeySet(text, options.trustThumbprint, lowestNumber);
  if (!verified.ok) return verified;
  // Signed by the right door for another name: its assertions would all be refused, so say it here.
  if (verified.value.issuer !== options.issuer) return err("wrong_issuer");
  return ok(verified.value);
}
