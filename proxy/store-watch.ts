// Asks the store now and then whether it is there. While it is not, nobody new is let in, but what is open would go on
// without anybody able to end it: after half a minute it is closed.
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { Store } from "../core/store.ts";

export type StoreWatch = {
  state(): "ok" | "does not answer";
  stop(): void;
};

export type StoreWatchDeps = {
  readonly store: Pick<Store, "lastEventNumber">;
  /** It has not answered for so long that what is open must end. Called once each time. */
  readonly onSilence: () => void;
  readonly clock: Clock;
  readonly log: Log;
};

const ASK_EVERY_MS = 5_000;
/** Half a minute. Counted in questions, not in time: a process that was held up itself has asked nothing meanwhile. */
const QUESTIONS_UNTIL_SILENCE = 6;

export function watchStore({ store, onSilence, clock, log }: StoreWatchDeps): StoreWatch {
  let sinceAnswer = 0;
  let isAway = false;
  let hasEnded = false;
  let cancelNext = clock.after(ASK_EVERY_MS, ask);

  function ask() {
    cancelNext = clock.after(ASK_EVERY_MS, ask);
    sinceAnswer += 1;
    store.lastEventNumber().then(answered, away);
    // An answer that has come while this process was busy counts: it is heard first.
    setImmediate(judge);
  }

  function judge() {
    if (sinceAnswer > 1) away();
    if (sinceAnswer < QUESTIONS_UNTIL_SILENCE || hasEnded) return;
    hasEnded = true;
    log.error("the store has not answered for half a minute: everything that is open ends");
    onSilence();
  }

  function answered() {
    sinceAnswer = 0;
    if (isAway) log.info("the store answers again");
    isAway = false;
    hasEnded = false;
  }

  function away() {
    if (!isAway) log.error("the store does not answer: nobody new is let in");
    isAway = true;
  }

  return { state: () => (isAway ? "does not answer" : "ok"), stop: () => cancelNext() };
}
