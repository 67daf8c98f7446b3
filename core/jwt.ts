// The one place that verifies a JWT, over `jsonwebtoken`. That library checks the signature and the times; it
// does not check `typ`, does not demand `exp`, and passes when no audience is asked for: this adapter does
// (RFC 8725 §3.1, §3.8, §3.9, §3.11). No I/O, no clock. Pinned by test/core/jwt.test.ts.
import type { KeyObject } from "node:crypto";
import jsonwebtoken, { type Algorithm, type JwtPayload } from "jsonwebtoken";
import { err, ok, type Result } from "./result.ts";

export type JwtFault =
  | "malformed"
  | "wrong_type"
  | "wrong_algorithm"
  | "unknown_key"
  | "bad_signature"
  | "wrong_issuer"
  | "wrong_audience"
  | "expired"
  | "not_yet_valid"
  | "bad_claims";

export type JwtHeader = {
  readonly alg: string;
  readonly kid: string | undefined;
  readonly typ: string | undefined;
};

export type JwtRules = {
  /** Accepted `typ` values, lower case; `undefined` in the list accepts a token without one. */
  readonly types: readonly (string | undefined)[];
  /** Asymmetric algorithms only; `none` and HS* are never accepted (CVE-2015-2951, CVE-2016-10555). */
  readonly algorithms: readonly Algorithm[];
  readonly issuer: string;
  readonly audience: string;
  /** Wall clock, milliseconds since 1970. */
  readonly now: number;
  /** Seconds that clocks may be apart; at most 60 (security checklist, S86). */
  readonly skewSeconds: number;
  /** Characters; 16 KiB when left out. More only for what did not come in a header. */
  readonly maxLength?: number;
  /** Seconds after `iat` at which the token counts as expired, whatever its `exp` says; it may then have none. */
  readonly maxAgeSeconds?: number;
};

export type VerifiedJwt = {
  readonly header: JwtHeader;
  readonly claims: JwtPayload & { exp: number; iat: number };
};

const MAX_LENGTH = 16 * 1024;
const COMPACT_JWS = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;

/**
 * Reads the header of an untrusted compact JWS so that a key can be chosen. Proves nothing. Header members
 * that would choose a key by themselves (`jwk`, `jku`, `x5u`, `x5c`) are not even read; `crit` and `zip` refuse.
 */
export function readJwtHeader(token: string, maxLength = MAX_LENGTH): Result<JwtHeader, JwtFault> {
  const header = readPart(token, 0, maxLength);
  if (header === undefined) return err("malformed");
  const { alg, kid, typ, crit, zip } = header;
  if (typeof alg !== "string" || crit !== undefined || zip !== undefined) return err("malformed");
  if (kid !== undefined && typeof kid !== "string") return err("malformed");
  if (typ !== undefined && typeof typ !== "string") return err("malformed");
  return ok({ alg, kid, typ: typ?.toLowerCase() });
}

/** The issuer that an untrusted compact JWS claims, so that its verifier can be chosen. Proves nothing. */
export function readJwtIssuer(token: string): Result<string, JwtFault> {
  const claims = readPart(token, 1, MAX_LENGTH);
  if (claims === undefined) return err("malformed");
  const { iss } = claims;
  return typeof iss === "string" ? ok(iss) : err("wrong_issuer");
}

function readPart(token: string, index: 0 | 1, maxLength: number): Record<string, unknown> | undefined {
  if (token.length > maxLength || !COMPACT_JWS.test(token)) return undefined;
  try {
    const part: unknown = JSON.parse(
      Buffer.from(token.split(".", 2)[index] ?? "", "base64url").toString("utf8"),
    );
    const isObject = typeof part === "object" && part !== null && !Array.isArray(part);
    return isObject ? (part as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Verifies an untrusted compact JWS against one key that the caller chose by issuer and `kid`.
 * @param key a public key; asymmetric, so that no shared secret can be confused with it
 */
export function verifyJwt(token: string, key: KeyObject, rules: JwtRules): Result<VerifiedJwt, JwtFault> {
  const header = readJwtHeader(token, rules.maxLength);
  if (!header.ok) return header;
  if (!rules.types.includes(header.value.typ)) return err("wrong_type");
  if (!(rules.algorithms as readonly string[]).includes(header.value.alg)) return err("wrong_algorithm");
  let claims: JwtPayload;
  try {
    const payload = jsonwebtoken.verify(token, key, {
      algorithms: [...rules.algorithms],
      issuer: rules.issuer,
      audience: rules.audience,
      clockTimestamp: Math.floor(rules.now / 1000),
      clockTolerance: rules.skewSeconds,
    });
    if (typeof payload === "string") return err("bad_claims");
    claims = payload;
  } catch (error) {
    return err(faultOf(error));
  }
  const { iat } = claims;
  const exp = typeof iat === "number" ? expiryOf(claims.exp, iat, rules.maxAgeSeconds) : undefined;
  if (typeof iat !== "number" || exp === undefined) return err("bad_claims");
  if (iat > rules.now / 1000 + rules.skewSeconds) return err("not_yet_valid");
  if (exp <= Math.floor(rules.now / 1000) - rules.skewSeconds) return err("expired");
  return ok({ header: header.value, claims: { ...claims, exp, iat } });
}

/** The earlier of the token's own end and the one that its age sets; undefined when there is neither. */
function expiryOf(
  exp: number | undefined,
  iat: number,
  maxAgeSeconds: number | undefined,
): number | undefined {
  if (maxAgeSeconds === undefined) return exp;
  return Math.min(exp ?? Number.POSITIVE_INFINITY, iat + maxAgeSeconds);
}

// jsonwebtoken tells its failures apart by class and message only.
function faultOf(error: unknown): JwtFault {
  if (error instanceof jsonwebtoken.TokenExpiredError) return "expired";
  if (error instanceof jsonwebtoken.NotBeforeError) return "not_yet_valid";
  const message = error instanceof Error ? error.message : "";
  if (message.startsWith("jwt audience invalid")) return "wrong_audience";
  if (message.startsWith("jwt issuer invalid")) return "wrong_issuer";
  if (message === "invalid algorithm") return "wrong_algorithm";
  if (message === "invalid signature") return "bad_signature";
  if (message === "invalid exp value" || message === "invalid nbf value") return "bad_claims";
  return "malformed";
}
