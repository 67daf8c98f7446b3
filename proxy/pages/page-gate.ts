// What keeps a request from the page application, whatever it asks for there. Pure.
import type { Denial } from "../../core/denial.ts";
import type { ParsedRequest } from "../request/parsed-request.ts";

/** Asked most while the front door stops, and the answer says that it does. */
const PROBES: readonly string[] = ["/healthz", "/readyz"];

/** @param limitBytes of a body; one without a length is counted by whoever reads it */
export function whyNotPage(
  request: Pick<ParsedRequest, "path" | "headers">,
  { stopping, limitBytes }: { readonly stopping: boolean; readonly limitBytes: number },
): Denial | undefined {
  if (stopping && !PROBES.includes(request.path)) return { code: "stopping" };
  const length = Number(request.headers.get("content-length") ?? 0);
  return length > limitBytes ? { code: "body_too_large", limitBytes } : undefined;
}
