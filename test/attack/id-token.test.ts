// Attacks by an ID token that lies, and by claims that are odd: each ends without a session, with a clear page and
// one audit line (rows S66 to S69, S71 to S73, S76, S85 to S87, S91, S92, S94 to S97; checklist 5 and 7).
import { createHmac, createPublicKey, type JsonWebKey } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../core/clock.ts";
import { userIdOf } from "../../core/ids.ts";
import {
  type FaultProvider,
  idTokenClaims,
  signIdToken,
  startFaultProvider,
} from "../support/fault-provider.ts";
import {
  type FrontDoorFixture,
  type FrontDoorOptions,
  startTestFrontDoor,
} from "../support/front-door-fixture.ts";
import {
  type BegunLogin,
  beginLogin,
  callbackQuery,
  comeBack,
  cookiesSetBy,
  expectRefused,
  loginsIn,
  meAfter,
  truthOf,
} from "../support/login-walk.ts";
import { compactJws, createEcKey, createRsaKey, signedBy } from "../support/provider-fixture.ts";

const NOWHERE = { cloud: { endpoints: { "cloud-1": "http://127.0.0.1:9" } } };

let provider: FaultProvider;
beforeAll(async () => {
  provider = await startFaultProvider();
});
afterAll(() => provider.close());

function startDoor(options: Partial<FrontDoorOptions> = {}): Promise<FrontDoorFixture> {
  return startTestFrontDoor({ gateways: NOWHERE, issuer: provider.issuer, ...options });
}

type Forge = (begun: BegunLogin) => string;

const claims = (begun: BegunLogin, changes: Record<string, unknown> = {}) =>
  idTokenClaims(provider.issuer, begun.asked.get("nonce"), changes);
const now = () => Math.floor(systemClock.now() / 1000);

/** The provider's public key as anybody can read it, misused as a shared secret. */
function hs256(begun: BegunLogin, secret: string | Buffer): string {
  const unsigned = compactJws({ alg: "HS256", typ: "JWT", kid: "key-1" }, claims(begun), "").slice(0, -1);
  return `${unsigned}.${createHmac("sha256", secret).update(unsigned).digest("base64url")}`;
}

function publicPem(type: "spki" | "pkcs1"): string {
  const key = createPublicKey({ key: provider.key.jwk as JsonWebKey, format: "jwk" });
  return key.export({ type, format: "pem" }).toString();
}

const attacker = createRsaKey("key-1");
const signedByAttacker = (begun: BegunLogin, header: Record<string, unknown>): string =>
  signedBy(attacker, claims(begun), { typ: "JWT", ...header });

// The library's codes; what begins with "id token" the door found by itself.
const INVALID = "OAUTH_INVALID_RESPONSE";
const COMPARISON = "OAUTH_JWT_CLAIM_COMPARISON_FAILED";
const TIMES = "OAUTH_JWT_TIMESTAMP_CHECK_FAILED";
const UNSUPPORTED = "OAUTH_UNSUPPORTED_OPERATION";

