// The identifiers of the product. Each is a branded string that only its parser or maker here can produce.
import { createHash, randomBytes } from "node:crypto";
import { randomId } from "./random-id.ts";

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** `u_` + 26 characters of lower-case base32: the person, the same at every gateway (see {@link userIdOf}). */
export type UserId = Branded<"UserId">;
/** A key of the agent catalogue, `[a-z0-9][a-z0-9-]{0,62}`. */
export type AgentId = Branded<"AgentId">;
/** A key of the gateways table, same alphabet as {@link AgentId}. */
export type GatewayId = Branded<"GatewayId">;
/** A key of a gateway's endpoints table, same alphabet as {@link AgentId}. */
export type EndpointId = Branded<"EndpointId">;
/** Public random id of a session, `s_` + 22 base64url characters: for leases, revocation and audit. Not a secret. */
export type SessionId = Branded<"SessionId">;
/** What the session cookie holds: 43 base64url characters, 256 random bits. A secret: never stored, logged or shown. */
export type SessionHandle = Branded<"SessionHandle">;
/** `r_` + 22 base64url characters; on every answer, log line and audit line of one request. */
export type RequestId = Branded<"RequestId">;

const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;
const HANDLE = /^[A-Za-z0-9_-]{43}$/;
const BASE32 = "abcdefghijklmnopqrstuvwxyz234567";

/**
 * The user id of an (issuer, subject) pair: `u_` + the first 26 characters (130 bits) of lower-case
 * base32(SHA-256(issuer NUL subject)). Never derived from an e-mail, which may be reassigned (S92).
 */
export function userIdOf(issuer: string, subject: string): UserId {
  const digest = createHash("sha256").update(`${issuer}\0${subject}`, "utf8").digest();
  return `u_${base32(digest).slice(0, 26)}` as UserId;
}

export function isUserId(text: string): text is UserId {
  return /^u_[a-z2-7]{26}$/.test(text);
}

/** Agents, gateways and endpoints share one alphabet; anything else is `undefined`. */
export function parseAgentId(text: string): AgentId | undefined {
  return NAME.test(text) ? (text as AgentId) : undefined;
}

export function parseGatewayId(text: string): GatewayId | undefined {
  return NAME.test(text) ? (text as GatewayId) : undefined;
}

export function parseEndpointId(text: string): EndpointId | undefined {
  return NAME.test(text) ? (text as EndpointId) : undefined;
}

export function parseSessionHandle(text: string): SessionHandle | undefined {
  return HANDLE.test(text) ? (text as SessionHandle) : undefined;
}

export function parseSessionId(text: string): SessionId | undefined {
  return /^s_[A-Za-z0-9_-]{22}$/.test(text) ? (text as SessionId) : undefined;
}

export function newSessionId(): SessionId {
  return `s_${randomBytes(16).toString("base64url")}` as SessionId;
}

export function newSessionHandle(): SessionHandle {
  return randomBytes(32).toString("base64url") as SessionHandle;
}

export function parseRequestId(text: string): RequestId | undefined {
  return /^r_[A-Za-z0-9_-]{22}$/.test(text) ? (text as RequestId) : undefined;
}

export function newRequestId(): RequestId {
  return `r_${randomId(16, "base64url")}` as RequestId;
}

// RFC 4648 §6, lower case, no padding.
function base32(bytes: Uint8Array): string {
  let text = "";
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = (value << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += BASE32[(value >>> bits) & 31];
    }
    value &= (1 << bits) - 1;
  }
  return text;
}
