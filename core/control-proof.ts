// A JWT that carries its signer's public key, as the tickets and proofs of the control channel do. The embedded key
// proves nothing by itself (CVE-2018-0114): the caller compares its thumbprint with the one it has pinned. Both sides
// read proofs by this file, so that they cannot disagree on what one says. No I/O, no clock.
import type { Algorithm } from "jsonwebtoken";
import { CLOCK_SKEW_SECONDS } from "./assertion.ts";
import {
  CONTROL_PROOF_TYPE,
  CONTROL_TICKET_LIFETIME_SECONDS,
  controlProofSchema,
} from "./control-channel.ts";
import { type JwtFault, type JwtRules, readJwtHeader, type VerifiedJwt, verifyJwt } from "./jwt.ts";
import { readPublicKey } from "./key-set.ts";
import { err, ok, type Result } from "./result.ts";

export type ProofFault = JwtFault | "wrong_side" | "wrong_nonce";

export type ExpectedProof = {
  readonly side: "gateway" | "door";
  readonly issuer: string;
  readonly audience: string;
  readonly doorNonce: string;
  readonly gatewayNonce: string;
  /** Wall clock that its times are read by, milliseconds since 1970. */
  readonly now: number;
};

export type EmbeddedKeyJwt = {
  readonly claims: VerifiedJwt["claims"];
  /** RFC 7638, of the key that signed it: to be compared with a pin before anything in it is believed. */
  readonly thumbprint: string;
};

const ALGORITHMS: readonly Algorithm[] = ["ES256"];

/** Verifies an untrusted JWS by the key in its own header: shows that whoever made it has that key, and no more. */
export function verifyEmbeddedKeyJwt(
  token: string,
  rules: Omit<JwtRules, "algorithms" | "skewSeconds">,
): Result<EmbeddedKeyJwt, JwtFault> {
  const header = readJwtHeader(token);
  if (!header.ok) return header;
  const embedded = readPublicKey(jwkOf(token));
  if (embedded === undefined) return err("unknown_key");
  const jwtRules = { ...rules, algorithms: ALGORITHMS, skewSeconds: CLOCK_SKEW_SECONDS };
  const verified = verifyJwt(token, embedded.key, jwtRules);
  if (!verified.ok) return verified;
  return ok({ claims: verified.value.claims, thumbprint: embedded.thumbprint });
}

/**
 * Verifies an untrusted proof of the opening.
 * @returns the thumbprint of the key that signed it, to be compared with the pin
 */
export function verifyControlProof(proof: string, expected: ExpectedProof): Result<string, ProofFault> {
  const { issuer, audience, now } = expected;
  const verified = verifyEmbeddedKeyJwt(proof, { types: [CONTROL_PROOF_TYPE], issuer, audience, now });
  if (!verified.ok) return verified;
  const claims = controlProofSchema.safeParse(verified.value.claims);
  if (!claims.success) return err("bad_claims");
  if (verified.value.claims.exp - verified.value.claims.iat > CONTROL_TICKET_LIFETIME_SECONDS)
    return err("bad_claims");
  const { side, doorNonce, gatewayNonce } = claims.data;
  if (side !== expected.side) return err("wrong_side");
  if (doorNonce !== expected.doorNonce || gatewayNonce !== expected.gatewayNonce) return err("wrong_nonce");
  return ok(verified.value.thumbprint);
}

/** The `jwk` of a header that {@link readJwtHeader} has already found to be a JSON object. */
function jwkOf(token: string): unknown {
  const header: Record<string, unknown> = JSON.parse(
    Buffer.from(token.slice(0, token.indexOf(".")), "base64url").toString("utf8"),
  );
  return header["jwk"];
}
