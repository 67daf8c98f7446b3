// POST /auth/backchannel-logout at a real front door: OpenID Connect Back-Channel Logout 1.0 §2.5 to §2.8, rows S52
// and S63, fault case 32. What makes a token valid is in test/token-exchange/verify-logout-token.test.ts.
import { randomUUID } from "node:crypto";
import { request } from "undici";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "../../../core/clock.ts";
import { StoreUnavailable } from "../../../core/store.ts";
import {
  type FaultProvider,
  idTokenClaims,
  signIdToken,
  startFaultProvider,
} from "../../support/fault-provider.ts";
import { type FrontDoorFixture, startTestFrontDoor } from "../../support/front-door-fixture.ts";
import {
  type BegunLogin,
  beginLogin,
  callbackQuery,
  comeBack,
  cookiesSetBy,
} from "../../support/login-walk.ts";

const EVENT = "http://schemas.openid.net/event/backchannel-logout";

let provider: FaultProvider;
let door: FrontDoorFixture;
beforeAll(async () => {
  provider = await startFaultProvider();
});
afterAll(() => provider.close());
beforeEach(async () => {
  door = await startTestFrontDoor({
    gateways: { cloud: { endpoints: { "cloud-1": "http://127.0.0.1:9" } } },
    issuer: provider.issuer,
  });
});
afterEach(() => door.close());

function logoutToken(changes: Record<string, unknown> = {}): string {
  const iat = Math.floor(systemClock.now() / 1000);
  const claims = {
    iss: provider.issuer,
    aud: "gatehouse",
    iat,
    exp: iat + 60,
    jti: randomUUID(),
    events: { [EVENT]: {} },
    ...changes,
  };
  return signIdToken(provider.key, claims, { typ: "logout+jwt" });
}

async function post(body: string, type = "application/x-www-form-urlencoded") {
  const answer = await request(`${door.publicUrl}/auth/backchannel-logout`, {
    method: "POST",
    headers: { "content-type": type },
    body,
  });
  const { statusCode: status, headers } = answer;
  return { status, cache: headers["cache-control"], body: await answer.body.text() };
}

const send = (token: string) => post(new URLSearchParams({ logout_token: token }).toString());
const DONE = { status: 200, cache: "no-store", body: "" };
const INVALID = { status: 400, cache: "no-store", body: '{"error":"invalid_request"}' };

/** Ends a login that began; its cookie, if it got a session. */
async function complete(begun: BegunLogin, changes: Record<string, unknown> = {}) {
  const claims = idTokenClaims(provider.issuer, begun.asked.get("nonce"), changes);
  provider.give(signIdToken(provider.key, claims));
  const answer = await comeBack(door, callbackQuery(begun), begun.cookie);
  const session = cookiesSetBy(answer).get("gatehouse");
  return { answer, cookie: `gatehouse=${session}` };
}

async function signIn(sub: string, sid: string): Promise<string> {
  return (await complete(await beginLogin(door), { sub, sid })).cookie;
}

async function statusOf(cookie: string): Promise<number> {
  const { statusCode, body } = await request(`${door.publicUrl}/api/me`, { headers: { cookie } });
  await body.dump();
  return statusCode;
}

describe("a logout token", () => {
  it.each([
    ["with a sid ends the sessions that began by it", { sid: "s-1" }, [401, 401, 200, 200]],
    ["with a sub ends all sessions of that person", { sub: "alice" }, [401, 401, 401, 200]],
    ["with both ends what belongs to both", { sid: "s-1", sub: "alice" }, [401, 401, 200, 200]],
    ["with another's sid ends nothing of this one's", { sid: "s-1", sub: "bob" }, [200, 200, 200, 200]],
    ["of somebody unknown ends nothing", { sid: "s-9", sub: "nobody" }, [200, 200, 200, 200]],
  ])("%s", async (_what, claims, expected) => {
    const cookies = [
      await signIn("alice", "s-1"),
      await signIn("alice", "s-1"),
      await signIn("alice", "s-2"),
      await signIn("bob", "s-3"),
    ];
    expect(await Promise.all(cookies.map(statusOf))).toEqual([200, 200, 200, 200]);
    expect(await send(logoutToken(claims))).toEqual(DONE);
    expect(await Promise.all(cookies.map(statusOf))).toEqual(expected);
    const lines = (await door.closeAndReadAudit()).filter(({ kind }) => kind === "logout");
    const ended = expected.filter((status) => status === 401).length;
    expect(lines.map(({ outcome, reason }) => [outcome, reason])).toEqual(
      Array.from({ length: Math.max(1, ended) }, () => ["allowed", "provider_signed_out"]),
    );
    expect(lines.filter(({ sid, event }) => sid !== null && event !== null).length).toBe(ended);
  });

  it("S63: counts once, also when both copies arrive together", async () => {
    const token = logoutToken({ sub: "alice" });
    expect([await send(token), await send(token)]).toEqual([DONE, INVALID]);
    const cookie = await signIn("alice", "s-1");
    expect([await send(token), await statusOf(cookie)]).toEqual([INVALID, 200]);
    const twin = logoutToken({ sub: "alice" });
    const both = await Promise.all([send(twin), send(twin)]);
    expect(both.map(({ status }) => status).sort()).toEqual([200, 400]);
    const denied = (await door.closeAndReadAudit()).filter(({ outcome }) => outcome === "denied");
    expect(denied.map(({ kind, reason }) => [kind, reason])).toEqual([
      ["logout", "logout token: replayed"],
      ["logout", "logout token: replayed"],
      ["logout", "logout token: replayed"],
    ]);
  });

  it("needs neither Origin nor cookie, and a browser's cookie is not read", async () => {
    const cookie = await signIn("alice", "s-1");
    const answer = await request(`${door.publicUrl}/auth/backchannel-logout`, {
      method: "POST",
      headers: { cookie, origin: door.publicUrl, "content-type": "application/x-www-form-urlencoded" },
      body: "logout_token=x",
    });
    await answer.body.dump();
    expect([answer.statusCode, await statusOf(cookie)]).toEqual([400, 200]);
  });
});

