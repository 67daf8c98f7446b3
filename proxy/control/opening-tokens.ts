// What the door shows a gateway at the opening: the ticket on the upgrade request, then the proof for its nonce.
// Signed by the trust key, which the gateway has pinned. No I/O, no clock.
import { randomBytes } from "node:crypto";
import {
  CONTROL_PROOF_TYPE,
  CONTROL_TICKET_LIFETIME_SECONDS,
  CONTROL_TICKET_TYPE,
  CONTROL_VERSION,
} from "../../core/control-channel.ts";
import type { EcKeyPair } from "../../token-exchange/ec-key-pair.ts";
import { signJwt } from "../../token-exchange/sign-jwt.ts";

export type DoorIdentity = {
  /** Gateways have pinned its thumbprint. */
  readonly trust: EcKeyPair;
  /** The door's name: `iss` of what it signs, `aud` of what gateways sign for it. */
  readonly issuer: string;
};

/** 256 random bits, base64url. */
export function newNonce(): string {
  return randomBytes(32).toString("base64url");
}

/**
 * @param audience `audienceOf(gateway, endpoint)`
 * @param now milliseconds since 1970
 */
export function signTicket(door: DoorIdentity, audience: string, nonce: string, now: number): string {
  const jti = randomBytes(16).toString("base64url");
  return sign(door, CONTROL_TICKET_TYPE, audience, now, { jti, nonce });
}

/** @param nonces the door's from its ticket, the gateway's from its `hello` */
export function signDoorProof(
  door: DoorIdentity,
  audience: string,
  nonces: { readonly doorNonce: string; readonly gatewayNonce: string },
  now: number,
): string {
  return sign(door, CONTROL_PROOF_TYPE, audience, now, { side: "door", ...nonces });
}

function sign({ trust, issuer }: DoorIdentity, typ: string, audience: string, now: number, claims: object) {
  const iat = Math.floor(now / 1000);
  const exp = iat + CONTROL_TICKET_LIFETIME_SECONDS;
  const all = { iss: issuer, aud: audience, iat, exp, v: CONTROL_VERSION, ...claims };
  return signJwt(trust.privateKey, typ, { jwk: trust.jwk }, all);
}
