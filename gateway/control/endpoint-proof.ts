// What this endpoint shows the front door at the opening: its key, used on both nonces. The only JWT that a gateway
// signs (RFC 8725 §3.11: with a type of its own).
import jsonwebtoken, { type JwtHeader } from "jsonwebtoken";
import {
  CONTROL_PROOF_TYPE,
  CONTROL_TICKET_LIFETIME_SECONDS,
  CONTROL_VERSION,
} from "../../core/control-channel.ts";
import type { PublicSigningKey } from "../../core/key-set.ts";
import type { EndpointKey } from "./endpoint-key.ts";

export type EndpointProofFacts = {
  /** The front door's name: for nobody else. */
  readonly issuer: string;
  /** Our own name, `audienceOf(gateway, endpoint)`. */
  readonly audience: string;
  readonly doorNonce: string;
  readonly gatewayNonce: string;
  /** Wall clock, milliseconds since 1970. */
  readonly now: number;
};

export function signEndpointProof({ privateKey, jwk }: EndpointKey, facts: EndpointProofFacts): string {
  const { issuer, audience, doorNonce, gatewayNonce, now } = facts;
  const iat = Math.floor(now / 1000);
  const exp = iat + CONTROL_TICKET_LIFETIME_SECONDS;
  const claims = {
    iss: audience,
    aud: issuer,
    iat,
    exp,
    v: CONTROL_VERSION,
    side: "gateway",
    doorNonce,
    gatewayNonce,
  };
  const header = { alg: "ES256", typ: CONTROL_PROOF_TYPE, jwk } satisfies JwtHeader & {
    jwk: PublicSigningKey;
  };
  return jsonwebtoken.sign(claims, privateKey, { algorithm: "ES256", header });
}
