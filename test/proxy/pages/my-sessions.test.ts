import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { MySessionsAnswer } from "../../../core/api.ts";
import { ALICE, BOB, type FrontDoorFixture, startTestFrontDoor } from "../../support/front-door-fixture.ts";
import { createManualClock, type ManualClock } from "../../support/manual-clock.ts";
import { handshake, head, type RawAnswer, rawConnect, rawExchange } from "../../support/raw-client.ts";
import { type RecorderGateway, startRecorder } from "../../support/recorder-gateway.ts";

const START = Date.UTC(2026, 10, 21, 14, 0);
let clock: ManualClock;
let gateway: RecorderGateway;
let door: FrontDoorFixture;

beforeEach(async () => {
  clock = createManualClock(START);
  gateway = await startRecorder();
  door = await startTestFrontDoor({ gateways: { cloud: { endpoints: { "cloud-1": gateway.url } } }, clock });
});
afterEach(async () => {
  await door.close();
  await gateway.close();
});

function ask(method: string, path: string, cookie: string, ...lines: readonly string[]): Promise<RawAnswer> {
  const own = method === "GET" ? [] : [`Origin: ${door.publicUrl}`];
  return send(method, path, cookie, ...own, ...lines);
}

const send = (method: string, path: string, cookie: string, ...lines: readonly string[]) =>
  rawExchange(
    door.port,
    head(`${method} ${path} HTTP/1.1`, `Host: ${door.host}`, `Cookie: ${cookie}`, ...lines),
  );

async function sessionsOf(cookie: string): Promise<MySessionsAnswer["sessions"]> {
  return JSON.parse((await ask("GET", "/api/me/sessions", cookie)).body).sessions;
}

async function sidOf(cookie: string): Promise<string> {
  return JSON.parse((await ask("GET", "/api/me", cookie)).body).session.sid;
}

const codeOf = ({ status, body }: RawAnswer) => [status, JSON.parse(body).error.code];

describe("the list of my sessions", () => {
  it("has mine, the newest used first, and nobody else's", async () => {
    const first = await door.signIn(ALICE);
    clock.advance(3_600_000);
    const second = await door.signIn(ALICE);
    await door.signIn(BOB);
    const both = {
      kind: "browser",
      from: { peer: "127.0.0.1", userAgent: null },
      agents: [],
    };
    expect(await sessionsOf(second)).toEqual([
      {
        ...both,
        sid: await sidOf(second),
        current: true,
        since: "2026-11-21T15:00:00.000Z",
        lastSeen: "2026-11-21T15:00:00.000Z",
        expiresAt: "2026-11-22T03:00:00.000Z",
      },
      {
        ...both,
        sid: expect.any(String),
        current: false,
        since: "2026-11-21T14:00:00.000Z",
        lastSeen: "2026-11-21T14:00:00.000Z",
        expiresAt: "2026-11-22T02:00:00.000Z",
      },
    ]);
    expect((await sessionsOf(first)).map(({ current }) => current)).toEqual([true, false]);
  });

  it("names the agents that each has open", async () => {
    const [chatting, looking] = [await door.signIn(ALICE), await door.signIn(ALICE)];
    const lines = handshake(
      "/agents/coder/ws",
      door.host,
      `Cookie: ${chatting}`,
      `Origin: ${door.publicUrl}`,
    );
    const socket = await rawConnect(door.port, head(...lines));
    await new Promise((resolve) => socket.once("data", resolve));
    const sid = await sidOf(chatting);
    const open = (await sessionsOf(looking)).find((session) => session.sid === sid);
    expect(open?.agents).toEqual(["coder"]);
    socket.destroy();
  });

  it("is for nobody without a session, and never kept by a cache", async () => {
    expect(codeOf(await ask("GET", "/api/me/sessions", "a=b"))).toEqual([401, "session_missing"]);
    const answer = await ask("GET", "/api/me/sessions", await door.signIn(ALICE));
    expect(answer.headers.get("cache-control")).toBe("no-store");
  });
});

