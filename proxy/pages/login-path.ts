// Our own addresses of signing in, and what their queries say. Pure.
import type { ParsedRequest } from "../request/parsed-request.ts";
import { returnPath } from "./return-path.ts";

export const LOGIN_PATH = "/auth/login";
const CALLBACK_PATH = "/auth/callback";

export type LoginTarget = {
  /** Path of this origin. */
  readonly returnTo: string;
  /** Id of the provider to go to; undefined where there is one, or where the person is to choose. */
  readonly provider?: string | undefined;
  readonly restarts?: number;
};

export function loginPath({ returnTo, provider, restarts }: LoginTarget): string {
  const query = new URLSearchParams({ return_to: returnTo });
  if (provider !== undefined) query.set("provider", provider);
  if (restarts !== undefined) query.set("restarts", String(restarts));
  return `${LOGIN_PATH}?${query}`;
}

/**
 * Where a provider sends people back. With several providers each has its own: an answer at one's address to a login
 * begun at another is a mix-up, whether or not the answer says whose it is (RFC 9700 §4.4.2.2, RFC 9207).
 */
export function callbackPath(provider: string, several: boolean): string {
  return several ? `${CALLBACK_PATH}/${provider}` : CALLBACK_PATH;
}

/** Where this login is to end: a path of this origin, whatever the query says. */
export function wantedPath({ query }: ParsedRequest, publicUrl: string): string {
  return returnPath(onlyOne(query, "return_to"), publicUrl);
}

/** Untrusted; undefined unless the query names exactly one. */
export function namedProvider({ query }: ParsedRequest): string | undefined {
  return onlyOne(query, "provider");
}

function onlyOne(query: string, name: string): string | undefined {
  const values = new URLSearchParams(query).getAll(name);
  return values.length === 1 ? values[0] : undefined;
}
