// The main job, by a client without a browser: sign in with the provider, come back, talk to an agent, sign out.
import { request } from "undici";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { MeAnswer, TokenAnswer } from "../../core/api.ts";
import { userIdOf } from "../../core/ids.ts";
import { PEOPLE } from "../../dev/people.ts";
import { openChat, refusalOf } from "../support/chat-socket.ts";
import { type DemoFixture, startTestDemo } from "../support/demo-fixture.ts";
import { formsOf, type ScriptedBrowser } from "../support/scripted-browser.ts";
import { providerTokensFor, signIn } from "../support/sign-in.ts";

let fixture: DemoFixture;
let origin: string;
beforeAll(async () => {
  fixture = await startTestDemo();
  origin = fixture.demo.publicUrl;
});
afterAll(() => fixture.close());

const socketUrl = (agent: string) => `${origin.replace(/^http/, "ws")}/agents/${agent}/ws`;
const headersOf = (browser: ScriptedBrowser) => ({ cookie: browser.jar.header(new URL(origin)), origin });

async function me(browser: ScriptedBrowser): Promise<{ status: number; answer: MeAnswer }> {
  const headers = { accept: "application/json", "sec-fetch-mode": "cors" };
  const { status, body } = await browser.send(`${origin}/api/me`, { headers });
  return { status, answer: JSON.parse(body) };
}

async function signInAs(email: string): Promise<ScriptedBrowser> {
  return (await signIn(`${origin}/`, email)).browser;
}

describe("the table of people", () => {
  const assistant = { id: "assistant", name: "Assistant", description: "Answers everyday questions." };
  const coder = { id: "coder", name: "Coder", description: "Reads and writes code with you." };
  const analyst = {
    id: "analyst",
    name: "Analyst",
    description: "Works with the company's figures, on the box in Berlin.",
  };
  const labels: Readonly<Record<string, string>> = { cloud: "Cloud", berlin: "Box in the Berlin office" };
  const unused = { state: "up", open: false, lastUsed: null };
  const at = (gateway: string, agent: object) => ({
    ...agent,
    gateway,
    gatewayLabel: labels[gateway],
    ...unused,
  });
  const expected: Readonly<Record<string, { agents: unknown[]; roles: string[] }>> = {
    "alice@example.com": { agents: [at("cloud", assistant), at("cloud", coder)], roles: [] },
    "bob@example.com": { agents: [at("cloud", assistant), at("berlin", analyst)], roles: [] },
    "dana@example.com": { agents: [at("berlin", assistant)], roles: [] },
    "ivy@example.com": {
      agents: [at("cloud", assistant), at("cloud", coder), at("berlin", analyst)],
      roles: ["it"],
    },
    "omar@example.com": { agents: [], roles: ["ops"] },
    "zoe@example.com": { agents: [], roles: [] },
  };

  it.each(Object.entries(expected))(
    "gives %s exactly their agents and roles",
    async (email, { agents, roles }) => {
      const browser = await signInAs(email);
      const { status, answer } = await me(browser);
      const person = PEOPLE.find((each) => each.email === email);
      expect(status).toBe(200);
      expect({ ...answer, session: undefined }).toEqual({
        id: userIdOf(fixture.demo.issuer, person?.sub ?? ""),
        email,
        provider: null,
        name: person?.name,
        groups: person?.groups,
        roles,
        agents,
        session: undefined,
      });
      expect(answer.session).toEqual({
        sid: expect.stringMatching(/^s_[A-Za-z0-9_-]{22}$/),
        expiresAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      });
    },
  );

  it("refuses eve by name, on the page, in the API and at her agents' sockets", async () => {
    const { browser, page } = await signIn(`${origin}/`, "eve@example.com");
    expect([page.status, page.body.includes("You may not use this front door")]).toEqual([403, true]);
    const { status, answer } = await me(browser);
    expect([status, answer]).toEqual([403, { error: expect.objectContaining({ code: "user_denied" }) }]);
    const refused = await refusalOf(socketUrl("coder"), headersOf(browser));
    expect([refused.status, JSON.parse(refused.body).error.code]).toEqual([403, "user_denied"]);
  });
});

