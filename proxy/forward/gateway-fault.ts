// What it means when a gateway gave no answer that could be passed on. Pure.
import type { Denial } from "../../core/denial.ts";
import type { GatewayId } from "../../core/ids.ts";

export type GatewayFault = {
  /** Something was there: it is not down. */
  readonly reached: boolean;
  readonly denial: Denial;
};

/** @param error of undici or of the socket below it */
export function gatewayFault(error: unknown, gateway: GatewayId): GatewayFault {
  const what = codeOf(error);
  return NOT_REACHED.has(what)
    ? { reached: false, denial: { code: "gateway_unavailable", gateway } }
    : { reached: true, denial: { code: "gateway_answer_invalid", gateway, what } };
}

const NOT_REACHED: ReadonlySet<string> = new Set([
  "UND_ERR_CONNECT_TIMEOUT",
  "ECONNREFUSED",
  "ENOTFOUND",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EAI_AGAIN",
]);

function codeOf(error: unknown): string {
  if (typeof error !== "object" || error === null) return "unknown";
  const { code } = error as { code?: unknown };
  return typeof code === "string" ? code : "unknown";
}
