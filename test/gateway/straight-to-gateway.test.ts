// Attacks from somebody who can reach the gateway without the front door: each is refused before 101, told a reason
// code and nothing else, and leaves one audit line.
import { createHmac, createPublicKey } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BOB, base64url, createTestKey, signJws, type TestDoor } from "../support/assertion-fixture.ts";
import { ask, HANDSHAKE, startTestGateway, type TestGateway } from "../support/gateway-fixture.ts";

type Attack = {
  readonly name: string;
  readonly assertion: (door: TestDoor) => string | string[] | undefined;
  readonly headers?: Record<string, string>;
  readonly code?: string;
  readonly reason?: string;
};

const ATTACKS: readonly Attack[] = [
  {
    name: "forged identity headers without an assertion",
    assertion: () => undefined,
    headers: {
      "x-user-id": BOB,
      "x-user-email": "root@example.com",
      "x-forwarded-user": "root",
      "x-user-groups": "admins",
      "x-forwarded-for": "127.0.0.1",
    },
    code: "assertion_missing",
  },
  {
    name: "an assertion under another spelling of the header's name",
    assertion: () => undefined,
    headers: { x_gateway_assertion: "e30.e30.e30" },
    code: "assertion_missing",
  },
  {
    name: "an assertion as a bearer token",
    assertion: () => undefined,
    headers: { authorization: "Bearer e30.e30.e30" },
    code: "assertion_missing",
  },
  {
    name: "the header twice, both valid",
    assertion: (door) => [door.assertion(), door.assertion()],
    code: "assertion_duplicate",
  },
  {
    name: "two values in one header",
    assertion: (door) => `${door.assertion()}, ${door.assertion()}`,
    code: "assertion_duplicate",
  },
  { name: "an empty assertion", assertion: () => "", reason: "malformed" },
  { name: "no token at all", assertion: () => "let-me-in", reason: "malformed" },
  {
    name: "a token longer than any of ours",
    assertion: () => `e30.${"A".repeat(15_000)}.e30`,
    reason: "malformed",
  },
  {
    name: "an expired assertion",
    assertion: (door) => door.assertion({ iat: at(-120), exp: at(-60) }),
    reason: "expired",
  },
  {
    name: "an assertion from the future",
    assertion: (door) => door.assertion({ iat: at(60), exp: at(120) }),
    reason: "not_yet_valid",
  },
  {
    name: "an assertion that lives too long",
    assertion: (door) => door.assertion({ exp: at(3_600) }),
    reason: "bad_claims",
  },
  {
    name: "an assertion without an expiry",
    assertion: (door) => door.assertion({ exp: undefined }),
    reason: "bad_claims",
  },
  {
    name: "an assertion issued before this process started",
    assertion: (door) => door.assertion({ iat: at(-1), exp: at(59) }),
    reason: "older_than_start",
  },
  {
    name: "a foreign key that calls itself ours",
    assertion: (door) => signJws(createTestKey(), headerOf(door), door.claims()),
    reason: "bad_signature",
  },
  {
    name: "a key that is not in the key set",
    assertion: (door) => door.assertion({}, { kid: createTestKey().kid }),
    reason: "unknown_key",
  },
  {
    name: "no key named",
    assertion: (door) => door.assertion({}, { kid: undefined }),
    reason: "unknown_key",
  },
  {
    name: "a key brought along in the header",
    assertion(door) {
      const key = createTestKey();
      return signJws(key, { ...headerOf(door), kid: key.kid, jwk: key.jwk }, door.claims());
    },
    reason: "unknown_key",
  },
  {
    name: "a key to fetch from elsewhere",
    assertion(door) {
      const key = createTestKey();
      return signJws(
        key,
        { ...headerOf(door), kid: key.kid, jku: "http://127.0.0.1:9/keys", x5u: "http://127.0.0.1:9/cert" },
        door.claims(),
      );
    },
    reason: "unknown_key",
  },
  {
    name: "a key brought along under our kid",
    assertion(door) {
      const key = createTestKey();
      return signJws(key, { ...headerOf(door), jwk: key.jwk }, door.claims());
    },
    reason: "bad_signature",
  },
  {
    name: "the trust key, which signs key sets only",
    assertion: (door) => signJws(door.trust, { ...headerOf(door), kid: door.trust.kid }, door.claims()),
    reason: "unknown_key",
  },
  ...["none", "None", "NONE"].map((alg) => ({
    name: `alg ${alg}`,
    assertion: (door: TestDoor) => `${base64url({ ...headerOf(door), alg })}.${base64url(door.claims())}.AA`,
    reason: "wrong_algorithm",
  })),
  {
    name: "no signature",
    assertion: (door) => `${base64url({ ...headerOf(door), alg: "none" })}.${base64url(door.claims())}.`,
    reason: "malformed",
  },
  {
    name: "HS256 with our public key as the secret (CVE-2016-10555)",
    assertion(door) {
      const text = `${base64url({ ...headerOf(door), alg: "HS256" })}.${base64url(door.claims())}`;
      const publicKey = createPublicKey({ key: { ...door.signing.jwk }, format: "jwk" });
      const secret = publicKey.export({ format: "pem", type: "spki" });
      return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
    },
    reason: "wrong_algorithm",
  },
  {
    name: "changed claims under an old signature",
    assertion(door) {
      const [header, , signature] = door.assertion().split(".");
      return `${header}.${base64url(door.claims({ sub: BOB }))}.${signature}`;
    },
    reason: "bad_signature",
  },
  {
    name: "an access token of the front door",
    assertion: (door) => door.assertion({ aud: "https://door.example.com" }, { typ: "at+jwt" }),
    reason: "wrong_type",
  },
  { name: "a key set envelope", assertion: (door) => door.keySet(), reason: "wrong_type" },
  { name: "no type", assertion: (door) => door.assertion({}, { typ: undefined }), reason: "wrong_type" },
  {
    name: "a critical extension",
    assertion: (door) => door.assertion({}, { crit: ["exp"] }),
    reason: "malformed",
  },
  {
    name: "an assertion for another endpoint",
    assertion: (door) => door.assertion({ aud: "cloud/cloud-2" }),
    reason: "wrong_audience",
  },
  {
    name: "an assertion for another gateway",
    assertion: (door) => door.assertion({ aud: "berlin/cloud-1" }),
    reason: "wrong_audience",
  },
  {
    name: "an assertion of another issuer",
    assertion: (door) => door.assertion({ iss: "elsewhere" }),
    reason: "wrong_issuer",
  },
  {
    name: "an assertion for plain requests",
    assertion: (door) => door.assertion({ use: "http" }),
    reason: "wrong_use",
  },
  {
    name: "a subject that is no user id",
    assertion: (door) => door.assertion({ sub: "../../bob" }),
    reason: "bad_claims",
  },
  {
    name: "agents that are not a list",
    assertion: (door) => door.assertion({ agents: "coder" }),
    reason: "bad_claims",
  },
];