describe("talking to an agent", () => {
  it("tells the gateway who is speaking, and the gateway believes the front door", async () => {
    const chat = await openChat(socketUrl("coder"), headersOf(await signInAs("alice@example.com")));
    expect(await chat.ask("whoami")).toContain("alice@example.com");
    expect(await chat.ask("where")).toMatch(/coder.*cloud.*cloud-[12]/s);
    chat.close();
  });

  it("reaches the box in Berlin for dana, by the route of her name", async () => {
    const chat = await openChat(socketUrl("assistant"), headersOf(await signInAs("dana@example.com")));
    expect(await chat.ask("where")).toMatch(/assistant.*berlin.*berlin-1/s);
    chat.close();
  });

  it("keeps the history over a restart of everything, and shows it to nobody else", async () => {
    const browser = await signInAs("alice@example.com");
    const before = await openChat(socketUrl("assistant"), headersOf(browser));
    await before.ask("a secret of alice", "restart-test");
    await fixture.restart();
    expect(await before.closed).toEqual({ code: 1012, reason: expect.any(String) });
    const after = await openChat(socketUrl("assistant"), headersOf(browser));
    const texts = (await after.history("restart-test")).messages.map(({ role, content }) => [
      role,
      content[0]?.text,
    ]);
    expect(texts).toEqual([
      ["user", "a secret of alice"],
      ["assistant", expect.any(String)],
    ]);
    const bob = await openChat(socketUrl("assistant"), headersOf(await signInAs("bob@example.com")));
    expect((await bob.history("restart-test")).messages).toEqual([]);
    after.close();
    bob.close();
  });

  it("stops an answer half-way and keeps what was said", async () => {
    const chat = await openChat(socketUrl("coder"), headersOf(await signInAs("alice@example.com")));
    const [started, aborted] = [chat.nextChat("delta"), chat.nextChat("aborted")];
    await chat.request("chat.send", {
      sessionKey: "stop-test",
      message: "slow",
      idempotencyKey: "stop-test-1",
    });
    await started;
    expect(await chat.request("chat.abort", { sessionKey: "stop-test" })).toEqual({
      ok: true,
      aborted: true,
      runIds: ["stop-test-1"],
    });
    expect(await aborted).toMatchObject({ runId: "stop-test-1", message: { stopReason: "aborted" } });
    chat.close();
  });

  it("opens the first agent of the catalogue at /ws, with all agents of that gateway", async () => {
    const chat = await openChat(
      `${origin.replace(/^http/, "ws")}/ws`,
      headersOf(await signInAs("bob@example.com")),
    );
    expect(chat.hello.snapshot.agents.map(({ id }) => id)).toEqual(["assistant"]);
    chat.close();
  });

  it("forwards plain HTTP with the same identity", async () => {
    const browser = await signInAs("alice@example.com");
    const { status, headers, body } = await browser.send(`${origin}/agents/coder/whoami`);
    expect([status, JSON.parse(body)]).toEqual([
      200,
      expect.objectContaining({ email: "alice@example.com", agents: ["coder"], use: "http" }),
    ]);
    expect(headers["content-security-policy"]).toBe("sandbox; default-src 'none'; frame-ancestors 'none'");
  });
});

describe("who may not", () => {
  it.each([
    ["another group's agent", "analyst", "agent_not_allowed", ["finance", "it"]],
    ["an agent that is not in the catalogue", "nothing", "agent_unknown", undefined],
  ])("is told 403 for %s, and what would grant it", async (_what, agent, code, grantedBy) => {
    const refused = await refusalOf(socketUrl(agent), headersOf(await signInAs("alice@example.com")));
    expect([refused.status, JSON.parse(refused.body)]).toEqual([
      403,
      {
        error: {
          code,
          message: expect.any(String),
          requestId: refused.headers["x-request-id"],
          contact: "IT (it@example.com)",
          ...(grantedBy === undefined ? {} : { grantedBy }),
        },
      },
    ]);
  });

  it("is sent to the login as a browser, and told 401 as anything else", async () => {
    const navigation = await request(`${origin}/chat/coder?x=1`, { headers: { accept: "text/html" } });
    expect([navigation.statusCode, navigation.headers["location"]]).toEqual([
      302,
      "/auth/login?return_to=%2Fchat%2Fcoder%3Fx%3D1",
    ]);
    const api = await request(`${origin}/api/me`);
    expect([api.statusCode, ((await api.body.json()) as { error: { code: string } }).error.code]).toEqual([
      401,
      "session_missing",
    ]);
    const upgrade = await refusalOf(socketUrl("coder"), { origin });
    expect([upgrade.status, upgrade.headers.location]).toEqual([401, undefined]);
  });
});

