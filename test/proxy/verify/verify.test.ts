// `/auth/verify` of a real front door on a clock that stands still, with a gateway by hand on its control channel.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { commitEvent } from "../../../proxy/admin/end-access.ts";
import {
  ACCESS,
  ALICE,
  BOB,
  EVE,
  type FrontDoorFixture,
  startTestFrontDoor,
} from "../../support/front-door-fixture.ts";
import { createManualClock } from "../../support/manual-clock.ts";
import { head, type RawAnswer, rawExchange } from "../../support/raw-client.ts";
import { START } from "../control/control-fixture.ts";
import {
  type ScriptedChannel,
  type ScriptedGateway,
  startScriptedGateway,
} from "../control/scripted-gateway.ts";

const KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
const UPGRADE = [KEY, "Sec-WebSocket-Version: 13"];

let door: FrontDoorFixture;
let gateway: ScriptedGateway;
let channel: ScriptedChannel;

beforeEach(async () => {
  const clock = createManualClock(START);
  gateway = await startScriptedGateway({
    gateway: "cloud",
    endpoint: "cloud-1",
    issuer: "gatehouse",
    now: clock.now,
  });
  door = await startTestFrontDoor({
    gateways: {
      cloud: { endpoints: { "cloud-1": gateway.url }, sendGroups: true, userHeader: "X-Forwarded-User" },
    },
    clock,
    config: { trustedProxies: ["127.0.0.1"] },
  });
  channel = await gateway.channels.at(0);
  await channel.greet();
  await channel.frame("ping");
});

afterEach(async () => {
  await door.close();
  await gateway.close();
});

/** What a proxy asks about a request for `uri` with these lines. */
function ask(uri: string, ...lines: readonly string[]): Promise<RawAnswer> {
  return askAs("GET", uri, door.host, ...lines);
}

function askAs(method: string, uri: string, host: string, ...lines: readonly string[]): Promise<RawAnswer> {
  const description = [
    `X-Forwarded-Method: ${method}`,
    `X-Forwarded-Uri: ${uri}`,
    `X-Forwarded-Host: ${host}`,
    "X-Forwarded-For: 198.51.100.7",
  ];
  return rawExchange(
    door.running.privatePort,
    head("GET /auth/verify HTTP/1.1", "Host: localhost", "Connection: close", ...description, ...lines),
  );
}

async function askUpgrade(person = ALICE, uri = "/agents/coder/ws"): Promise<RawAnswer> {
  return ask(uri, `Cookie: ${await door.signIn(person)}`, `Origin: ${door.publicUrl}`, ...UPGRADE);
}

function claimsOf({ headers }: RawAnswer): Record<string, unknown> {
  const [, claims = ""] = (headers.get("x-gateway-assertion") ?? "").split(".");
  return JSON.parse(Buffer.from(claims, "base64url").toString());
}

async function lastDecision() {
  const decisions = () => door.auditLines().then((lines) => lines.filter(({ kind }) => kind === "decision"));
  await expect.poll(decisions).not.toEqual([]);
  return (await decisions()).at(-1);
}