describe("what is no logout token", () => {
  const form = "application/x-www-form-urlencoded";
  it.each([
    ["nothing", () => "", form],
    ["another field", () => "token=x", form],
    [
      "S52: two of them",
      () => `logout_token=${logoutToken({ sub: "a" })}&logout_token=${logoutToken({ sub: "b" })}`,
      form,
    ],
    ["JSON", () => JSON.stringify({ logout_token: logoutToken({ sub: "alice" }) }), "application/json"],
    [
      "an ID token",
      () => `logout_token=${signIdToken(provider.key, idTokenClaims(provider.issuer, "n"))}`,
      form,
    ],
  ])("%s is answered 400, and ends nothing", async (_what, body, type) => {
    const cookie = await signIn("alice", "s-1");
    expect([await post(body(), type), await statusOf(cookie)]).toEqual([INVALID, 200]);
  });

  it("a GET is not allowed", async () => {
    const answer = await request(`${door.publicUrl}/auth/backchannel-logout`);
    await answer.body.dump();
    expect([answer.statusCode, answer.headers["allow"]]).toEqual([405, "POST"]);
  });
});

describe("when it cannot be acted on, the provider is told to try again", () => {
  it("fault case 32: the store is down", async () => {
    const token = logoutToken({ sub: "alice" });
    const { get } = door.store;
    await signIn("alice", "s-1");
    door.store.get = async () => {
      throw new StoreUnavailable(new Error("away"));
    };
    expect((await send(token)).status).toBe(503);
    door.store.get = get;
    expect(await send(token)).toEqual(DONE);
  });

  it("the provider's keys cannot be had", async () => {
    provider.answer("keys", (response) => void response.writeHead(500).end());
    expect((await send(logoutToken({ sub: "alice" }))).status).toBe(503);
    provider.answer("keys", undefined);
  });
});

describe("a login that is under way when the provider signs its person out", () => {
  it.each([
    ["by sub", { sub: "alice" }],
    ["by sid", { sid: "s-1" }],
  ])("%s gets no session; the browser starts once more, and that login counts", async (_what, claims) => {
    const begun = await beginLogin(door);
    expect(await send(logoutToken(claims))).toEqual(DONE);
    const { answer, cookie } = await complete(begun, { sub: "alice", sid: "s-1" });
    expect([answer.status, answer.headers.get("location")]).toEqual([
      303,
      `${door.publicUrl}/auth/login?return_to=%2F&restarts=1`,
    ]);
    expect(await statusOf(cookie)).toBe(401);
    expect(await statusOf(await signIn("alice", "s-2"))).toBe(200);
    const logins = (await door.closeAndReadAudit()).filter(({ kind }) => kind === "login");
    expect(logins.map(({ outcome, code, reason }) => [outcome, code, reason])).toEqual([
      ["denied", "login_failed", "signed out at the provider meanwhile"],
      ["allowed", null, "Example SSO"],
    ]);
  });

  it("as somebody else is not concerned", async () => {
    const begun = await beginLogin(door);
    expect(await send(logoutToken({ sub: "bob" }))).toEqual(DONE);
    expect(await statusOf((await complete(begun, { sub: "alice" })).cookie)).toBe(200);
  });
});
