// A front door by hand: its trust key, a signing key, signed key sets, and one valid assertion of which a test
// changes one member.
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { ASSERTION_TYPE, type AssertionClaims } from "../../core/assertion.ts";
import { CONTROL_PROOF_TYPE, CONTROL_TICKET_TYPE } from "../../core/control-channel.ts";
import { parseAgentId, parseSessionId, userIdOf } from "../../core/ids.ts";
import { KEY_SET_TYPE, type KeySet, thumbprintOf } from "../../core/key-set.ts";

export type TestKey = {
  readonly privateKey: KeyObject;
  readonly jwk: { readonly kty: "EC"; readonly crv: "P-256"; readonly x: string; readonly y: string };
  readonly kid: string;
};

export type TestDoor = {
  readonly trust: TestKey;
  readonly signing: TestKey;
  /** A signed envelope, as the key set file holds it. */
  keySet(changes?: Partial<KeySet>): string;
  /** Claims of a fresh assertion about Alice; a new `jti` each time. */
  claims(changes?: Record<string, unknown>): AssertionClaims & Record<string, unknown>;
  assertion(changes?: Record<string, unknown>, header?: Record<string, unknown>): string;
  /** Opens a control channel; a new `jti` each time. */
  ticket(changes?: Record<string, unknown>, header?: Record<string, unknown>): string;
  /** Of the door's side, for two nonces. */
  proof(
    nonces: { doorNonce: string; gatewayNonce: string },
    changes?: Record<string, unknown>,
    header?: Record<string, unknown>,
  ): string;
};

export const ALICE = userIdOf("https://idp.example.com", "alice-1");
export const BOB = userIdOf("https://idp.example.com", "bob-1");

/** @param now milliseconds since 1970 at which the assertions are issued */
export function createTestDoor(now: () => number): TestDoor {
  const trust = createTestKey();
  const signing = createTestKey();
  let issued = 0;

  const door: TestDoor = {
    trust,
    signing,
    keySet: (changes = {}) =>
      signJws(
        trust,
        { typ: KEY_SET_TYPE, alg: "ES256", jwk: trust.jwk },
        { number: 1, issuer: "gatehouse", iat: Math.floor(now() / 1000), keys: [signing.jwk], ...changes },
      ),
    claims(changes = {}) {
      const iat = Math.floor(now() / 1000);
      issued += 1;
      return {
        iss: "gatehouse",
        aud: "cloud/cloud-1",
        sub: ALICE,
        sid: sessionId("A"),
        email: "alice@example.com",
        name: "Alice Archer",
        agents: [agentId("assistant"), agentId("coder")],
        use: "upgrade",
        iat,
        exp: iat + 60,
        jti: `jti-${String(issued).padStart(16, "0")}`,
        ...changes,
      };
    },
    assertion: (changes, header = {}) =>
      signJws(
        signing,
        { alg: "ES256", typ: ASSERTION_TYPE, kid: signing.kid, ...header },
        door.claims(changes),
      ),
    ticket(changes = {}, header = {}) {
      issued += 1;
      const jti = `ticket-${String(issued).padStart(16, "0")}`;
      const nonce = "N".repeat(43);
      return ofTrust(CONTROL_TICKET_TYPE, { jti, nonce, ...changes }, header);
    },
    proof: (nonces, changes = {}, header = {}) =>
      ofTrust(CONTROL_PROOF_TYPE, { side: "door", ...nonces, ...changes }, header),
  };

  function ofTrust(typ: string, claims: object, header: object): string {
    const iat = Math.floor(now() / 1000);
    const about = { iss: "gatehouse", aud: "cloud/cloud-1", iat, exp: iat + 30, v: 1 };
    return signJws(trust, { alg: "ES256", typ, jwk: trust.jwk, ...header }, { ...about, ...claims });
  }
  return door;
}

export function createTestKey(): TestKey {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const { x = "", y = "" } = publicKey.export({ format: "jwk" });
  const jwk = { kty: "EC", crv: "P-256", x, y } as const;
  return { privateKey, jwk, kid: thumbprintOf(jwk) };
}

export function signJws(key: TestKey, header: object, payload: object): string {
  const text = `${base64url(header)}.${base64url(payload)}`;
  const signature = sign("sha256", Buffer.from(text), { key: key.privateKey, dsaEncoding: "ieee-p1363" });
  return `${text}.${signature.toString("base64url")}`;
}

export function base64url(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

export function agentId(text: string) {
  const id = parseAgentId(text);
  if (id === undefined) throw new Error(`not an agent id: ${text}`);
  return id;
}

/** A session id made of one repeated letter. */
export function sessionId(letter: string) {
  const id = parseSessionId(`s_${letter.repeat(22)}`);
  if (id === undefined) throw new Error("not a session id");
  return id;
}
