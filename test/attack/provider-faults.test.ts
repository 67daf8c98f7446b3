// Attacks from a provider, or from whoever stands in for it: floods, stalls, redirects, pages instead of documents.
// A login fails in time with a page that names the provider; whoever is signed in goes on (S82, S122, fault cases
// 1 to 5).
import type { ServerResponse } from "node:http";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  type FaultProvider,
  idTokenClaims,
  signIdToken,
  startFaultProvider,
} from "../support/fault-provider.ts";
import { ALICE, type FrontDoorFixture, startTestFrontDoor } from "../support/front-door-fixture.ts";
import { beginLogin, callbackQuery, comeBack, cookiesSetBy, navigate } from "../support/login-walk.ts";
import { createRsaKey } from "../support/provider-fixture.ts";
import { head, type RawAnswer, rawExchange } from "../support/raw-client.ts";

let provider: FaultProvider;
let door: FrontDoorFixture;

beforeEach(async () => {
  provider = await startFaultProvider();
});
afterEach(async () => {
  await door.close();
  await provider.close();
});

async function startDoor(timeout = "8s"): Promise<void> {
  door = await startTestFrontDoor({
    issuer: provider.issuer,
    gateways: { cloud: { endpoints: { "cloud-1": "http://127.0.0.1:9" } } },
    config: {
      providers: {
        sso: {
          name: "Example SSO",
          issuer: provider.issuer,
          clientId: "gatehouse",
          clientSecret: "a-client-secret",
          timeout,
          bearer: { audience: "urn:gatehouse" },
        },
      },
    },
  });
}

const MiB = 1024 * 1024;
/** A pipe's buffers between two processes hold a few MiB; a gigabyte does not fit. */
const BUFFERED = 32 * MiB;

/** Sends a gigabyte as fast as it is taken; `taken` says how much was. */
function flood(contentType: string) {
  const state = { taken: 0 };
  const script = (response: ServerResponse) => {
    const chunk = Buffer.alloc(64 * 1024, " ");
    let open = true;
    response.on("close", () => {
      open = false;
    });
    response.writeHead(200, { "content-type": contentType });
    const more = () => {
      while (open && state.taken < 1024 * MiB) {
        state.taken += chunk.length;
        if (!response.write(chunk)) return void response.once("drain", more);
      }
      response.end();
    };
    more();
  };
  return { state, script };
}

function expectUnavailable(answer: RawAnswer): void {
  expect([answer.status, answer.headers.get("retry-after"), cookiesSetBy(answer).has("gatehouse")]).toEqual([
    503,
    "5",
    false,
  ]);
  expect(answer.body).toContain("Example SSO is not answering");
  // Not a trace of what failed inside.
  expect(answer.body).not.toMatch(/node_modules|\.ts:|\n\s+at /);
}

const FAULTS: readonly (readonly [string, (response: ServerResponse) => void])[] = [
  ["answers 500", (response) => response.writeHead(500).end("{}")],
  ["answers 404", (response) => response.writeHead(404).end("{}")],
  ["hangs up", (response) => response.destroy()],
  ["never answers", () => {}],
  [
    "stops in the middle",
    (response) => response.writeHead(200, { "content-type": "application/json" }).write('{"iss'),
  ],
  ["answers HTML", (response) => response.writeHead(200, { "content-type": "text/html" }).end("<html>")],
  [
    "answers HTML as JSON",
    (response) => response.writeHead(200, { "content-type": "application/json" }).end("<html>"),
  ],
  ["answers null", (response) => response.writeHead(200, { "content-type": "application/json" }).end("null")],
  ["answers a list", (response) => response.writeHead(200, { "content-type": "application/json" }).end("[]")],
  ["redirects elsewhere", (response) => response.writeHead(302, { location: "http://127.0.0.1:9/" }).end()],
];

describe("a discovery document", () => {
  it.each(FAULTS)(
    "of a provider that %s: nobody is sent there, the page names the provider",
    async (_name, script) => {
      provider.answer("discovery", script);
      await startDoor("500ms");
      expectUnavailable(await navigate(door, "/auth/login"));
      const ready = await rawExchange(door.port, head("GET /readyz HTTP/1.1", `Host: ${door.host}`));
      expect([ready.status, JSON.parse(ready.body).checks["provider.sso"]]).toEqual([503, "down"]);
    },
  );

  it("S122: of a gigabyte is given up after a megabyte", async () => {
    const { script, state } = flood("application/json");
    provider.answer("discovery", script);
    await startDoor();
    expectUnavailable(await navigate(door, "/auth/login"));
    expect(state.taken).toBeLessThan(BUFFERED);
  });

  it("of a provider that is down does not keep out who is signed in", async () => {
    provider.answer("discovery", (response) => response.destroy());
    await startDoor();
    const cookie = await door.signIn(ALICE);
    expect((await navigate(door, "/", `Cookie: ${cookie}`)).status).toBe(200);
    expect((await navigate(door, "/auth/login", `Cookie: ${cookie}`)).status).toBe(303);
  });

  it("is asked for once, however many knock while it does not answer", async () => {
    const held: ServerResponse[] = [];
    provider.answer("discovery", (response) => void held.push(response));
    await startDoor("500ms");
    const answers = await Promise.all(Array.from({ length: 50 }, () => navigate(door, "/auth/login")));
    expect(answers.map(({ status }) => status)).toEqual(new Array(50).fill(503));
    expect(held.length).toBeLessThanOrEqual(2);
  });

  it.each([
    ["jwks_uri", "file:///etc/passwd"],
    ["jwks_uri", "gopher://127.0.0.1/"],
    ["jwks_uri", "/keys"],
    ["jwks_uri", undefined],
    ["jwks_uri", 7],
  ])("with %s %s is not believed", async (member, value) => {
    provider.describe({ [member]: value });
    await startDoor();
    expectUnavailable(await navigate(door, "/auth/login"));
  });

  it.each(["javascript:alert(1)", "data:text/html,x", "not a url", "//evil.example/authorize"])(
    "that names `%s` as its sign-in page sends no browser there",
    async (address) => {
      provider.describe({ authorization_endpoint: address });
      await startDoor();
      const answer = await navigate(door, "/auth/login");
      expect(answer.headers.get("location") ?? "").not.toMatch(/^(javascript|data|file):/);
      expect([302, 503]).toContain(answer.status);
      if (answer.status === 302)
        expect(new URL(answer.headers.get("location") ?? "").protocol).toMatch(/^https?:$/);
    },
  );
});

