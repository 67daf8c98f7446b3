// One request to the front door's own API, with this site's cookie and nothing else. The one file here that makes
// HTTP requests.

/** Calls once after `delayMs`; returns the function that cancels. */
export type After = (delayMs: number, action: () => void) => () => void;
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export type DoorDeps = { readonly fetch: Fetch; readonly after: After };

export type DoorAnswer = {
  readonly response: Response;
  /** JSON; undefined when it was none. */
  readonly body: unknown;
};

const ANSWER_WITHIN_MS = 10_000;

/** Undefined when nobody answered. Never rejects. */
export async function askDoor(
  { fetch, after }: DoorDeps,
  method: "GET" | "DELETE",
  path: string,
): Promise<DoorAnswer | undefined> {
  const abort = new AbortController();
  const cancelTimeout = after(ANSWER_WITHIN_MS, () => abort.abort());
  try {
    const response = await fetch(path, {
      ...(method === "GET" ? {} : { method }),
      headers: { accept: "application/json" },
      credentials: "same-origin",
      cache: "no-store",
      redirect: "error",
      signal: abort.signal,
    });
    return { response, body: await response.json().catch(() => undefined) };
  } catch {
    return undefined;
  } finally {
    cancelTimeout();
  }
}
