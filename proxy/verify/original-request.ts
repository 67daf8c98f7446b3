// What a proxy asks about: the client's request, as the proxy describes it to `/auth/verify`. The description is
// believed because only the proxy reaches the private listener; what the client itself said is judged as ever.
import type { IncomingMessage } from "node:http";
import { err, ok, type Result } from "../../core/result.ts";
import type { RequestHead } from "../request/parse-request.ts";

/** The names that Traefik and Caddy use by themselves. Each exactly once: twice is the proxy's word beside a client's. */
const DESCRIPTION = ["x-forwarded-method", "x-forwarded-uri", "x-forwarded-host"] as const;
/** Of the connection between proxy and door, not of the client's request (RFC 9110 §7.6.1). */
const OF_THE_HOP = new Set<string>(["host", "connection", "upgrade", ...DESCRIPTION]);

export type OriginalRequest = { readonly head: RequestHead; readonly isUpgrade: boolean };

/** @returns or what is wrong with the description: the proxy's configuration */
export function originalRequest(asked: IncomingMessage): Result<OriginalRequest, string> {
  const [method, uri, host] = DESCRIPTION.map((name) => asked.headersDistinct[name] ?? []);
  for (const [index, values] of [method, uri, host].entries())
    if (values?.length !== 1) return err(`${DESCRIPTION[index]} must be there exactly once`);
  // A handshake is told by its key: a proxy keeps `Upgrade` to itself, and no other request has one (RFC 6455 §4.1).
  const isUpgrade = asked.headers["sec-websocket-key"] !== undefined;
  const own = isUpgrade ? ["Connection", "Upgrade", "Upgrade", "websocket"] : [];
  return ok({
    isUpgrade,
    head: {
      method: method?.[0],
      url: uri?.[0],
      httpVersion: "1.1",
      rawHeaders: ["Host", host?.[0] ?? "", ...own, ...clientHeaders(asked.rawHeaders)],
      socket: asked.socket,
    },
  });
}

function clientHeaders(raw: readonly string[]): string[] {
  const kept: string[] = [];
  for (let index = 0; index < raw.length; index += 2) {
    const [name = "", value = ""] = raw.slice(index, index + 2);
    if (!OF_THE_HOP.has(name.toLowerCase())) kept.push(name, value);
  }
  return kept;
}