describe("a key set", () => {
  async function signInWhile(
    script: (response: ServerResponse) => void,
    timeout?: string,
  ): Promise<RawAnswer> {
    provider.answer("keys", script);
    await startDoor(timeout);
    const begun = await beginLogin(door);
    provider.give(signIdToken(provider.key, idTokenClaims(provider.issuer, begun.asked.get("nonce"))));
    return comeBack(door, callbackQuery(begun), begun.cookie);
  }

  it.each(FAULTS)(
    "of a provider that %s: the login fails with a page that names it",
    async (_name, script) => {
      expectUnavailable(await signInWhile(script, "500ms"));
    },
  );

  it("S122: of a gigabyte is given up after a megabyte", async () => {
    const { script, state } = flood("application/json");
    expectUnavailable(await signInWhile(script));
    expect(state.taken).toBeLessThan(BUFFERED);
  });

  it("fault case 3: whose key has just changed is asked for once more, and the login succeeds", async () => {
    await startDoor();
    const first = await beginLogin(door);
    provider.give(signIdToken(provider.key, idTokenClaims(provider.issuer, first.asked.get("nonce"))));
    await comeBack(door, callbackQuery(first), first.cookie);
    const renewed = createRsaKey("key-2");
    provider.answer("keys", (response) =>
      response
        .writeHead(200, { "content-type": "application/json" })
        .end(JSON.stringify({ keys: [renewed.jwk] })),
    );
    const second = await beginLogin(door);
    provider.give(signIdToken(renewed, idTokenClaims(provider.issuer, second.asked.get("nonce"))));
    const answer = await comeBack(door, callbackQuery(second), second.cookie);
    expect(cookiesSetBy(answer).has("gatehouse")).toBe(true);
  });

  it("fault case 4: that is gone goes on counting for the keys known, and for no others", async () => {
    await startDoor();
    const first = await beginLogin(door);
    provider.give(signIdToken(provider.key, idTokenClaims(provider.issuer, first.asked.get("nonce"))));
    await comeBack(door, callbackQuery(first), first.cookie);
    provider.answer("keys", (response) => response.writeHead(500).end());
    const known = await beginLogin(door);
    provider.give(signIdToken(provider.key, idTokenClaims(provider.issuer, known.asked.get("nonce"))));
    expect(cookiesSetBy(await comeBack(door, callbackQuery(known), known.cookie)).has("gatehouse")).toBe(
      true,
    );
    const foreign = await beginLogin(door);
    const other = createRsaKey("key-2");
    provider.give(signIdToken(other, idTokenClaims(provider.issuer, foreign.asked.get("nonce"))));
    expect(cookiesSetBy(await comeBack(door, callbackQuery(foreign), foreign.cookie)).has("gatehouse")).toBe(
      false,
    );
  });

  it("S82: tokens of unknown keys by the hundred cause no flood of requests", async () => {
    await startDoor();
    const before = provider.requests.length;
    const tokens = Array.from({ length: 50 }, (_, index) =>
      signIdToken(provider.key, idTokenClaims(provider.issuer, null, { aud: "urn:gatehouse" }), {
        typ: "at+jwt",
        kid: `unknown-${index}`,
      }),
    );
    const answers = await Promise.all(
      tokens.map((token) =>
        rawExchange(
          door.port,
          head("GET /api/token HTTP/1.1", `Host: ${door.host}`, `Authorization: Bearer ${token}`),
        ),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(new Array(50).fill(401));
    const asked = provider.requests.slice(before).filter(({ path }) => path === "/keys");
    expect(asked.length).toBeLessThanOrEqual(2);
  });
});

describe("a token endpoint", () => {
  async function comeBackWhile(
    script: (response: ServerResponse) => void,
    timeout?: string,
  ): Promise<RawAnswer> {
    await startDoor(timeout);
    const begun = await beginLogin(door);
    provider.answer("token", script);
    return comeBack(door, callbackQuery(begun), begun.cookie);
  }

  it.each(FAULTS)(
    "of a provider that %s: no session, and a page that says what to do",
    async (_name, script) => {
      const answer = await comeBackWhile(script, "500ms");
      expect([400, 503]).toContain(answer.status);
      expect(cookiesSetBy(answer).has("gatehouse")).toBe(false);
      expect(answer.headers.get("content-type")).toBe("text/html; charset=utf-8");
      expect(answer.body).not.toMatch(/node_modules|\.ts:|\n\s+at /);
    },
  );

  it("S122: of a gigabyte is given up after a megabyte", async () => {
    const { script, state } = flood("application/json");
    const answer = await comeBackWhile(script);
    expect([[400, 503].includes(answer.status), cookiesSetBy(answer).has("gatehouse")]).toEqual([
      true,
      false,
    ]);
    expect(state.taken).toBeLessThan(BUFFERED);
  });
});