describe("signing out", () => {
  it("ends the session and its sockets first, then leads through the provider's page to the signed-out page", async () => {
    const browser = await signInAs("alice@example.com");
    const cookie = headersOf(browser);
    const chat = await openChat(socketUrl("coder"), cookie);
    const answer = await browser.send(`${origin}/auth/logout`, { form: {}, from: new URL(origin) });
    expect(await chat.closed).toEqual({ code: 1008, reason: "signed out in another tab or window" });
    expect([
      answer.status,
      answer.headers.location?.startsWith(`${fixture.demo.issuer}/session/end?`),
    ]).toEqual([303, true]);
    const replayed = await refusalOf(socketUrl("coder"), cookie);
    expect([replayed.status, JSON.parse(replayed.body).error.code]).toEqual([401, "session_missing"]);

    const end = await browser.open(answer.headers.location ?? "");
    const form = formsOf(end)[0];
    const signedOut =
      form === undefined ? end : await browser.open(form.action, { form: form.fields, from: end.url });
    expect([signedOut.url.href, signedOut.status, signedOut.body.includes("You are signed out")]).toEqual([
      `${origin}/signed-out`,
      200,
      true,
    ]);
    expect((await me(browser)).status).toBe(401);
  });

  it("answers a JSON caller with 200 and where to go", async () => {
    const browser = await signInAs("alice@example.com");
    const headers = { accept: "application/json", "sec-fetch-mode": "cors" };
    const answer = await browser.send(`${origin}/auth/logout`, {
      method: "POST",
      from: new URL(origin),
      headers,
    });
    expect([answer.status, JSON.parse(answer.body)]).toEqual([
      200,
      { redirect: expect.stringContaining(`${fixture.demo.issuer}/session/end?`) },
    ]);
  });

  it("leaves another person's socket and another session of the same person open", async () => {
    const [one, two, bob] = await Promise.all([
      signInAs("alice@example.com"),
      signInAs("alice@example.com"),
      signInAs("bob@example.com"),
    ]);
    const staying = await Promise.all([
      openChat(socketUrl("coder"), headersOf(two)),
      openChat(socketUrl("assistant"), headersOf(bob)),
    ]);
    const ending = await openChat(socketUrl("coder"), headersOf(one));
    await one.send(`${origin}/auth/logout`, { form: {}, from: new URL(origin) });
    await ending.closed;
    expect(await Promise.all(staying.map((chat) => chat.ask("whoami", "still-here")))).toEqual([
      expect.stringContaining("alice@example.com"),
      expect.stringContaining("bob@example.com"),
    ]);
    for (const chat of staying) chat.close();
  });
});

describe("a client that is no browser", () => {
  async function tokenOf(email: string) {
    const { accessToken } = await providerTokensFor(fixture.demo.issuer, email);
    return request(`${origin}/api/token`, { headers: { authorization: `Bearer ${accessToken}` } });
  }

  it("exchanges its provider token and talks to its agent with the access token alone", async () => {
    const answer = await tokenOf("alice@example.com");
    const token = (await answer.body.json()) as TokenAnswer;
    expect(token).toEqual({
      accessToken: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
      tokenType: "Bearer",
      expiresIn: 300,
      agents: [
        { id: "assistant", url: socketUrl("assistant") },
        { id: "coder", url: socketUrl("coder") },
      ],
    });
    const chat = await openChat(token.agents[1]?.url ?? "", { authorization: `Bearer ${token.accessToken}` });
    expect(await chat.ask("whoami", "bearer")).toContain("alice@example.com");
    chat.close();
  });

  it("is refused by name like in a browser", async () => {
    const answer = await tokenOf("eve@example.com");
    const body = (await answer.body.json()) as { error: { code: string } };
    expect([answer.statusCode, body.error.code]).toEqual([403, "user_denied"]);
  });

  it("cannot use the provider's token at an agent, nor the access token at a gateway", async () => {
    const { accessToken } = await providerTokensFor(fixture.demo.issuer, "alice@example.com");
    const refused = await refusalOf(socketUrl("coder"), { authorization: `Bearer ${accessToken}` });
    expect([refused.status, JSON.parse(refused.body).error.code]).toEqual([401, "bearer_invalid"]);
    const token = (await (await tokenOf("alice@example.com")).body.json()) as TokenAnswer;
    const direct = await refusalOf(`ws://127.0.0.1:${fixture.ports.cloud1Port}/agents/coder/ws`, {
      "x-gateway-assertion": token.accessToken,
    });
    expect([direct.status, JSON.parse(direct.body).error]).toEqual([
      401,
      expect.objectContaining({ code: "assertion_invalid" }),
    ]);
  });
});
