// Fault cases 1 to 5 and 9: the provider is away, slow, wrong or late, and what becomes of those who are signed in
// and of those who want to. The provider is a real one with faults put in its way.

import type { ServerResponse } from "node:http";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Clock, systemClock } from "../../core/clock.ts";
import { type RealFaultProvider, startRealFaultProvider } from "../support/fault-provider-real.ts";
import {
  ALICE,
  type FrontDoorFixture,
  type FrontDoorOptions,
  startTestFrontDoor,
} from "../support/front-door-fixture.ts";
import { createRsaKey } from "../support/provider-fixture.ts";
import { createScriptedBrowser, type PageAnswer, type ScriptedBrowser } from "../support/scripted-browser.ts";
import { signIn } from "../support/sign-in.ts";

const NOWHERE = { cloud: { endpoints: { "cloud-1": "http://127.0.0.1:9" } } };
const MINUTE = 60_000;

let provider: RealFaultProvider;
let door: FrontDoorFixture;
/** How far the front door's wall clock has been moved. */
let shiftMs: number;
/** How much time has passed for it beyond the real one. */
let passedMs: number;

beforeEach(async () => {
  shiftMs = 0;
  passedMs = 0;
  provider = await startRealFaultProvider();
});
afterEach(async () => {
  await door.close();
  await provider.close();
});

async function startDoor(config: FrontDoorOptions["config"] = {}, groupsClaim = "groups") {
  const clock: Clock = {
    ...systemClock,
    now: () => systemClock.now() + shiftMs,
    monotonic: () => systemClock.monotonic() + passedMs,
  };
  const settings = {
    name: "Example SSO",
    issuer: provider.issuer,
    clientId: "gatehouse",
    clientSecret: "a-client-secret",
    timeout: "2s",
    groups: { claim: groupsClaim },
  };
  door = await startTestFrontDoor({
    gateways: NOWHERE,
    issuer: provider.issuer,
    clock,
    config: { providers: { sso: settings }, ...config },
  });
  provider.serve(door.publicUrl);
}

async function signInAs(email: string): Promise<ScriptedBrowser> {
  const { browser, page } = await signIn(`${door.publicUrl}/`, email);
  expect([page.url.href, page.status]).toEqual([`${door.publicUrl}/`, 200]);
  return browser;
}

/** Tokens that are to be refreshed as soon as they are there. */
const SHORT_LIVED = { expires_in: 30 };
const shortLived = (body: object) => ({ ...body, ...SHORT_LIVED });
const hangUp = (response: ServerResponse) => void response.destroy();
const HEADERS = { accept: "application/json", "sec-fetch-mode": "cors" };

async function me(browser: ScriptedBrowser): Promise<{ status: number; body: Record<string, unknown> }> {
  const { status, body } = await browser.send(`${door.publicUrl}/api/me`, { headers: HEADERS });
  return { status, body: JSON.parse(body) };
}

async function codeOf(browser: ScriptedBrowser): Promise<unknown> {
  const { body } = await me(browser);
  return (body["error"] as { code: string } | undefined)?.code;
}

function expectUnavailable(page: PageAnswer) {
  expect([page.status, page.headers["retry-after"], page.url.origin]).toEqual([503, "5", door.publicUrl]);
  expect(page.body).toContain("Example SSO is not answering");
}

async function refusedLogin(email: string): Promise<PageAnswer> {
  const { browser, page } = await signIn(`${door.publicUrl}/`, email);
  expect(await codeOf(browser)).toBe("session_missing");
  return page;
}

const jwksRequests = () => provider.requests.filter((path) => path === "/jwks").length;