describe("a yes", () => {
  it("to an upgrade names the gateway and says everything that it is to be told", async () => {
    const answer = await askUpgrade();
    const { date: _, ...headers } = Object.fromEntries(answer.headers);
    expect({ status: answer.status, body: answer.body, headers }).toEqual({
      status: 200,
      body: "",
      headers: {
        "cache-control": "no-store",
        connection: "close",
        "content-length": "0",
        "x-gatehouse-upstream": gateway.url,
        "x-forwarded-for": "198.51.100.7",
        "x-forwarded-proto": "http",
        "x-forwarded-host": door.host,
        "x-request-id": expect.stringMatching(/^r_[\w-]{22}$/),
        traceparent: expect.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/),
        "x-user-id": claimsOf(answer)["sub"],
        "x-user-email": "alice@example.com",
        "x-user-name": "Alice Archer",
        "x-user-groups": "engineering",
        "x-forwarded-user": claimsOf(answer)["sub"],
        "x-gateway-assertion": expect.stringMatching(/^ey/),
      },
    });
    expect(claimsOf(answer)).toMatchObject({ use: "direct", aud: "cloud/cloud-1", agents: ["coder"] });
    expect(await lastDecision()).toMatchObject({
      outcome: "allowed",
      requestId: headers["x-request-id"],
      peer: "198.51.100.7",
      method: "GET",
      path: "/agents/coder/ws",
      email: "alice@example.com",
      agent: "coder",
      gateway: "cloud",
      endpoint: "cloud-1",
    });
  });

  it("to an upgrade has an assertion of its own each time; to plain requests one that several may share", async () => {
    const cookie = `Cookie: ${await door.signIn(ALICE)}`;
    const upgrade = () => ask("/agents/coder/ws", cookie, `Origin: ${door.publicUrl}`, ...UPGRADE);
    const plain = () => ask("/agents/coder/whoami", cookie);
    expect(claimsOf(await upgrade())["jti"]).not.toBe(claimsOf(await upgrade())["jti"]);
    expect(claimsOf(await plain())).toMatchObject({ use: "http", agents: ["coder"] });
  });

  it("on the path of all agents names them all", async () => {
    expect(claimsOf(await askUpgrade(ALICE, "/ws"))).toMatchObject({ agents: ["assistant", "coder"] });
  });

  it("is never for a plain request by what an upgrade was allowed", async () => {
    const cookie = `Cookie: ${await door.signIn(ALICE)}`;
    expect((await ask("/agents/coder/ws", cookie)).headers.get("x-gatehouse-code")).toBe("path_unknown");
    const socket = await ask("/agents/coder/whoami", cookie, `Origin: ${door.publicUrl}`, ...UPGRADE);
    expect(socket.headers.get("x-gatehouse-code")).toBe("path_unknown");
  });
});

describe("a no", () => {
  it.each<[string, number, number, string, () => Promise<RawAnswer>]>([
    ["without a session", 401, 401, "session_missing", () => ask("/agents/coder/whoami")],
    ["for a person excluded by name", 403, 403, "user_denied", () => askUpgrade(EVE)],
    ["for an agent of others", 403, 403, "agent_not_allowed", () => askUpgrade(BOB)],
    ["for a page", 403, 404, "path_unknown", () => ask("/")],
    ["for a path with dot segments", 403, 400, "request_malformed", () => ask("/x/../agents/coder/whoami")],
    ["for another host", 403, 421, "host_unknown", () => askAs("GET", "/ws", "evil.example")],
    [
      "for a method that echoes",
      403,
      405,
      "method_not_allowed",
      () => askAs("TRACE", "/agents/coder/x", door.host),
    ],
    [
      "for a handshake of another version",
      403,
      400,
      "upgrade_invalid",
      () => ask("/ws", KEY, "Sec-WebSocket-Version: 8"),
    ],
  ])("%s is %i, its own status %i, and its code %s", async (_what, status, own, code, asking) => {
    const { headers, ...answer } = await asking();
    expect([answer.status, headers.get("x-gatehouse-status"), headers.get("x-gatehouse-code")]).toEqual([
      status,
      String(own),
      code,
    ]);
    expect(headers.get("cache-control")).toBe("no-store");
    expect(JSON.parse(answer.body).error.code).toBe(code);
    expect(headers.get("x-gatehouse-refusal")).toBe(answer.body);
    expect([...headers.keys()].filter((name) => /assertion|user|upstream/.test(name))).toEqual([]);
    expect(await lastDecision()).toMatchObject({ outcome: "denied", code });
  });

  it("to an upgrade from another site's page, with a cookie", async () => {
    const cookie = `Cookie: ${await door.signIn(ALICE)}`;
    const foreign = await ask("/agents/coder/ws", cookie, "Origin: https://evil.example", ...UPGRADE);
    expect(foreign.headers.get("x-gatehouse-code")).toBe("origin_foreign");
    expect((await ask("/agents/coder/ws", cookie, ...UPGRADE)).headers.get("x-gatehouse-code")).toBe(
      "origin_missing",
    );
  });

  it("says its words in ASCII where a proxy needs them in a header", async () => {
    await door.editPolicy({ access: { ...ACCESS, groups: { "Führung, \u{1F6E1}": { agents: ["coder"] } } } });
    const answer = await askUpgrade(BOB);
    const text = answer.headers.get("x-gatehouse-refusal") ?? "";
    expect(text).toMatch(/^[\x20-\x7e]+$/);
    expect(JSON.parse(text).error.grantedBy).toEqual(["Führung, \u{1F6E1}"]);
  });

  it("while the gateway has no control channel, to upgrades and plain requests alike", async () => {
    gateway.refuseWith("HTTP/1.1 503 Service Unavailable\r\n\r\n");
    channel.socket.terminate();
    await channel.closed;
    await expect
      .poll(async () => (await askUpgrade()).headers.get("x-gatehouse-code"))
      .toBe("control_channel_away");
    const plain = await ask("/agents/coder/whoami", `Cookie: ${await door.signIn(ALICE)}`);
    expect([plain.status, plain.headers.get("x-gatehouse-status"), plain.headers.get("retry-after")]).toEqual(
      [403, "503", "5"],
    );
    expect(await lastDecision()).toMatchObject({ outcome: "denied", code: "control_channel_away" });
  });

  it("for an endpoint whose certificate is pinned: no proxy would check it", async () => {
    const pinned = await startTestFrontDoor({
      gateways: {
        cloud: {
          endpoints: { "cloud-1": gateway.url.replace("http:", "https:") },
          tls: { fingerprint: "ab".repeat(32) },
        },
      },
      clock: createManualClock(START),
    });
    try {
      const answer = await rawExchange(
        pinned.running.privatePort,
        head(
          "GET /auth/verify HTTP/1.1",
          "Host: localhost",
          "Connection: close",
          "X-Forwarded-Method: GET",
          "X-Forwarded-Uri: /agents/coder/whoami",
          `X-Forwarded-Host: ${pinned.host}`,
          `Cookie: ${await pinned.signIn(ALICE)}`,
        ),
      );
      expect([answer.status, answer.headers.get("x-gatehouse-code")]).toEqual([403, "proxy_refused"]);
    } finally {
      await pinned.close();
    }
  });

  it("to a description that is not one: the proxy's configuration", async () => {
    const answer = await rawExchange(
      door.running.privatePort,
      head("GET /auth/verify HTTP/1.1", "Host: localhost", "Connection: close"),
    );
    expect([answer.status, answer.headers.get("x-gatehouse-code")]).toEqual([403, "request_malformed"]);
    expect(await lastDecision()).toMatchObject({
      reason: "request_malformed what=x-forwarded-method must be there exactly once",
    });
  });
});

