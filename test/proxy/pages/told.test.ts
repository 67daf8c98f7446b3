import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { MeAnswer, ToldAnswer } from "../../../core/api.ts";
import { userIdOf } from "../../../core/ids.ts";
import {
  ALICE,
  EVE,
  type FrontDoorFixture,
  ISSUER,
  startTestFrontDoor,
} from "../../support/front-door-fixture.ts";
import { createManualClock } from "../../support/manual-clock.ts";
import { handshake, head, type RawAnswer, rawConnect, rawExchange } from "../../support/raw-client.ts";
import { type RecorderGateway, startRecorder } from "../../support/recorder-gateway.ts";

const START = Date.UTC(2026, 10, 21, 14, 0);
const clock = createManualClock(START);
let gateway: RecorderGateway;
let door: FrontDoorFixture;
let alice: string;

beforeAll(async () => {
  gateway = await startRecorder();
  door = await startTestFrontDoor({
    gateways: {
      cloud: {
        label: "Cloud",
        endpoints: { "cloud-1": gateway.url },
        sendGroups: true,
        userHeader: "X-Forwarded-User",
      },
      gone: { endpoints: { "gone-1": "http://127.0.0.1:1" } },
    },
    routes: [{ agents: ["assistant"], to: "gone" }, { to: "cloud" }],
    clock,
  });
  alice = await door.signIn(ALICE);
});
afterAll(async () => {
  await door.close();
  await gateway.close();
});

const ask = (path: string, cookie: string, ...lines: readonly string[]): Promise<RawAnswer> =>
  rawExchange(door.port, head(`GET ${path} HTTP/1.1`, `Host: ${door.host}`, `Cookie: ${cookie}`, ...lines));

const me = async (cookie: string): Promise<MeAnswer> => JSON.parse((await ask("/api/me", cookie)).body);

async function told(agent: string): Promise<ToldAnswer> {
  return JSON.parse((await ask(`/api/me/told/${agent}`, alice, "User-Agent: a browser")).body);
}

describe("what a gateway is told about me", () => {
  it("is the headers and claims that it would get, without where it listens", async () => {
    const { id, session } = await me(alice);
    const answer = await told("coder");
    expect(answer).toEqual({
      agent: "coder",
      gateway: "cloud",
      endpoint: "cloud-1",
      headers: [
        ["user-agent", "a browser"],
        ["x-forwarded-for", "127.0.0.1"],
        ["x-forwarded-proto", "http"],
        ["x-forwarded-host", door.host],
        ["x-user-id", id],
        ["x-user-email", "alice@example.com"],
        ["x-user-name", "Alice Archer"],
        ["x-user-groups", "engineering"],
        ["x-forwarded-user", id],
        ["x-request-id", expect.stringMatching(/^r_/)],
        ["traceparent", expect.any(String)],
      ],
      assertion: {
        header: "x-gateway-assertion",
        claims: {
          iss: "gatehouse",
          aud: "cloud/cloud-1",
          sub: id,
          sid: session.sid,
          email: "alice@example.com",
          name: "Alice Archer",
          agents: ["coder"],
          groups: ["engineering"],
          use: "upgrade",
          iat: START / 1000,
          exp: START / 1000 + 60,
          jti: expect.any(String),
        },
      },
    });
  });

  it("is what a connection then really tells it", async () => {
    const sample = await told("coder");
    const lines = handshake("/agents/coder/ws", door.host, `Cookie: ${alice}`, `Origin: ${door.publicUrl}`);
    const socket = await rawConnect(door.port, head(...lines));
    await new Promise((resolve) => socket.once("data", resolve));
    const sent = new Map(
      gateway.requests.at(-1)?.headers.map(([name, value]) => [name.toLowerCase(), value]),
    );
    for (const [name, value] of sample.headers.filter(([name]) => name.startsWith("x-user-")))
      expect([name, sent.get(name)]).toEqual([name, value]);
    const token = sent.get("x-gateway-assertion") ?? "";
    const claims = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8"));
    expect({ ...claims, jti: "" }).toEqual({ ...sample.assertion.claims, jti: "" });
    socket.destroy();
  });

  it("holds nothing that opens anything: no token, no cookie, no signature", async () => {
    const { body } = await ask("/api/me/told/coder", alice);
    expect(body).not.toMatch(/eyJ|[A-Za-z0-9_-]{80}/);
    expect(body).not.toContain(alice.replace("gatehouse=", ""));
  });

  it.each([
    ["an agent that is not mine", "/api/me/told/analyst", 403, "agent_not_allowed"],
    ["no agent at all", "/api/me/told/ghost", 403, "agent_unknown"],
    ["an agent whose gateway is down", "/api/me/told/assistant", 503, "home_unavailable"],
  ])("is nothing for %s", async (_what, path, status, code) => {
    if (status === 503) await ask("/agents/assistant/x", alice);
    const answer = await ask(path, alice);
    expect([answer.status, JSON.parse(answer.body).error.code]).toEqual([status, code]);
  });

  it("chooses no home for me, and neither does the portal: only a use does", async () => {
    const person = { ...ALICE, subject: "who-only-looks" };
    const cookie = await door.signIn(person);
    const homes = () => door.store.list(`home/${userIdOf(ISSUER, person.subject)}/`);
    expect((await me(cookie)).agents.map(({ gateway }) => gateway)).toEqual(["gone", "cloud"]);
    expect((await ask("/api/me/told/coder", cookie)).status).toBe(200);
    expect(await homes()).toEqual([]);
    await ask("/agents/coder/x", cookie);
    expect(await homes()).toHaveLength(1);
  });

  it("is nobody's without a session, and not hers who is refused by name", async () => {
    for (const [cookie, code] of [
      ["a=b", "session_missing"],
      [await door.signIn(EVE), "user_denied"],
    ] as const)
      expect(JSON.parse((await ask("/api/me/told/coder", cookie)).body).error.code).toBe(code);
  });
});

describe("when I last used an agent", () => {
  it("is unknown before, open while a connection is, and the end of it afterwards", async () => {
    const cookie = await door.signIn({ ...ALICE, subject: "anna" });
    const coder = async () => {
      const found = (await me(cookie)).agents.find(({ id }) => id === "coder");
      return [found?.open, found?.lastUsed, found?.gatewayLabel];
    };
    expect(await coder()).toEqual([false, null, "Cloud"]);
    const began = new Date(clock.now()).toISOString();
    const lines = handshake("/agents/coder/ws", door.host, `Cookie: ${cookie}`, `Origin: ${door.publicUrl}`);
    const socket = await rawConnect(door.port, head(...lines));
    await new Promise((resolve) => socket.once("data", resolve));
    expect(await coder()).toEqual([true, began, "Cloud"]);
    clock.advance(3_600_000);
    socket.destroy();
    await expect.poll(async () => (await coder())[0]).toBe(false);
    expect(await coder()).toEqual([false, new Date(clock.now()).toISOString(), "Cloud"]);
  });
});
