// The gateway JWT, as both sides agree on it: what the front door says about one person to one gateway
// endpoint. Signing is in token-exchange/, verifying in gateway/admit/. No I/O, no clock.
import type { JwtPayload } from "jsonwebtoken";
import { type AgentId, isUserId, parseAgentId, parseSessionId, type SessionId, type UserId } from "./ids.ts";

/** RFC 8725 §3.11: an explicit type of its own, so that no other JWT can pass for one. */
export const ASSERTION_TYPE = "gateway-assertion+jwt";
export const ASSERTION_HEADER = "x-gateway-assertion";
/** Limits admission only; a connection admitted lives on by its lease. */
export const ASSERTION_LIFETIME_SECONDS = 60;
/** How far the clocks of door and gateway may be apart. */
export const CLOCK_SKEW_SECONDS = 30;

/** RFC 9068 §2.1: the front door's own access token. Gateways refuse it by its type. */
export const ACCESS_TOKEN_TYPE = "at+jwt";
export const ACCESS_TOKEN_LIFETIME_SECONDS = 300;

/**
 * What it admits: a plain request; a WebSocket through the front door; or one that a proxy holds without it (`direct`),
 * which nobody but the gateway can end.
 */
export type AssertionUse = "http" | "upgrade" | "direct";

export type AssertionClaims = {
  /** A name, never fetched. */
  readonly iss: string;
  /** `<gateway>/<endpoint>`, such as `cloud/cloud-1`: exactly one place accepts it (RFC 8725 §3.9). */
  readonly aud: string;
  readonly sub: UserId;
  readonly sid: SessionId;
  readonly email: string | null;
  readonly name: string | null;
  /** Agents that this person may use over this connection: a subset of those routed to this gateway. */
  readonly agents: readonly AgentId[];
  readonly use: AssertionUse;
  /** Seconds since 1970. */
  readonly iat: number;
  readonly exp: number;
  /** Stored before admission: an assertion admits once. */
  readonly jti: string;
  /** Only for gateways configured to receive them. */
  readonly groups?: readonly string[];
};

export function audienceOf(gateway: string, endpoint: string): string {
  return `${gateway}/${endpoint}`;
}

/** Reads the claims of a JWT whose signature, type, issuer, audience and times are already verified. */
export function parseAssertionClaims(claims: JwtPayload): AssertionClaims | undefined {
  const { iss, aud, sub, sid, email, name, agents, use, iat, exp, jti, groups } = claims as Record<
    string,
    unknown
  >;
  if (typeof iss !== "string" || typeof aud !== "string") return undefined;
  if (typeof sub !== "string" || !isUserId(sub)) return undefined;
  const sessionId = typeof sid === "string" ? parseSessionId(sid) : undefined;
  if (sessionId === undefined) return undefined;
  if (!isTextOrNull(email) || !isTextOrNull(name)) return undefined;
  if (use !== "http" && use !== "upgrade" && use !== "direct") return undefined;
  if (typeof iat !== "number" || typeof exp !== "number") return undefined;
  if (typeof jti !== "string" || jti.length < 16 || jti.length > 64) return undefined;
  if (!Array.isArray(agents)) return undefined;
  const agentIds: AgentId[] = [];
  for (const agent of agents) {
    const id = typeof agent === "string" ? parseAgentId(agent) : undefined;
    if (id === undefined) return undefined;
    agentIds.push(id);
  }
  if (groups !== undefined && !isTextList(groups)) return undefined;
  const known: AssertionClaims = {
    iss,
    aud,
    sub,
    sid: sessionId,
    email,
    name,
    agents: agentIds,
    use,
    iat,
    exp,
    jti,
  };
  return groups === undefined ? known : { ...known, groups };
}

function isTextOrNull(value: unknown): value is string | null {
  return value === null || typeof value === "string";
}

function isTextList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}
