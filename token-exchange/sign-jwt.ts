// The one place that signs a JWT: always ES256, always with an explicit type (RFC 8725 §3.11). The signature itself is
// OpenSSL's; the library that verifies (core/jwt.ts) took as long again for wrapping one up, for each WebSocket.
import { type KeyObject, sign } from "node:crypto";
import type { PublicSigningKey } from "../core/key-set.ts";

/** How a verifier finds the key: by `kid` in a key set, or the key itself, whose thumbprint the verifier has pinned. */
export type KeyReference = { readonly kid: string } | { readonly jwk: PublicSigningKey };

/**
 * @param key private, on P-256
 * @param claims complete, `iat` included: nothing is added
 */
export function signJwt(key: KeyObject, typ: string, reference: KeyReference, claims: object): string {
  // RFC 7515 §7.1: the compact form.
  const input = `${encoded({ alg: "ES256", typ, ...reference })}.${encoded(claims)}`;
  // Node would give the fixed form by itself (`ieee-p1363`), for as much time again as signing takes.
  const signature = joseSignature(sign("sha256", Buffer.from(input, "latin1"), key));
  return `${input}.${signature.toString("base64url")}`;
}

function encoded(json: object): string {
  return Buffer.from(JSON.stringify(json), "utf8").toString("base64url");
}

/** Of each of the two numbers, on P-256. */
const NUMBER_BYTES = 32;

/**
 * RFC 7518 §3.4: r and s, big-endian, each in 32 bytes.
 * @param der the same as OpenSSL writes it (RFC 3279 §2.2.3): a SEQUENCE of two INTEGERs
 * @throws {RangeError} it is none, or of another curve
 */
export function joseSignature(der: Buffer): Buffer {
  const jose = Buffer.alloc(2 * NUMBER_BYTES);
  if (der[0] !== 0x30 || der[1] !== der.length - 2) throw new RangeError("not an ECDSA signature on P-256");
  const r = readNumber(der, 2, jose, 0);
  const s = readNumber(der, r, jose, NUMBER_BYTES);
  if (s !== der.length) throw new RangeError("not an ECDSA signature on P-256");
  return jose;
}

/** @returns where it ends in `der` */
function readNumber(der: Buffer, at: number, jose: Buffer, place: number): number {
  const length = der[at + 1] ?? 0;
  const end = at + 2 + length;
  // ITU-T X.690 §8.3: as few bytes as it takes, with a zero in front of a high bit, which would be a minus.
  const start = der[at + 2] === 0 ? at + 3 : at + 2;
  const isNumber = der[at] === 0x02 && length > 0 && end <= der.length;
  if (!isNumber || end - start > NUMBER_BYTES) throw new RangeError("not an ECDSA signature on P-256");
  der.copy(jose, place + NUMBER_BYTES - (end - start), start, end);
  return end;
}
