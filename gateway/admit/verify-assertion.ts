// Untrusted text → the front door's word about one person, or why not. No I/O, no clock, no memory: whether an
// assertion was used before is replay-memory.ts's question.
import {
  ASSERTION_LIFETIME_SECONDS,
  ASSERTION_TYPE,
  type AssertionClaims,
  type AssertionUse,
  CLOCK_SKEW_SECONDS,
  parseAssertionClaims,
} from "../../core/assertion.ts";
import type { AssertionFault } from "../../core/denial.ts";
import { readJwtHeader, verifyJwt } from "../../core/jwt.ts";
import { err, ok, type Result } from "../../core/result.ts";
import type { AcceptedKeys } from "./key-ring.ts";

export type AssertionRules = {
  /** From the configuration, as the front door's. */
  readonly issuer: string;
  /** This process and no other (RFC 8725 §3.9): `audienceOf(gateway, endpoint)`. */
  readonly audience: string;
  /** What the request is; an assertion for plain requests must not open a socket. */
  readonly uses: readonly AssertionUse[];
  /** Seconds since 1970 at which this process started. */
  readonly startedAt: number;
  /** Wall clock, milliseconds since 1970. */
  readonly now: number;
};

/**
 * Verifies one untrusted assertion. The key is chosen by `kid` among those of the signed key set only; a key that
 * the token brings along is never read (RFC 8725 §3.10).
 *
 * An upgrade assertion issued in a second before the start is refused, because the ids used before the start are
 * forgotten. Issued in the very second of the start it is admitted: `iat` has no finer grain, and refusing it would
 * lock out whoever connects first.
 */
export function verifyAssertion(
  token: string,
  keys: AcceptedKeys,
  rules: AssertionRules,
): Result<AssertionClaims, AssertionFault> {
  const header = readJwtHeader(token);
  if (!header.ok) return header;
  // Judged before the key, so that the answer to an access token is its type, not its kid.
  if (header.value.typ !== ASSERTION_TYPE) return err("wrong_type");
  if (header.value.alg !== "ES256") return err("wrong_algorithm");
  const key = header.value.kid === undefined ? undefined : keys.get(header.value.kid);
  if (key === undefined) return err("unknown_key");
  const verified = verifyJwt(token, key, {
    types: [ASSERTION_TYPE],
    algorithms: ["ES256"],
    issuer: rules.issuer,
    audience: rules.audience,
    now: rules.now,
    skewSeconds: CLOCK_SKEW_SECONDS,
  });
  if (!verified.ok) return verified;
  const claims = parseAssertionClaims(verified.value.claims);
  if (claims === undefined) return err("bad_claims");
  if (claims.exp <= claims.iat || claims.exp - claims.iat > ASSERTION_LIFETIME_SECONDS)
    return err("bad_claims");
  if (!rules.uses.includes(claims.use)) return err("wrong_use");
  if (claims.use !== "http" && claims.iat < Math.floor(rules.startedAt)) return err("older_than_start");
  return ok(claims);
}
