// Asks in growing distances whether what was refused for now would be answered by now. Asks by HEAD and follows no
// redirect: what is fetched here is thrown away. No page, no clock.
import type { After, Fetch } from "../client/ask-door.ts";

const LONGEST_MS = 60_000;
const ANSWER_WITHIN_MS = 10_000;

export type Retry = {
  start(): void;
  /** Asks at once: somebody is looking. */
  now(): void;
  pause(): void;
};

export type RetryDeps = {
  readonly href: string;
  /** What the answer asked to wait. */
  readonly firstMs: number;
  readonly fetch: Fetch;
  readonly after: After;
  readonly waiting: () => void;
  /** It would be answered, or refused for another reason: the person should see that. Called once. */
  readonly arrived: () => void;
};

export function createRetry({ href, firstMs, fetch, after, waiting, arrived }: RetryDeps): Retry {
  let waitMs = Math.min(firstMs, LONGEST_MS);
  let cancel = () => {};
  let asking = false;
  let paused = false;
  let done = false;

  function schedule() {
    cancel();
    if (done || paused) return;
    waiting();
    cancel = after(waitMs, () => void ask());
    waitMs = Math.min(waitMs * 2, LONGEST_MS);
  }

  async function ask() {
    cancel();
    if (asking || done) return;
    asking = true;
    const over = await isOver();
    asking = false;
    if (!over) return schedule();
    done = true;
    arrived();
  }

  async function isOver(): Promise<boolean> {
    const abort = new AbortController();
    const cancelTimeout = after(ANSWER_WITHIN_MS, () => abort.abort());
    try {
      const { type, status } = await fetch(href, {
        method: "HEAD",
        credentials: "same-origin",
        cache: "no-store",
        redirect: "manual",
        signal: abort.signal,
      });
      return type === "opaqueredirect" || (status !== 429 && status < 500);
    } catch {
      return false;
    } finally {
      cancelTimeout();
    }
  }

  return {
    start: schedule,
    now() {
      paused = false;
      void ask();
    },
    pause() {
      paused = true;
      cancel();
    },
  };
}
