// What a proxy asks about: the client's request, as the proxy describes it to `/auth/verify`. The description is
// believed because only the proxy reaches the private listener; what the client itself said is judged as ever.
import { err, ok, type Result } from "../../core/result.ts";
import type { RequestHead } from "../request/parse-request.ts";

/** The names that Traefik and Caddy use by themselves. Each exactly once: twice is the proxy's word beside a client's. */
const DESCRIPTION = ["x-forwarded-method", "x-forwarded-uri", "x-forwarded-host"] as const;
/** Of the connection between proxy and door, not of the client's request (RFC 9110 §7.6.1). */
const OF_THE_HOP = new Set<string>(["host", "connection", "upgrade", ...DESCRIPTION]);

/** What a proxy has sent. */
export type Question = Pick<RequestHead, "method" | "rawHeaders" | "socket">;

export type OriginalRequest = { readonly head: RequestHead; readonly isUpgrade: boolean };

/** @returns or what is wrong with the description: the proxy's configuration */
export function originalRequest(asked: Question): Result<OriginalRequest, string> {
  const said = new Map<string, string[]>(DESCRIPTION.map((name) => [name, []]));
  const kept: string[] = [];
  // A handshake is told by its key: a proxy keeps `Upgrade` to itself, and no other request has one (RFC 6455 §4.1).
  let isUpgrade = false;
  // In one pass over what was sent: Node's own views of it cost as much as the decision.
  for (let index = 0; index < asked.rawHeaders.length; index += 2) {
    const [name = "", value = ""] = [asked.rawHeaders[index], asked.rawHeaders[index + 1]];
    const lower = name.toLowerCase();
    if (OF_THE_HOP.has(lower)) said.get(lower)?.push(value);
    else kept.push(name, value);
    if (lower === "sec-websocket-key") isUpgrade = true;
  }
  for (const [name, values] of said)
    if (values.length !== 1) return err(`${name} must be there exactly once`);
  const [method, uri, host = ""] = DESCRIPTION.map((name) => said.get(name)?.[0]);
  const own = isUpgrade ? ["Connection", "Upgrade", "Upgrade", "websocket"] : [];
  return ok({
    isUpgrade,
    head: {
      method,
      url: uri,
      httpVersion: "1.1",
      rawHeaders: ["Host", host, ...own, ...kept],
      socket: asked.socket,
    },
  });
}