describe("fault case 1: the provider is away", () => {
  it("those signed in go on, new logins get a page with 503, and nothing loops", async () => {
    await startDoor();
    provider.change("/token", shortLived);
    const browser = await signInAs("alice@example.com");
    provider.answer("*", hangUp);
    for (let count = 0; count < 5; count += 1) expect((await me(browser)).status).toBe(200);
    passedMs = MINUTE;
    const before = provider.requests.length;
    expectUnavailable(await createScriptedBrowser().open(`${door.publicUrl}/`));
    expect(provider.requests.length - before).toBeLessThanOrEqual(3);
  });

  it("past the grace they wait, signed in, and go on when it answers again", async () => {
    await startDoor();
    provider.change("/token", shortLived);
    const browser = await signInAs("alice@example.com");
    provider.answer("*", hangUp);
    shiftMs = 11 * MINUTE;
    expect(await codeOf(browser)).toBe("provider_unavailable");
    expectUnavailable(await browser.open(`${door.publicUrl}/`));
    provider.answer("*", undefined);
    await vi.waitFor(async () => expect((await me(browser)).status).toBe(200), {
      timeout: 20_000,
      interval: 500,
    });
  });

  it("when it is back and says no, the session ends", async () => {
    await startDoor();
    provider.change("/token", shortLived);
    const browser = await signInAs("alice@example.com");
    provider.answer("/token", (response) =>
      response.writeHead(400, { "content-type": "application/json" }).end('{"error":"invalid_grant"}'),
    );
    await vi.waitFor(async () => expect(await codeOf(browser)).toBe("session_missing"));
    await vi.waitFor(async () => {
      const lines = await door.auditLines();
      expect(
        lines.filter(({ kind }) => kind === "logout").map(({ reason, event }) => [reason, typeof event]),
      ).toEqual([["provider_refused: invalid_grant", "number"]]);
    });
  });

  it("when it is back with other groups, they count", async () => {
    await startDoor();
    provider.change("/token", shortLived);
    const browser = await signInAs("alice@example.com");
    provider.changeIdTokens((claims) => ({ ...claims, groups: ["finance"] }));
    await vi.waitFor(async () => expect((await me(browser)).body["groups"]).toEqual(["finance"]));
    expect(provider.requests.filter((path) => path === "/token").length).toBe(2);
  });
});

describe("fault case 2: the provider is slow or broken", () => {
  const answers: readonly (readonly [string, (response: ServerResponse) => void])[] = [
    ["never", () => {}],
    ["500", (response) => void response.writeHead(500).end("broken")],
    [
      "HTML",
      (response) => void response.writeHead(200, { "content-type": "text/html" }).end("<h1>Hello</h1>"),
    ],
    [
      "half",
      (response) => void response.writeHead(200, { "content-length": "1000" }).write('{"access_token"'),
    ],
  ];
  it.each(answers)(
    "a token endpoint that answers %s: no session, a page that says so",
    async (_what, script) => {
      await startDoor();
      provider.answer("/token", script);
      const page = await refusedLogin("alice@example.com");
      expect([page.status >= 400, page.url.origin]).toEqual([true, door.publicUrl]);
    },
  );

  it.each(answers)(
    "a discovery document that comes as %s: 503, and those signed in go on",
    async (_what, script) => {
      await startDoor();
      const cookie = await door.signIn(ALICE);
      provider.answer("/.well-known/openid-configuration", script);
      expectUnavailable(await createScriptedBrowser().open(`${door.publicUrl}/auth/login`));
      const answer = await createScriptedBrowser().send(`${door.publicUrl}/api/me`, {
        headers: { ...HEADERS, cookie },
      });
      expect(answer.status).toBe(200);
    },
  );
});

describe("fault cases 3 to 5: the provider's keys", () => {
  const rotated = createRsaKey("key-2");
  const publish = (body: Record<string, unknown>) => ({ keys: [...(body["keys"] as object[]), rotated.jwk] });

  it("3: rotated in the middle of a login, they are fetched once more, and the login succeeds", async () => {
    await startDoor();
    await signInAs("alice@example.com");
    const before = jwksRequests();
    provider.change("/jwks", publish);
    provider.changeIdTokens((claims) => claims, rotated);
    await signInAs("bob@example.com");
    expect(jwksRequests() - before).toBe(1);
  });

  it("4: while they cannot be fetched the known ones go on, and an unknown one is refused", async () => {
    await startDoor();
    await signInAs("alice@example.com");
    provider.answer("/jwks", (response) => void response.writeHead(500).end());
    await signInAs("bob@example.com");
    provider.changeIdTokens((claims) => claims, rotated);
    expect((await refusedLogin("dana@example.com")).status).toBe(400);
    provider.changeIdTokens(undefined);
    await signInAs("dana@example.com");
  });

  const hostile: readonly (readonly [string, (response: ServerResponse) => void])[] = [
    ["endless", (response) => void pour(response)],
    [
      "a redirect",
      (response) => void response.writeHead(302, { location: `${provider.issuer}/elsewhere` }).end(),
    ],
  ];
  it.each(hostile)(
    "5: a key set that is %s is refused, and the known keys are kept",
    async (_what, script) => {
      await startDoor();
      await signInAs("alice@example.com");
      provider.answer("/jwks", script);
      provider.changeIdTokens((claims) => claims, rotated);
      expect((await refusedLogin("bob@example.com")).status).toBe(400);
      provider.changeIdTokens(undefined);
      await signInAs("dana@example.com");
      expect(provider.requests).not.toContain("/elsewhere");
    },
  );
});