const FORGED: readonly (readonly [name: string, forge: Forge, reason: string])[] = [
  ["S66: no signature, alg none", (b) => compactJws({ alg: "none", typ: "JWT" }, claims(b), ""), INVALID],
  ["S66: alg None", (b) => compactJws({ alg: "None", typ: "JWT" }, claims(b), ""), INVALID],
  [
    "S66: alg none, kid of the provider",
    (b) => compactJws({ alg: "none", typ: "JWT", kid: "key-1" }, claims(b), "AA"),
    INVALID,
  ],
  [
    "S66: an empty signature under RS256",
    (b) => compactJws({ alg: "RS256", typ: "JWT", kid: "key-1" }, claims(b), ""),
    "id token: malformed",
  ],
  [
    "S66: a signature of nothing under RS256",
    (b) => compactJws({ alg: "RS256", typ: "JWT", kid: "key-1" }, claims(b), "AA"),
    "id token: bad_signature",
  ],
  ["S67: HS256 with the public key in PEM", (b) => hs256(b, publicPem("spki")), INVALID],
  ["S67: HS256 with the public key in PKCS 1", (b) => hs256(b, publicPem("pkcs1")), INVALID],
  ["S67: HS256 with the published JWK", (b) => hs256(b, JSON.stringify(provider.key.jwk)), INVALID],
  ["S67: HS256 with the client's secret", (b) => hs256(b, "a-client-secret"), INVALID],
  ["S68: a foreign key under the provider's kid", (b) => signedByAttacker(b, {}), "id token: bad_signature"],
  [
    "S68: a foreign key that comes along as jwk",
    (b) => signedByAttacker(b, { jwk: attacker.jwk }),
    "id token: bad_signature",
  ],
  [
    "S68: a foreign key of a kid nobody knows",
    (b) => signedByAttacker(b, { kid: "theirs" }),
    "id token: unknown_key",
  ],
  [
    "S69: a kid that is a path",
    (b) => signedByAttacker(b, { kid: "../../../etc/hostname" }),
    "id token: unknown_key",
  ],
  [
    "S69: a kid that every object has",
    (b) => signedByAttacker(b, { kid: "__proto__" }),
    "id token: unknown_key",
  ],
  ["S69: no kid", (b) => signedByAttacker(b, { kid: undefined }), "id token: unknown_key"],
  [
    "S85: another algorithm, with a signature of zeros",
    (b) => compactJws({ alg: "ES256", typ: "JWT", kid: "key-1" }, claims(b), "A".repeat(86)),
    INVALID,
  ],
  [
    "S85: another algorithm and key",
    (b) => signedBy(createEcKey("key-1"), claims(b), { typ: "JWT" }),
    INVALID,
  ],
  [
    "a critical extension that nobody knows",
    (b) => signIdToken(provider.key, claims(b), { crit: ["exp2"], exp2: 1 }),
    UNSUPPORTED,
  ],
  [
    "S76: an access token's type",
    (b) => signIdToken(provider.key, claims(b), { typ: "at+jwt" }),
    "id token: wrong_type",
  ],
  [
    "S76: a logout token's type",
    (b) => signIdToken(provider.key, claims(b), { typ: "logout+jwt" }),
    "id token: wrong_type",
  ],
  ["S73: no audience", (b) => truthOf(provider, b, { aud: undefined }), INVALID],
  ["S73: another audience", (b) => truthOf(provider, b, { aud: "other-client" }), COMPARISON],
  [
    "S73: two audiences and no azp",
    (b) => truthOf(provider, b, { aud: ["gatehouse", "other-client"] }),
    COMPARISON,
  ],
  [
    "S73: two audiences and another azp",
    (b) => truthOf(provider, b, { aud: ["gatehouse", "x"], azp: "x" }),
    COMPARISON,
  ],
  ["S73: no expiry", (b) => truthOf(provider, b, { exp: undefined }), INVALID],
  ["S86: expired beyond the skew", (b) => truthOf(provider, b, { iat: now() - 600, exp: now() - 61 }), TIMES],
  ["S73: no issue time", (b) => truthOf(provider, b, { iat: undefined }), INVALID],
  ["S86: not valid yet", (b) => truthOf(provider, b, { nbf: now() + 120 }), TIMES],
  ["S86: issued in the future", (b) => truthOf(provider, b, { iat: now() + 120 }), "id token: not_yet_valid"],
  ["another issuer", (b) => truthOf(provider, b, { iss: "https://evil.example" }), COMPARISON],
  ["the issuer with a slash more", (b) => truthOf(provider, b, { iss: `${provider.issuer}/` }), COMPARISON],
  ["no issuer", (b) => truthOf(provider, b, { iss: undefined }), INVALID],
  ["another nonce", (b) => truthOf(provider, b, { nonce: "another" }), COMPARISON],
  ["no nonce", (b) => truthOf(provider, b, { nonce: undefined }), INVALID],
  ["no subject", (b) => truthOf(provider, b, { sub: undefined }), INVALID],
  ["an empty subject", (b) => truthOf(provider, b, { sub: "" }), "id token: bad_claims"],
  ["a subject that is no text", (b) => truthOf(provider, b, { sub: 42 }), INVALID],
  [
    "S71: five parts, as of a JWE",
    () =>
      `${Buffer.from('{"alg":"PBES2-HS256+A128KW","enc":"A128GCM","p2c":2147483647}').toString("base64url")}.a.b.c.d`,
    UNSUPPORTED,
  ],
  ["no token at all", () => "", INVALID],
  ["S72: only dots", () => ".".repeat(60_000), INVALID],
];