describe("what was allowed", () => {
  it("ends at the gateway by the name of its assertion, as soon as its access ends", async () => {
    const { jti } = claimsOf(await askUpgrade());
    const event = await commitEvent(door.store, { kind: "group_ended", group: "engineering" });
    expect(await channel.frame("end_direct")).toEqual({
      type: "end_direct",
      event,
      jtis: [jti],
      code: 1008,
      words: "an administrator ended your group's connections",
    });
  });

  it("ends when its agent is routed elsewhere", async () => {
    const { jti } = claimsOf(await askUpgrade());
    await door.editPolicy({ routes: [{ agents: ["analyst"], to: "cloud" }] });
    expect(await channel.frame("end_direct")).toMatchObject({ jtis: [jti], code: 1012 });
  });

  it("is nothing that a plain request leaves behind", async () => {
    const cookie = await door.signIn(ALICE);
    expect((await ask("/agents/coder/whoami", `Cookie: ${cookie}`)).status).toBe(200);
    await commitEvent(door.store, { kind: "group_ended", group: "engineering" });
    await channel.settled();
    expect(channel.all("end_direct")).toEqual([]);
  });

  it("counts towards the person's limit until the gateway says that it is over", async () => {
    await door.restart();
    channel = await gateway.channels.at(1);
    await channel.greet();
    await channel.frame("ping");
    const answers = await Promise.all(Array.from({ length: 3 }, () => askUpgrade()));
    const metrics = () =>
      rawExchange(
        door.running.privatePort,
        head("GET /metrics HTTP/1.1", "Host: localhost", "Connection: close"),
      ).then(({ body }) => /^gatehouse_live_connections\{gateway="cloud"\} (\d+)$/m.exec(body)?.[1]);
    expect(await metrics()).toBe("3");
    for (const answer of answers) channel.send({ type: "direct_ended", jti: claimsOf(answer)["jti"] });
    await channel.settled();
    expect(await metrics()).toBeUndefined();
  });
});