describe("fault case 9: the clocks are apart", () => {
  it("an hour: nobody is signed out, and readiness and audit say it", async () => {
    await startDoor();
    const browser = await signInAs("alice@example.com");
    shiftMs = 60 * MINUTE;
    await me(browser);
    await vi.waitFor(async () => {
      const ready = await browser.send(`${door.publicUrl}/readyz`);
      expect(JSON.parse(ready.body).checks["clock.sso"]).toMatch(/^apart by 36\d\d s$/);
    });
    expect((await me(browser)).status).toBe(200);
    const lines = (await door.closeAndReadAudit()).filter(({ kind }) => kind === "clock_skew");
    expect(lines.map(({ reason }) => reason)).toEqual([
      expect.stringMatching(/^clock_skew: door \d{4}-.*, provider \d{4}-/),
    ]);
  });

  it("by the provider's own Date: said, and within the skew not", async () => {
    await startDoor();
    provider.skew(45_000);
    const browser = await signInAs("alice@example.com");
    const clock = async () =>
      JSON.parse((await browser.send(`${door.publicUrl}/readyz`)).body).checks["clock.sso"];
    expect(await clock()).toMatch(/^apart by 4[56] s$/);
    provider.skew(5_000);
    await signInAs("bob@example.com");
    expect(await clock()).toBe("ok");
  });
});

describe("what providers put into an ID token", () => {
  it.each([
    [
      "Keycloak's roles",
      "realm_access.roles",
      { groups: undefined, realm_access: { roles: ["engineering", "offline_access"] } },
      ["engineering", "offline_access"],
    ],
    [
      "Keycloak's groups with their full path",
      "groups",
      { groups: ["/engineering", "/staff/berlin"] },
      ["/engineering", "/staff/berlin"],
    ],
    [
      "Entra's object ids",
      "groups",
      { groups: ["8d3f0b1e-0000-4000-8000-000000000001"], oid: "0b1e", tid: "t" },
      ["8d3f0b1e-0000-4000-8000-000000000001"],
    ],
  ])("%s are read as they are", async (_what, claim, changes, groups) => {
    await startDoor({}, claim);
    provider.changeIdTokens((claims) => ({ ...claims, ...changes }));
    const browser = await signInAs("alice@example.com");
    expect((await me(browser)).body["groups"]).toEqual(groups);
  });

  it.each([
    [
      "Entra's overage",
      {
        groups: undefined,
        _claim_names: { groups: "src1" },
        _claim_sources: { src1: { endpoint: "https://graph.example.com" } },
      },
      403,
      "You are in too many groups to list",
    ],
    [
      "Entra's overage in short",
      { groups: undefined, hasgroups: true },
      403,
      "You are in too many groups to list",
    ],
    ["no groups at all", { groups: undefined }, 403, "Your sign-in carries no groups"],
    ["another issuer", { iss: "https://evil.example.com" }, 400, "Signing in did not work"],
    ["no nonce", { nonce: undefined }, 400, "Signing in did not work"],
  ])("%s is refused with a page that says so", async (_what, changes, status, words) => {
    await startDoor();
    provider.changeIdTokens((claims) => ({ ...claims, ...changes }));
    const page = await refusedLogin("alice@example.com");
    expect([page.status, page.body.includes(words)]).toEqual([status, true]);
  });
});

/** A key set without an end, as fast as it is taken. */
function pour(response: ServerResponse): void {
  const more = " ".repeat(256 * 1024);
  response.writeHead(200, { "content-type": "application/json" }).write('{"keys":[');
  const push = () => {
    while (!response.destroyed && response.write(more));
  };
  response.on("drain", push);
  push();
}
