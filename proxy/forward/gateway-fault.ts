// What it means when a gateway gave no answer that could be passed on. Pure.
import type { Denial } from "../../core/denial.ts";
import type { GatewayId } from "../../core/ids.ts";
import { faultOf, isOwnShortage } from "../route/connect-endpoint.ts";

export type GatewayFault = {
  readonly denial: Denial;
  /** Why nobody is there, for operations: then the endpoint is down. Undefined when something was there. */
  readonly down: string | undefined;
};

/** @param error of a connection that did not come about */
export function connectFault(error: unknown, gateway: GatewayId): GatewayFault {
  return isOwnShortage(error)
    ? { denial: { code: "overloaded", what: "connections to gateways" }, down: undefined }
    : { denial: { code: "gateway_unavailable", gateway }, down: faultOf(error) };
}

/** @param what is wrong with the answer, in words for the log */
export function answerFault(what: string, gateway: GatewayId): GatewayFault {
  return { denial: { code: "gateway_answer_invalid", gateway, what }, down: undefined };
}
