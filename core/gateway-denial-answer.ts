// What is told to whoever a gateway itself refuses: programs and front doors, hardly ever a person.
import { type DenialAnswer, refusal, unauthenticated, unavailable } from "./answer-shape.ts";
import type { Denial } from "./denial.ts";

export type GatewayDenial = Extract<
  Denial,
  {
    readonly code:
      | "assertion_missing"
      | "assertion_duplicate"
      | "assertion_invalid"
      | "assertion_agent"
      | "control_ticket_invalid"
      | "gateway_full";
  }
>;

export function answerOfGateway({ code }: GatewayDenial): DenialAnswer {
  switch (code) {
    case "assertion_missing":
    case "assertion_duplicate":
    case "assertion_invalid":
      return unauthenticated(
        code,
        "This gateway only answers its front door",
        "Connect through the front door, not straight to the gateway.",
        "Gateway-Assertion",
      );
    case "assertion_agent":
      return refusal(
        code,
        403,
        "Not your agent on this connection",
        "The front door did not name that agent for you here.",
      );
    case "control_ticket_invalid":
      return unauthenticated(
        code,
        "Not this gateway's front door",
        "Only the front door whose trust key is pinned here may open a control channel.",
        "Gateway-Control",
      );
    case "gateway_full":
      return unavailable(
        code,
        503,
        "This gateway is full",
        "It has reached its limit of connections. Try again soon.",
      );
  }
}
