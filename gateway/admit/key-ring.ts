// The public keys that assertions may be signed with: of the newest signed key set that was brought here, by file or
// by control channel. It is kept on disk, so that a gateway knows its keys after a restart without anybody's help.
// Whatever else is brought, the keys accepted before it stay; without any, nobody is admitted.
import type { KeyObject } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Audit, auditEvent } from "../../core/audit.ts";
import { type KeySet, type KeySetFault, keyObjectOf, verifyKeySet } from "../../core/key-set.ts";
import type { Log } from "../../core/log.ts";
import { err, ok, type Result } from "../../core/result.ts";
import { createAcceptedNumber } from "./accepted-number.ts";
import { replaceFile } from "./replace-file.ts";

/** By `kid`, the key's thumbprint. */
export type AcceptedKeys = ReadonlyMap<string, KeyObject>;

export type KeySetRefusal = KeySetFault | "wrong_issuer" | "not_kept";

export type KeyRing = {
  /** Undefined until a key set was accepted. */
  keys(): AcceptedKeys | undefined;
  /** Of the set that the keys are of; 0 without one. */
  number(): number;
  /**
   * Takes over a set if it is signed by the pinned key for this issuer and not older than any accepted before. One
   * after the other; resolves when the verdict counts.
   * @param envelope untrusted
   * @param source who brought it, for log and audit
   * @returns the number of the set now in hand
   */
  take(envelope: string, source: string): Promise<Result<number, KeySetRefusal>>;
  /** Resolves when everything brought so far has its verdict and nothing more is written for it. */
  idle(): Promise<void>;
};

export type KeyRingOptions = {
  /** Where the newest set and its number are kept. */
  readonly folder: string;
  readonly trustThumbprint: string;
  readonly issuer: string;
  readonly log: Log;
  readonly audit: Audit;
};

const CACHE_FILE = "key-set.jwt";
const NUMBER_FILE = "key-set-number";

/** Begins with the set that was kept. Never fails because of a set: without a good one it waits for one. */
export async function openKeyRing(options: KeyRingOptions): Promise<KeyRing> {
  const { folder, log, audit } = options;
  const cache = join(folder, CACHE_FILE);
  const acceptedNumber = createAcceptedNumber(join(folder, NUMBER_FILE));
  let inHand: { readonly envelope: string; readonly number: number; readonly keys: AcceptedKeys } | undefined;
  let taking: Promise<unknown> = Promise.resolve();

  async function takeNext(envelope: string, source: string): Promise<Result<number, KeySetRefusal>> {
    if (inHand?.envelope === envelope) return ok(inHand.number);
    const verdict = await judgeAndKeep(envelope).catch((error: unknown) => {
      log.error({ err: error }, "a key set cannot be kept");
      return err("not_kept" as const);
    });
    if (!verdict.ok) {
      refuse(verdict.error, source);
      return verdict;
    }
    const { number, keys } = verdict.value;
    inHand = { envelope, number, keys: new Map(keys.map((key) => [key.kid, keyObjectOf(key)])) };
    const reason = `key set ${number} accepted from ${source}`;
    log.info({ number, keys: keys.length }, reason);
    audit.record(auditEvent({ kind: "key_set", outcome: "allowed", reason }));
    return ok(number);
  }

  // On disk before it counts: accepted without its number, it would fail open at the next start. The set before its
  // number: the other way round, a crash between them would leave a gateway that refuses the only set it has.
  async function judgeAndKeep(envelope: string): Promise<Result<KeySet, KeySetRefusal>> {
    const verdict = judge(envelope, options, await acceptedNumber.read());
    if (!verdict.ok) return verdict;
    await replaceFile(cache, `${envelope}\n`);
    await acceptedNumber.write(verdict.value.number);
    return verdict;
  }

  function refuse(fault: KeySetRefusal, source: string) {
    const standing =
      inHand === undefined ? "nobody is admitted until there is a good one" : "the last one stays";
    log[inHand === undefined ? "error" : "warn"](
      { fault },
      `the key set from ${source} is refused (${fault}); ${standing}`,
    );
    audit.record(auditEvent({ kind: "key_set", outcome: "denied", reason: `${fault}, from ${source}` }));
  }

  function take(envelope: string, source: string): Promise<Result<number, KeySetRefusal>> {
    const taken = taking.then(() => takeNext(envelope.trim(), source));
    taking = taken;
    return taken;
  }

  const kept = await readFile(cache, "utf8").catch(() => undefined);
  if (kept !== undefined) await take(kept, "this gateway's own cache");

  return {
    keys: () => inHand?.keys,
    number: () => inHand?.number ?? 0,
    take,
    async idle() {
      await taking;
    },
  };
}

function judge(
  envelope: string,
  { trustThumbprint, issuer }: KeyRingOptions,
  lowestNumber: number,
): Result<KeySet, KeySetRefusal> {
  const verified = verifyKeySet(envelope, trustThumbprint, lowestNumber);
  if (!verified.ok) return verified;
  // Signed by the right door for another name: its assertions would all be refused, so say it here.
  if (verified.value.issuer !== issuer) return err("wrong_issuer");
  return ok(verified.value);
}
