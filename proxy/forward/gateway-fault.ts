// What it means when a gateway gave no answer that could be passed on. Pure.
import type { Denial } from "../../core/denial.ts";
import type { GatewayId } from "../../core/ids.ts";
import { isOwnShortage, isUnreachable } from "../route/connect-endpoint.ts";

export type GatewayFault = {
  readonly denial: Denial;
  /** Why nobody is there, for operations: then the endpoint is down. Undefined when something was there. */
  readonly down: string | undefined;
};

/** @param error of undici or of the connection below it */
export function gatewayFault(error: unknown, gateway: GatewayId): GatewayFault {
  if (isUnreachable(error)) return { denial: { code: "gateway_unavailable", gateway }, down: error.fault };
  const denial: Denial = isOwnShortage(error)
    ? { code: "overloaded", what: "connections to gateways" }
    : { code: "gateway_answer_invalid", gateway, what: codeOf(error) };
  return { denial, down: undefined };
}

function codeOf(error: unknown): string {
  if (typeof error !== "object" || error === null) return "unknown";
  const { code } = error as { code?: unknown };
  return typeof code === "string" ? code : "unknown";
}
