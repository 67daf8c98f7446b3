// One valid example of every denial. The type demands each code, so that a new one cannot be left out of
// docs/errors.md, nor out of the tests.
import type { Denial, DenialCode } from "../core/denial.ts";
import { parseAgentId, parseEndpointId, parseGatewayId } from "../core/ids.ts";

type DenialSamples = { readonly [Code in DenialCode]: Extract<Denial, { code: Code }> };

const agent = made(parseAgentId("coder"));
const gateway = made(parseGatewayId("cloud"));
const endpoint = made(parseEndpointId("cloud-1"));

/** In the order of the union. */
export const DENIAL_SAMPLES: DenialSamples = {
  host_unknown: { code: "host_unknown", host: "evil.example" },
  request_malformed: { code: "request_malformed", what: "path has a dot segment" },
  headers_too_large: { code: "headers_too_large", what: "more than 100 headers" },
  body_too_large: { code: "body_too_large", limitBytes: 104_857_600 },
  method_not_allowed: { code: "method_not_allowed", method: "DELETE", allow: ["GET"] },
  path_unknown: { code: "path_unknown" },
  origin_missing: { code: "origin_missing" },
  origin_foreign: { code: "origin_foreign", origin: "https://evil.example" },
  upgrade_invalid: { code: "upgrade_invalid", what: "sec-websocket-version is not 13" },
  credentials_ambiguous: {
    code: "credentials_ambiguous",
    what: "session cookie and authorization header",
  },
  session_missing: { code: "session_missing" },
  session_ended: { code: "session_ended", how: "ended" },
  bearer_invalid: { code: "bearer_invalid", fault: "expired" },
  login_failed: { code: "login_failed", what: "access_denied", restartable: false },
  login_expired: { code: "login_expired" },
  login_link_used: { code: "login_link_used", what: "invalid_grant", restartable: false },
  signed_in_otherwise: {
    code: "signed_in_otherwise",
    provider: "Partner SSO",
    signedInWith: "Example SSO",
  },
  clock_skew: { code: "clock_skew", provider: "Example SSO", offsetSeconds: 95 },
  email_missing: { code: "email_missing" },
  groups_missing: { code: "groups_missing", claim: "groups" },
  groups_overflow: { code: "groups_overflow", claim: "groups" },
  group_reserved: { code: "group_reserved", group: "partner/admins", prefix: "partner/" },
  user_denied: { code: "user_denied", rule: 'users["eve@example.com"]' },
  agent_not_allowed: {
    code: "agent_not_allowed",
    agent,
    grantedBy: ["engineering"],
    issuer: "https://sso.example.com",
  },
  agent_unknown: { code: "agent_unknown", agent: "ghost" },
  no_agents: { code: "no_agents" },
  access_changed: { code: "access_changed", reason: "policy_changed" },
  route_missing: { code: "route_missing", agent },
  home_unavailable: { code: "home_unavailable", gateway, endpoint },
  gateway_unavailable: { code: "gateway_unavailable", gateway },
  control_channel_away: { code: "control_channel_away", gateway, endpoint },
  proxy_refused: { code: "proxy_refused", gateway, what: "its certificate is pinned" },
  gateway_answer_invalid: { code: "gateway_answer_invalid", gateway, what: "status 200 to an upgrade" },
  provider_unavailable: { code: "provider_unavailable", provider: "Example SSO", what: "timeout" },
  store_unavailable: { code: "store_unavailable" },
  audit_unavailable: { code: "audit_unavailable" },
  keys_unavailable: { code: "keys_unavailable", what: "no signing key" },
  too_many_attempts: { code: "too_many_attempts", retryAfterSeconds: 42 },
  overloaded: { code: "overloaded", what: "limits.sockets" },
  stopping: { code: "stopping" },
  client_gone: { code: "client_gone" },
  internal_error: { code: "internal_error" },
  assertion_missing: { code: "assertion_missing" },
  assertion_duplicate: { code: "assertion_duplicate" },
  assertion_invalid: { code: "assertion_invalid", fault: "replayed" },
  assertion_agent: { code: "assertion_agent", agent: "analyst" },
  control_ticket_invalid: { code: "control_ticket_invalid", fault: "untrusted_key" },
  gateway_full: { code: "gateway_full", what: "concurrentConnections" },
};

function made<Id>(id: Id | undefined): Id {
  if (id === undefined) throw new TypeError("a sample's id has not the form of one");
  return id;
}