describe("an ID token that lies", () => {
  it("is told from a truthful one, which signs in", async () => {
    const door = await startDoor();
    const begun = await beginLogin(door);
    provider.give(truthOf(provider, begun));
    const answer = await comeBack(door, callbackQuery(begun), begun.cookie);
    expect([answer.status, answer.headers.get("location")]).toEqual([302, `${door.publicUrl}/`]);
    expect(JSON.parse((await meAfter(door, answer)).body).id).toBe(userIdOf(provider.issuer, "alice"));
    expect(loginsIn(await door.closeAndReadAudit())).toEqual([["allowed", null, "Example SSO"]]);
  });

  it.each(FORGED)("%s: no session, a clear page, one audit line", async (_name, forge, reason) => {
    const door = await startDoor();
    const begun = await beginLogin(door);
    provider.give(forge(begun));
    const answer = await comeBack(door, callbackQuery(begun), begun.cookie);
    expectRefused(answer, 400, "Signing in did not work");
    expect((await meAfter(door, answer)).status).toBe(401);
    expect(loginsIn(await door.closeAndReadAudit())).toEqual([["denied", "login_failed", reason]]);
  });

  it("S69: a token never chooses where its key comes from", async () => {
    const contacted: string[] = [];
    const trap = createServer((request, response) => {
      contacted.push(request.url ?? "");
      response.end(JSON.stringify({ keys: [attacker.jwk] }));
    });
    await new Promise<void>((resolve) => trap.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(trap.address() as AddressInfo).port}/keys`;
    const door = await startDoor();
    const begun = await beginLogin(door);
    provider.give(signedByAttacker(begun, { jku: url, x5u: url, kid: url }));
    const answer = await comeBack(door, callbackQuery(begun), begun.cookie);
    expectRefused(answer, 400, "Signing in did not work");
    expect(contacted).toEqual([]);
    await door.close();
    await new Promise((resolve) => trap.close(resolve));
  });
});

describe("claims that are odd", () => {
  async function signInWith(changes: Record<string, unknown>, options: Partial<FrontDoorOptions> = {}) {
    const door = await startDoor(options);
    const begun = await beginLogin(door);
    provider.give(truthOf(provider, begun, changes));
    const answer = await comeBack(door, callbackQuery(begun), begun.cookie);
    const me = await meAfter(door, answer);
    return { answer, me, audit: loginsIn(await door.closeAndReadAudit()) };
  }

  it("S92, checklist 7: an e-mail that moved to another subject is another person", async () => {
    const first = await signInWith({});
    const second = await signInWith({ sub: "somebody-new" });
    expect(JSON.parse(first.me.body).email).toBe(JSON.parse(second.me.body).email);
    expect(JSON.parse(second.me.body).id).not.toBe(JSON.parse(first.me.body).id);
  });

  it("S94: an unverified e-mail grants nothing that is granted by e-mail", async () => {
    const access = {
      agents: { assistant: { name: "Assistant" } },
      groups: {},
      users: { "alice@example.com": { agents: ["assistant"] } },
    };
    const agents = async (changes: Record<string, unknown>) =>
      JSON.parse((await signInWith(changes, { access })).me.body).agents.length;
    expect([
      await agents({ email_verified: true }),
      await agents({ email_verified: false }),
      await agents({ email_verified: "true" }),
      await agents({ email_verified: undefined }),
    ]).toEqual([1, 0, 0, 0]);
  });

  it.each([
    ["S87: two at-signs", "evil@evil.test@example.com"],
    ["S91: a blank inside", "alice @example.com"],
    ["an address list", "alice@example.com, root@example.com"],
    ["no text", { toString: "alice@example.com" }],
  ])(
    "%s in the e-mail: it counts as none, and a rule that denies by e-mail then refuses",
    async (_name, email) => {
      const { me } = await signInWith({ email });
      expect([me.status, JSON.parse(me.body).error.code]).toEqual([403, "email_missing"]);
    },
  );

  it.each(["EVE@example.com", "eve@EXAMPLE.com", "  eve@example.com ", "ｅｖｅ@example.com"])(
    "S91: `%s`, verified or not, is refused as eve by name",
    async (email) => {
      const { me } = await signInWith({ email, email_verified: false });
      expect([me.status, JSON.parse(me.body).error.code]).toEqual([403, "user_denied"]);
    },
  );

  it.each([
    ["S95: an object that would be a prototype", JSON.parse('{"__proto__":{"admin":true}}')],
    ["a number", 7],
    ["a list with something else in it", ["engineering", 7]],
    ["nothing", undefined],
    ["null", null],
  ])("%s instead of groups refuses the login", async (_name, groups) => {
    const { answer, audit } = await signInWith({ groups });
    expectRefused(answer, 403, "Your sign-in carries no groups");
    expect(audit).toEqual([["denied", "groups_missing", "groups_missing claim=groups"]]);
  });

  it("groups left out because they are too many are a refusal that says so", async () => {
    const { answer, audit } = await signInWith({ groups: undefined, _claim_names: { groups: "src1" } });
    expectRefused(answer, 403, "You are in too many groups to list");
    expect(audit).toEqual([["denied", "groups_overflow", "groups_overflow claim=groups"]]);
  });

  it.each([
    "finance,engineering",
    "engineering\u200b",
    "en\u0261ineering",
    "engineering ",
    "Engineering",
    "constructor",
  ])("S96: the group `%s` is not engineering", async (group) => {
    const { me } = await signInWith({ groups: [group] });
    expect([me.status, JSON.parse(me.body).agents]).toEqual([200, []]);
  });

  it("S97: a name with line ends is one line everywhere", async () => {
    const { me } = await signInWith({ name: "Zoë\r\nX-Forwarded-User: root\u202e" });
    const body = Buffer.from(me.body, "latin1").toString("utf8");
    expect(JSON.parse(body).name).toBe("ZoëX-Forwarded-User: root");
  });

  it("S65: two thousand groups sign in, with a cookie of the usual size", async () => {
    const groups = Array.from(
      { length: 2_000 },
      (_, index) => `department-${String(index).padStart(5, "0")}`,
    );
    const { answer, me } = await signInWith({ groups: [...groups, "engineering"] });
    expect(cookiesSetBy(answer).get("gatehouse")).toMatch(/^[A-Za-z0-9_-]{43}$/);
    const { agents, groups: seen } = JSON.parse(me.body);
    expect([agents.map(({ id }: { id: string }) => id), seen.length]).toEqual([
      ["assistant", "coder"],
      2_001,
    ]);
  });
});
