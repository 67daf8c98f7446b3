// A provider made of strings: its keys, its tokens, its two documents, and a fetch that answers them and counts.
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import jsonwebtoken, { type JwtHeader } from "jsonwebtoken";

export const ISSUER = "https://login.example.com";
export const AUDIENCE = "gatehouse";
export const CLIENT_ID = "gatehouse-door";
/** 2026-11-21T08:00:00Z */
export const NOW = 1_795_248_000_000;

export type ProviderKeyPair = { readonly kid: string; readonly privateKey: KeyObject; readonly jwk: object };

export function createEcKey(kid: string): ProviderKeyPair {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return { kid, privateKey, jwk: { ...publicKey.export({ format: "jwk" }), kid, use: "sig", alg: "ES256" } };
}

export function createRsaKey(kid: string, modulusLength = 2048): ProviderKeyPair {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength });
  return { kid, privateKey, jwk: { ...publicKey.export({ format: "jwk" }), kid, use: "sig", alg: "RS256" } };
}

/** Claims of a valid access token of alice's; a test changes one of them. `undefined` leaves one out. */
export function claimsOfAlice(changes: Record<string, unknown> = {}): Record<string, unknown> {
  const iat = NOW / 1000;
  const claims = {
    iss: ISSUER,
    aud: AUDIENCE,
    sub: "alice-1",
    client_id: "gatehouse-cli",
    iat,
    exp: iat + 3600,
    jti: "0123456789abcdef",
    email: "alice@example.com",
    email_verified: true,
    name: "Alice Archer",
    groups: ["engineering"],
    ...changes,
  };
  return Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined));
}

export function signedBy(
  key: ProviderKeyPair,
  claims: Record<string, unknown>,
  header: Partial<JwtHeader> & Record<string, unknown> = {},
): string {
  const alg = key.privateKey.asymmetricKeyType === "rsa" ? "RS256" : "ES256";
  return jsonwebtoken.sign(claims, key.privateKey, {
    algorithm: alg,
    header: { alg, typ: "at+jwt", kid: key.kid, ...header },
  });
}

/** A JWS put together by hand, for what no library would sign. */
export function compactJws(header: object, claims: object, signature: string): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part(header)}.${part(claims)}.${signature}`;
}

export type ProviderDocuments = {
  /** What the next requests get; replace them to let the provider change. */
  discovery: () => Response | Promise<Response>;
  keys: () => Response | Promise<Response>;
  readonly requests: string[];
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
};

export function createProviderDocuments(...keys: readonly ProviderKeyPair[]): ProviderDocuments {
  const requests: string[] = [];
  const documents: ProviderDocuments = {
    discovery: () =>
      Response.json({
        issuer: ISSUER,
        jwks_uri: `${ISSUER}/keys`,
        token_endpoint: `${ISSUER}/token`,
        end_session_endpoint: `${ISSUER}/logout`,
      }),
    keys: () => Response.json({ keys: keys.map((key) => key.jwk) }),
    requests,
    async fetch(url) {
      requests.push(url);
      return url === `${ISSUER}/keys` ? documents.keys() : documents.discovery();
    },
  };
  return documents;
}
