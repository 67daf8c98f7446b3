// Fetches one JSON document of the provider: no redirect, a deadline, a cap on its size (S122). The body is
// untrusted and is only parsed here.
import type { Clock } from "../core/clock.ts";
import { err, ok, type Result } from "../core/result.ts";

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export type CappedFetchDeps = {
  readonly fetch: Fetch;
  readonly clock: Clock;
  /** For connecting, the answer's head and its body together. */
  readonly timeoutMs: number;
};

export const MAX_DOCUMENT_BYTES = 1024 * 1024;

/** @returns the parsed document, or what went wrong, for the audit log */
export async function fetchCappedJson(
  url: string,
  { fetch, clock, timeoutMs }: CappedFetchDeps,
): Promise<Result<unknown, string>> {
  const deadline = new AbortController();
  const cancelDeadline = clock.after(timeoutMs, () => deadline.abort());
  try {
    // A redirect could lead to an address inside our own network.
    const headers = { accept: "application/json" };
    const answer = await fetch(url, { signal: deadline.signal, redirect: "manual", headers });
    if (answer.status !== 200) return err(`${url} answered ${answer.status}`);
    const text = await readCapped(answer);
    if (text === undefined) return err(`${url} answered more than ${MAX_DOCUMENT_BYTES} bytes`);
    return parseJson(url, text);
  } catch (error) {
    if (deadline.signal.aborted) return err(`${url} did not answer within ${timeoutMs} ms`);
    return err(`${url} cannot be reached (${reasonOf(error)})`);
  } finally {
    cancelDeadline();
    // Ends what was not read to its end; nothing happens when it was.
    deadline.abort();
  }
}

async function readCapped(answer: Response): Promise<string | undefined> {
  if (answer.body === null) return "";
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of answer.body as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > MAX_DOCUMENT_BYTES) return undefined;
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function parseJson(url: string, text: string): Result<unknown, string> {
  try {
    return ok(JSON.parse(text));
  } catch {
    return err(`${url} answered something that is not JSON`);
  }
}

// The message of fetch is always "fetch failed"; its cause has the code, such as ECONNREFUSED.
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return "unknown error";
  const { cause } = error as { cause?: { code?: unknown } };
  return typeof cause?.code === "string" ? cause.code : error.message;
}
