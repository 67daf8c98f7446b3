import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { securityHeaders } from "../../../proxy/pages/security-headers.ts";
import { ALICE, EVE, type FrontDoorFixture, startTestFrontDoor } from "../../support/front-door-fixture.ts";
import { head, type RawAnswer, rawExchange } from "../../support/raw-client.ts";
import { type RecorderGateway, startRecorder } from "../../support/recorder-gateway.ts";

let gateway: RecorderGateway;
let door: FrontDoorFixture;
let alice: string;

beforeAll(async () => {
  gateway = await startRecorder();
  door = await startTestFrontDoor({
    gateways: {
      cloud: { endpoints: { "cloud-1": gateway.url } },
      gone: { endpoints: { "gone-1": "http://127.0.0.1:1" } },
    },
    routes: [{ agents: ["assistant"], to: "gone" }, { to: "cloud" }],
  });
  alice = await door.signIn(ALICE);
});
afterAll(async () => {
  await door.close();
  await gateway.close();
});

const navigate = (path: string, cookie: string): Promise<RawAnswer> =>
  rawExchange(
    door.port,
    head(`GET ${path} HTTP/1.1`, `Host: ${door.host}`, `Cookie: ${cookie}`, "Accept: text/html"),
  );

describe("the chat page of an agent", () => {
  it("is there for who may use it", async () => {
    const answer = await navigate("/chat/coder", alice);
    expect([answer.status, answer.body.includes('id="page"')]).toEqual([200, true]);
  });

  it("says to who may not which group would grant it, who they are, and lets them be somebody else", async () => {
    const { status, body } = await navigate("/chat/analyst", alice);
    expect(status).toBe(403);
    for (const part of [
      "<h1>You may not use the agent &quot;Analyst&quot;</h1>",
      "None of your groups grants it. Groups that do: finance.",
      "<dt>Signed in as</dt><dd><bdi>alice@example.com</bdi></dd>",
      "<dt>Address</dt><dd><bdi>/chat/analyst</bdi></dd>",
      '<form method="post" action="/auth/logout">',
    ])
      expect(body).toContain(part);
  });

  it.each(["/chat/ghost", "/chat/CODER", "/chat/x%22y"])("is no such agent's: %s", async (path) => {
    const { status, body } = await navigate(path, alice);
    expect([status, body.includes("agent_unknown")]).toEqual([403, true]);
  });

  it("is refused with one audit line that names the agent", async () => {
    await navigate("/chat/analyst?x=1", alice);
    await expect
      .poll(async () => (await door.auditLines()).findLast(({ path }) => path === "/chat/analyst"))
      .toMatchObject({
        kind: "decision",
        outcome: "denied",
        code: "agent_not_allowed",
        agent: "analyst",
        email: "alice@example.com",
      });
  });

  it("is nobody's who is refused by name", async () => {
    const answer = await navigate("/chat/coder", await door.signIn(EVE));
    expect([answer.status, answer.body.includes("user_denied")]).toEqual([403, true]);
  });
});

describe("every page of the door's own", () => {
  const expected = securityHeaders("http://localhost:1");

  it("allows nothing inline, nothing from elsewhere, no frame, and no markup made from text", () => {
    expect(expected["content-security-policy"]?.split(";")).toEqual([
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "img-src 'self'",
      "font-src 'self'",
      "connect-src 'self' ws://localhost:1",
      "base-uri 'none'",
      "frame-ancestors 'none'",
      "require-trusted-types-for 'script'",
      "trusted-types 'none'",
    ]);
  });

  it.each([
    ["the portal", "/", 200],
    ["a refusal", "/nothing", 404],
    ["the refusal of what would be forwarded", "/agents/analyst/files", 403],
    ["the refusal of an agent that is offline", "/agents/assistant/files", 503],
    ["the refusal of an address that cannot be read", "/a/../b", 400],
  ])("says so: %s", async (_what, path, status) => {
    const answer = await navigate(path, alice);
    expect(answer.status).toBe(status);
    const own = securityHeaders(door.publicUrl);
    for (const [name, value] of Object.entries(own))
      expect([name, answer.headers.get(name)]).toEqual([name, value]);
  });
});
