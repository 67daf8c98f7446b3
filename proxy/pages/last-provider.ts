// A cookie that remembers which provider this browser last signed in with, so that the choice names it first. It holds
// the provider's id and nothing else, and decides nothing.
import type { Response } from "express";
import type { ParsedRequest } from "../request/parsed-request.ts";
import { cookieAttributes } from "./relying-party.ts";

const YEAR_MS = 365 * 24 * 60 * 60_000;

export type LastProvider = {
  remember(response: Response, provider: string): void;
  /** Untrusted; undefined when the browser brings none, or more than one. */
  of(request: ParsedRequest): string | undefined;
};

export function createLastProvider(publicUrl: string): LastProvider {
  // Not `__Host-` on loopback http, where browsers refuse it.
  const name = publicUrl.startsWith("https:") ? "__Host-gatehouse-provider" : "gatehouse-provider";
  return {
    remember: (response, provider) =>
      void response.cookie(name, provider, { ...cookieAttributes(publicUrl), maxAge: YEAR_MS }),
    of({ headers }) {
      const pairs = (headers.get("cookie") ?? "").split(";").map((pair) => pair.trim());
      const found = pairs.filter((pair) => pair.startsWith(`${name}=`));
      return found.length === 1 ? found[0]?.slice(name.length + 1) : undefined;
    },
  };
}