describe("ending my sessions", () => {
  it("ends another one of mine, and its audit line says from where", async () => {
    const [mine, other] = [await door.signIn(ALICE), await door.signIn(ALICE)];
    const sid = await sidOf(other);
    const answer = await ask("DELETE", `/api/me/sessions/${sid}`, mine);
    expect([answer.status, JSON.parse(answer.body)]).toEqual([200, { ended: [sid] }]);
    expect(codeOf(await ask("GET", "/api/me", other))).toEqual([401, "session_missing"]);
    expect((await sessionsOf(mine)).map(({ current }) => current)).toEqual([true]);
    const lines = (await door.closeAndReadAudit()).filter(({ kind }) => kind === "logout");
    expect(lines).toEqual([
      expect.objectContaining({
        outcome: "allowed",
        reason: "ended_from_list",
        sid,
        email: "alice@example.com",
        method: "DELETE",
        event: expect.any(Number),
      }),
    ]);
  });

  it("ends all others at once", async () => {
    const [mine, second, third] = [
      await door.signIn(ALICE),
      await door.signIn(ALICE),
      await door.signIn(ALICE),
    ];
    const bob = await door.signIn(BOB);
    const others = [await sidOf(second), await sidOf(third)];
    const answer = await ask("DELETE", "/api/me/sessions", mine);
    expect(JSON.parse(answer.body).ended.sort()).toEqual(others.sort());
    for (const cookie of [second, third])
      expect(codeOf(await ask("GET", "/api/me", cookie))).toEqual([401, "session_missing"]);
    for (const cookie of [mine, bob]) expect((await ask("GET", "/api/me", cookie)).status).toBe(200);
    expect(JSON.parse((await ask("DELETE", "/api/me/sessions", mine)).body)).toEqual({ ended: [] });
  });

  it("of this very session is signing out, cookie and all", async () => {
    const mine = await door.signIn(ALICE);
    const answer = await ask("DELETE", `/api/me/sessions/${await sidOf(mine)}`, mine);
    expect([answer.status, Object.keys(JSON.parse(answer.body))]).toEqual([200, ["redirect"]]);
    expect(answer.headers.get("set-cookie")).toMatch(/^gatehouse=;/);
    expect(codeOf(await ask("GET", "/api/me", mine))).toEqual([401, "session_missing"]);
  });

  it("answers the same for another person's session and for none, and ends neither", async () => {
    const [alice, bob] = [await door.signIn(ALICE), await door.signIn(BOB)];
    for (const sid of [await sidOf(bob), "s_AAAAAAAAAAAAAAAAAAAAAA", "nonsense"])
      expect(codeOf(await ask("DELETE", `/api/me/sessions/${sid}`, alice))).toEqual([404, "path_unknown"]);
    expect((await ask("GET", "/api/me", bob)).status).toBe(200);
  });

  it("needs this site's own origin", async () => {
    const [mine, other] = [await door.signIn(ALICE), await door.signIn(ALICE)];
    const path = `/api/me/sessions/${await sidOf(other)}`;
    expect(codeOf(await send("DELETE", path, mine))).toEqual([403, "origin_missing"]);
    expect(codeOf(await send("DELETE", path, mine, "Origin: https://evil.example"))).toEqual([
      403,
      "origin_foreign",
    ]);
    expect((await ask("GET", "/api/me", other)).status).toBe(200);
  });

  it.each([
    ["POST", "/api/me/sessions", "GET, DELETE"],
    ["GET", "/api/me/sessions/s_AAAAAAAAAAAAAAAAAAAAAA", "DELETE"],
  ])("is not done by %s %s", async (method, path, allow) => {
    const answer = await ask(method, path, await door.signIn(ALICE), "Content-Length: 0");
    expect([answer.status, answer.headers.get("allow")]).toEqual([405, allow]);
  });
});
