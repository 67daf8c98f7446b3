// What one login carries through the provider and back: where to go afterwards, and how often it was restarted.
// The library binds the text to the browser's cookie; read from a URL it is untrusted.
import { randomBytes } from "node:crypto";
import { returnPath } from "./return-path.ts";

export type LoginState = {
  /** Id of the provider that it was begun with. */
  readonly provider: string;
  /** Path of this origin. */
  readonly returnTo: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly restarts: number;
  /** Makes every state another one. */
  readonly id: string;
};

/** The callback of one login may start another this many times, so that two tabs both arrive. */
export const MAX_RESTARTS = 2;

export function newLoginState(
  provider: string,
  returnTo: string,
  startedAt: number,
  restarts: number,
): LoginState {
  return { provider, returnTo, startedAt, restarts, id: randomBytes(16).toString("base64url") };
}

/** @param query untrusted, of the callback; undefined unless it holds exactly one state of our form */
export function loginStateIn(query: string): LoginState | undefined {
  const states = new URLSearchParams(query).getAll("state");
  if (states.length !== 1) return undefined;
  try {
    return parse(JSON.parse(Buffer.from(states[0] ?? "", "base64url").toString("utf8")));
  } catch {
    return undefined;
  }
}

/**
 * Where the login that a callback answers is to end: a path of this origin, whatever the state says.
 * @param query untrusted, of the callback
 */
export function returnAfter(query: string, publicUrl: string): string {
  const returnTo = loginStateIn(query)?.returnTo;
  const path = returnTo?.startsWith(`${publicUrl}/`) ? returnTo.slice(publicUrl.length) : undefined;
  return returnPath(path, publicUrl);
}

/**
 * Which login the browser remembers: none, the one that this callback answers, or another, begun by another tab.
 * Both sides are untrusted; nothing but starting once more hangs on it.
 * @param query of the callback
 * @param cookies value of the `Cookie` header
 */
export function rememberedLogin(
  query: string,
  cookies: string | undefined,
  cookieName: string,
): "none" | "this" | "another" {
  const record = (cookies ?? "").split(";").find((pair) => pair.trim().startsWith(`${cookieName}=`));
  if (record === undefined) return "none";
  return recordedState(record) === new URLSearchParams(query).get("state") ? "this" : "another";
}

// `name=<JSON, percent-encoded>.<signature>`, as the library writes it.
function recordedState(record: string): unknown {
  const encoded = record.slice(record.indexOf("=") + 1, record.lastIndexOf("."));
  try {
    return (JSON.parse(decodeURIComponent(encoded)) as { state?: unknown } | null)?.state;
  } catch {
    return undefined;
  }
}

/** @param query untrusted, of the login; 0 unless it says otherwise in our form */
export function restartsIn(query: string): number {
  const restarts = new URLSearchParams(query).get("restarts");
  return restarts !== null && isRestarts(Number(restarts)) ? Number(restarts) : 0;
}

function parse(value: unknown): LoginState | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { provider, returnTo, startedAt, restarts, id } = value as Record<string, unknown>;
  if (typeof provider !== "string" || typeof id !== "string") return undefined;
  if (typeof returnTo !== "string" || typeof startedAt !== "number") return undefined;
  return isRestarts(restarts) ? { provider, returnTo, startedAt, restarts, id } : undefined;
}

function isRestarts(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MAX_RESTARTS;
}
