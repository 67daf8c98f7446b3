// Every way to say no, in one closed union. A denial carries the exact facts, for the audit line; what the
// person is told is decided in denial-answer.ts. Codes are never renamed: docs/errors.md lists them all.
import type { AgentId, EndpointId, GatewayId } from "./ids.ts";
import type { JwtFault } from "./jwt.ts";

export type Denial =
  // the request itself
  | { readonly code: "host_unknown"; readonly host: string }
  | { readonly code: "request_malformed"; readonly what: string }
  | { readonly code: "headers_too_large"; readonly what: string }
  | { readonly code: "body_too_large"; readonly limitBytes: number }
  | { readonly code: "method_not_allowed"; readonly method: string; readonly allow: readonly string[] }
  | { readonly code: "path_unknown" }
  | { readonly code: "origin_missing" }
  | { readonly code: "origin_foreign"; readonly origin: string }
  | { readonly code: "upgrade_invalid"; readonly what: string }
  | { readonly code: "credentials_ambiguous"; readonly what: string }
  // who is asking
  | { readonly code: "session_missing" }
  | { readonly code: "session_ended"; readonly how: "expired" | "ended" }
  | { readonly code: "bearer_invalid"; readonly fault: BearerFault }
  | {
      readonly code: "login_failed";
      readonly what: string;
      /** Starting again may help. */
      readonly restartable: boolean;
    }
  /** It was begun longer ago than a login may take. */
  | { readonly code: "login_expired" }
  /** Its code has been used, or the browser's own record of it is gone or another tab's; the latter may be restarted. */
  | { readonly code: "login_link_used"; readonly what: string; readonly restartable: boolean }
  /** Somebody is, with another provider than the sign-in was with that has just been asked for or was made. */
  | { readonly code: "signed_in_otherwise"; readonly provider: string; readonly signedInWith: string }
  /** The provider's clock and ours are too far apart to tell whether its tokens are valid. */
  | { readonly code: "clock_skew"; readonly provider: string; readonly offsetSeconds: number }
  | { readonly code: "email_missing" }
  | { readonly code: "groups_missing"; readonly claim: string }
  | { readonly code: "groups_overflow"; readonly claim: string }
  /** It begins as only another provider's groups may: with that one's prefix. */
  | { readonly code: "group_reserved"; readonly group: string; readonly prefix: string }
  | { readonly code: "user_denied"; readonly rule: string }
  // what they may do
  | {
      readonly code: "agent_not_allowed";
      readonly agent: AgentId;
      /** Groups that would grant it, in the order of the policy; the person is told those of their own provider. */
      readonly grantedBy: readonly string[];
      /** Of the person. */
      readonly issuer: string;
    }
  | { readonly code: "agent_unknown"; readonly agent: string }
  | { readonly code: "no_agents" }
  /** It changed between the decision and the connection. */
  | { readonly code: "access_changed"; readonly reason: string }
  // where it would go
  | { readonly code: "route_missing"; readonly agent: AgentId }
  | { readonly code: "home_unavailable"; readonly gateway: GatewayId; readonly endpoint: EndpointId }
  | { readonly code: "gateway_unavailable"; readonly gateway: GatewayId }
  /** Nothing could end a connection that a proxy holds there. */
  | { readonly code: "control_channel_away"; readonly gateway: GatewayId; readonly endpoint: EndpointId }
  /** A proxy asked for what only the front door itself may forward. */
  | { readonly code: "proxy_refused"; readonly gateway: GatewayId; readonly what: string }
  | { readonly code: "gateway_answer_invalid"; readonly gateway: GatewayId; readonly what: string }
  // what we need and do not have
  | { readonly code: "provider_unavailable"; readonly provider: string; readonly what: string }
  | { readonly code: "store_unavailable" }
  | { readonly code: "audit_unavailable" }
  | { readonly code: "keys_unavailable"; readonly what: string }
  | { readonly code: "too_many_attempts"; readonly retryAfterSeconds: number }
  | { readonly code: "overloaded"; readonly what: string }
  | { readonly code: "stopping" }
  /** The client hung up before it could be answered: only the audit line says so. */
  | { readonly code: "client_gone" }
  | { readonly code: "internal_error" }
  // a gateway's own refusals, before 101
  | { readonly code: "assertion_missing" }
  | { readonly code: "assertion_duplicate" }
  | { readonly code: "assertion_invalid"; readonly fault: AssertionFault }
  | { readonly code: "assertion_agent"; readonly agent: string }
  | { readonly code: "control_ticket_invalid"; readonly fault: ControlTicketFault }
  | { readonly code: "gateway_full"; readonly what: string };

export type DenialCode = Denial["code"];

/** Why a bearer token was not accepted: the audit line says it, the wire says `bearer_invalid`. */
export type BearerFault = JwtFault | "wrong_scheme" | "opaque" | "id_token" | "no_subject";

/** Why a gateway did not accept an assertion. */
export type AssertionFault =
  | JwtFault
  | "wrong_use"
  | "replayed"
  | "replay_memory_full"
  | "older_than_start"
  /** The door has said that its session is over. */
  | "session_ended"
  /** The door has taken back this one assertion: what it was made for has ended meanwhile. */
  | "access_ended";

/** Why a gateway did not accept a control channel: the audit line says it, the wire does not. */
export type ControlTicketFault =
  | JwtFault
  | "missing"
  | "duplicate"
  | "untrusted_key"
  | "wrong_version"
  | "replayed"
  | "replay_memory_full";
