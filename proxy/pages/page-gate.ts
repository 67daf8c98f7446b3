// What keeps a request from the page application, whatever it asks for there. Pure.
import type { Denial } from "../../core/denial.ts";
import type { ParsedRequest } from "../request/parsed-request.ts";

/** Asked most while the front door stops or is late, and the answer says what it is. */
const PROBES: readonly string[] = ["/healthz", "/readyz"];

/**
 * @param notNow why nothing new is taken on
 * @param limitBytes of a body; one without a length is counted by whoever reads it
 */
export function whyNotPage(
  request: Pick<ParsedRequest, "path" | "headers">,
  notNow: Denial | undefined,
  limitBytes: number,
): Denial | undefined {
  if (notNow !== undefined && !PROBES.includes(request.path)) return notNow;
  const length = Number(request.headers.get("content-length") ?? 0);
  return length > limitBytes ? { code: "body_too_large", limitBytes } : undefined;
}
