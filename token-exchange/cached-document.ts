// A document of the provider, kept for a while: one request at a time however many ask, the old one while a new
// one cannot be had, and a rest after each failure, so that nobody can make us flood the provider (S82).
import type { Clock } from "../core/clock.ts";
import { err, ok, type Result } from "../core/result.ts";

export type CachedDocument<T> = {
  /** The document, fetched when there is none or it is older than {@link FRESH_FOR_MS}. */
  get(): Promise<Result<T, string>>;
  /** The document, and that it could be had just now: unlike {@link get}, an old one does not stand in for a new one. */
  confirm(): Promise<Result<T, string>>;
  /** Fetches now, at most once per {@link REFETCH_COOLDOWN_MS}; otherwise does nothing. */
  refetch(): Promise<void>;
  state(): DocumentState;
};

/** How the newest attempt to fetch went. */
export type DocumentState = "up" | "down" | "unknown";

/** Bounds how long a key that the provider has withdrawn is still believed. */
export const FRESH_FOR_MS = 5 * 60_000;
/** Bounds how long a new key may go unnoticed, and how often unknown key ids cause a request. */
export const REFETCH_COOLDOWN_MS = 30_000;
/** How long a success is taken for a sign that the provider is there. */
export const CONFIRMED_FOR_MS = 10_000;
export const REST_AFTER_FAILURE_MS = 2_000;

export function createCachedDocument<T>(
  load: () => Promise<Result<T, string>>,
  clock: Clock,
): CachedDocument<T> {
  let newest: { readonly value: T; readonly at: number } | undefined;
  let failure: { readonly what: string; readonly at: number } | undefined;
  let refetchedAt = Number.NEGATIVE_INFINITY;
  let flight: Promise<void> | undefined;

  function fetchOnce(): Promise<void> {
    flight ??= load()
      .then((loaded) => {
        const at = clock.monotonic();
        failure = loaded.ok ? undefined : { what: loaded.error, at };
        if (loaded.ok) newest = { value: loaded.value, at };
      })
      .finally(() => {
        flight = undefined;
      });
    return flight;
  }

  async function fetchUnless(youngerThanMs: number): Promise<void> {
    const now = clock.monotonic();
    const fresh = newest !== undefined && now - newest.at < youngerThanMs;
    const resting = failure !== undefined && now - failure.at < REST_AFTER_FAILURE_MS;
    if (!fresh && !resting) await fetchOnce();
  }

  return {
    async get() {
      await fetchUnless(FRESH_FOR_MS);
      if (newest !== undefined) return ok(newest.value);
      return err(failure?.what ?? "not fetched yet");
    },

    async confirm() {
      await fetchUnless(CONFIRMED_FOR_MS);
      if (newest !== undefined && failure === undefined) return ok(newest.value);
      return err(failure?.what ?? "not fetched yet");
    },

    async refetch() {
      const now = clock.monotonic();
      if (flight === undefined && now - refetchedAt < REFETCH_COOLDOWN_MS) return;
      if (flight === undefined) refetchedAt = now;
      await fetchOnce();
    },

    state() {
      if (failure !== undefined) return "down";
      return newest === undefined ? "unknown" : "up";
    },
  };
}
