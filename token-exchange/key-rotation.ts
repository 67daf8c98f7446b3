// Rotates the signing keys by schedule and by command, and tells of every new key set. Which key signs when, and
// what is dropped, is the keyring's business.
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { Keyring, PublishedKeySet } from "./keyring.ts";

export type KeyRotation = {
  /** By command: publishes the next key now; it signs after the overlap. Rejects when the store does not answer. */
  rotate(): Promise<PublishedKeySet>;
  /** By command, in an emergency: what the present keys have signed counts no more. Rejects like `rotate`. */
  replace(): Promise<PublishedKeySet>;
  /** What happens every minute. Never rejects: what fails is logged, and done by the next one. */
  check(): Promise<void>;
  stop(): void;
};

export type KeyRotationDeps = {
  readonly keyring: Keyring;
  /** Age of the newest key at which another one is published. */
  readonly everyMs: number;
  readonly clock: Clock;
  readonly log: Log;
  /** Called with each key set that is newer than the last, whoever published it. */
  readonly onChange: (keySet: PublishedKeySet) => void | Promise<void>;
};

/** Also the time in which a replica learns of a key that another one has published: far below the overlap. */
const CHECK_EVERY_MS = 60_000;

export function createKeyRotation({ keyring, everyMs, clock, log, onChange }: KeyRotationDeps): KeyRotation {
  let told = keyring.keySet().number;
  let stopped = false;
  let cancelNext = () => {};

  async function tell(keySet: PublishedKeySet): Promise<PublishedKeySet> {
    if (keySet.number <= told) return keySet;
    const before = told;
    told = keySet.number;
    const keys = keyring.states().map(({ kid, state }) => `${state} ${kid}`);
    log.info({ number: keySet.number, keys }, "a new key set is published");
    try {
      await onChange(keySet);
    } catch (error) {
      // The next check tells it again.
      told = before;
      log.error({ err: error, number: keySet.number }, "a new key set could not be passed on");
    }
    return keySet;
  }

  async function check() {
    try {
      await tell(await keyring.tick());
      const newest = Math.max(...keyring.states().map(({ createdAt }) => createdAt));
      if (newest + everyMs <= clock.now()) await tell(await keyring.rotate());
    } catch (error) {
      log.error({ err: error }, "the signing keys could not be checked");
    }
  }

  function checkLater() {
    cancelNext = clock.after(CHECK_EVERY_MS, () => {
      void check().then(() => {
        if (!stopped) checkLater();
      });
    });
  }

  checkLater();
  return {
    rotate: async () => await tell(await keyring.rotate()),
    replace: async () => await tell(await keyring.replace()),
    check,
    stop() {
      stopped = true;
      cancelNext();
    },
  };
}
