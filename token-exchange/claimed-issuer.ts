// Chooses who verifies a token, by the issuer that it claims to be from. Proves nothing: the one chosen checks the
// issuer again, with its own keys, so that a token of one provider never passes at another. No I/O.
import { type JwtFault, readJwtIssuer } from "../core/jwt.ts";
import { err, ok, type Result } from "../core/result.ts";

/**
 * @param token untrusted
 * @param byIssuer those that may have issued it
 */
export function claimedIssuer<Side>(
  token: string,
  byIssuer: ReadonlyMap<string, Side>,
): Result<Side, JwtFault> {
  const issuer = readJwtIssuer(token);
  if (!issuer.ok) return issuer;
  const side = byIssuer.get(issuer.value);
  return side === undefined ? err("wrong_issuer") : ok(side);
}