let gateway: TestGateway;
const at = (seconds: number) => Math.floor(gateway.clock.now() / 1000) + seconds;
const headerOf = (door: TestDoor) => ({ alg: "ES256", typ: "gateway-assertion+jwt", kid: door.signing.kid });

beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.dispose());

describe("straight to the gateway", () => {
  test.each(ATTACKS)("refuses $name before 101", async (attack) => {
    const assertion = attack.assertion(gateway.door);
    const requestId = newestRequestId();
    const answer = await ask(`${gateway.running.url}/agents/coder/ws`, {
      headers: {
        ...HANDSHAKE,
        "x-request-id": requestId,
        ...attack.headers,
        ...(assertion === undefined ? {} : { "x-gateway-assertion": assertion }),
      },
    });
    const code = attack.code ?? "assertion_invalid";
    expect({ status: answer.status, body: answer.body }).toEqual({
      status: 401,
      body: {
        error: {
          code,
          message: "Connect through the front door, not straight to the gateway.",
          requestId,
          ...(attack.reason === undefined ? {} : { reason: attack.reason }),
        },
      },
    });
    expect(answer.headers).toMatchObject({
      connection: "close",
      "www-authenticate": "Gateway-Assertion",
      "cache-control": "no-store",
    });
    expect(await auditOf(requestId)).toEqual([
      {
        time: "2026-11-02T09:00:00.000Z",
        kind: "admission",
        outcome: "denied",
        code,
        reason: attack.reason ?? code,
        requestId,
        userId: null,
        email: null,
        sid: null,
        provider: null,
        peer: "127.0.0.1",
        method: "GET",
        path: "/agents/coder/ws",
        agent: "coder",
        gateway: "cloud",
        endpoint: "cloud-1",
        event: null,
      },
    ]);
  });

  test("admits an assertion once and refuses it the second time, on every path", async () => {
    const headers = { ...HANDSHAKE, "x-gateway-assertion": gateway.door.assertion() };
    expect((await ask(`${gateway.running.url}/agents/coder/ws`, { headers })).status).toBe(101);
    for (const path of ["/agents/coder/ws", "/ws", "/nowhere"]) {
      const again = await ask(`${gateway.running.url}${path}`, { headers });
      expect(again).toMatchObject({
        status: 401,
        body: { error: { code: "assertion_invalid", reason: "replayed" } },
      });
    }
  });

  test("names the person of a replayed assertion in the audit line, because its signature was good", async () => {
    const requestId = newestRequestId();
    const headers = {
      ...HANDSHAKE,
      "x-gateway-assertion": gateway.door.assertion(),
      "x-request-id": requestId,
    };
    await ask(`${gateway.running.url}/ws`, { headers });
    await ask(`${gateway.running.url}/ws`, { headers });
    const lines = await auditOf(requestId, 2);
    expect(lines.map(({ outcome, code, reason, email }) => ({ outcome, code, reason, email }))).toEqual([
      { outcome: "allowed", code: null, reason: "assertion", email: "alice@example.com" },
      { outcome: "denied", code: "assertion_invalid", reason: "replayed", email: "alice@example.com" },
    ]);
  });

  test("does not let an upgrade assertion make a plain request", async () => {
    const answer = await ask(`${gateway.running.url}/agents/coder/whoami`, {
      headers: { "x-gateway-assertion": gateway.door.assertion() },
    });
    expect(answer).toMatchObject({
      status: 401,
      body: { error: { code: "assertion_invalid", reason: "wrong_use" } },
    });
  });

  test("refuses an agent that the assertion does not name with 403", async () => {
    const requestId = newestRequestId();
    const answer = await ask(`${gateway.running.url}/agents/coder/ws`, {
      headers: {
        ...HANDSHAKE,
        "x-request-id": requestId,
        "x-gateway-assertion": gateway.door.assertion({ agents: ["assistant"] }),
      },
    });
    expect({ status: answer.status, body: answer.body }).toEqual({
      status: 403,
      body: {
        error: {
          code: "assertion_agent",
          message: "The front door did not name that agent for you here.",
          requestId,
        },
      },
    });
    expect(await auditOf(requestId)).toMatchObject([
      { outcome: "denied", code: "assertion_agent", agent: "coder", email: "alice@example.com" },
    ]);
  });

  test.each([
    ["an agent that this gateway does not run", "/agents/analyst/ws", ["analyst"], 403, "agent_unknown"],
    ["only agents that this gateway does not run", "/ws", ["analyst"], 403, "no_agents"],
    ["no agents", "/ws", [], 403, "no_agents"],
    ["an unknown path", "/controls", ["coder"], 404, "path_unknown"],
    ["an encoded path", "/agents%2Fcoder/ws", ["coder"], 404, "path_unknown"],
    ["a path with dot segments", "/agents/../agents/coder/ws", ["coder"], 404, "path_unknown"],
    ["an agent in another case", "/agents/CODER/ws", ["coder"], 404, "path_unknown"],
  ])("refuses %s with a code", async (_, path, agents, status, code) => {
    const requestId = newestRequestId();
    const sent = gateway.door.assertion({ agents });
    const headers = { ...HANDSHAKE, "x-gateway-assertion": sent, "x-request-id": requestId };
    const answer = await ask(`${gateway.running.url}${path}`, { headers });
    expect(answer).toMatchObject({ status, body: { error: { code, requestId } } });
    expect(await auditOf(requestId)).toMatchObject([{ outcome: "denied", code }]);
  });

  test.each([
    ["another protocol", { upgrade: "h2c" }],
    ["another version", { "sec-websocket-version": "777" }],
    ["a bad key", { "sec-websocket-key": "short" }],
    ["a body", { "content-length": "4" }],
  ])("refuses a handshake with %s, assertion or not", async (_, changes) => {
    const url = `${gateway.running.url}/ws`;
    expect(await ask(url, { headers: { ...HANDSHAKE, ...changes } })).toMatchObject({
      status: 401,
      body: { error: { code: "assertion_missing" } },
    });
    const headers = { ...HANDSHAKE, ...changes, "x-gateway-assertion": gateway.door.assertion() };
    expect(await ask(url, { headers })).toMatchObject({
      status: 400,
      body: { error: { code: "upgrade_invalid" } },
    });
  });

  test("makes a request id of its own when the one sent is not of our shape", async () => {
    const answer = await ask(`${gateway.running.url}/ws`, { headers: { "x-request-id": "root\tlogged in" } });
    expect(answer.headers["x-request-id"]).toMatch(/^r_[A-Za-z0-9_-]{22}$/);
  });

  test("believes nothing but the assertion about who is speaking", async () => {
    const answer = await ask(`${gateway.running.url}/agents/coder/whoami`, {
      headers: {
        "x-gateway-assertion": gateway.door.assertion({ use: "http", groups: ["engineering"] }),
        "x-user-id": BOB,
        "x-user-email": "bob@example.com",
        "x-user-groups": "admins",
      },
    });
    const { jti: _, ...told } = gateway.door.claims({ use: "http", groups: ["engineering"] });
    expect({ status: answer.status, body: answer.body }).toEqual({ status: 200, body: told });
  });

  test("lets an assertion for plain requests be shown again while it is fresh", async () => {
    const headers = { "x-gateway-assertion": gateway.door.assertion({ use: "http" }) };
    for (const _ of [1, 2]) {
      expect((await ask(`${gateway.running.url}/agents/coder/whoami`, { headers })).status).toBe(200);
    }
  });

  test.each([
    ["/agents/coder/whoami", "POST", 405, "method_not_allowed"],
    ["/agents/coder/ws", "GET", 404, "path_unknown"],
    ["/health", "POST", 404, "path_unknown"],
  ])("answers a plain %s %s with %i", async (path, method, status, code) => {
    const headers = { "x-gateway-assertion": gateway.door.assertion({ use: "http" }) };
    const answer = await ask(`${gateway.running.url}${path}`, { method, headers });
    expect(answer).toMatchObject({ status, body: { error: { code } } });
  });
});

let requests = 0;
function newestRequestId(): string {
  requests += 1;
  return `r_${String(requests).padStart(22, "0")}`;
}

async function auditOf(requestId: string, expected = 1) {
  // Lines are written behind the answer's back.
  for (;;) {
    const lines = await gateway.auditLines("admission");
    const own = lines.filter((line) => line.requestId === requestId);
    if (own.length >= expected) return own;
  }
}
