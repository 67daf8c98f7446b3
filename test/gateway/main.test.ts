import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import { ConfigError } from "../../core/config-error.ts";
import type { ChatHistoryAnswer, SessionsListAnswer } from "../../core/gateway-protocol.ts";
import { startFakeClaude } from "../support/fake-claude.ts";
import {
  ask,
  CONNECT,
  HANDSHAKE,
  startTestGateway,
  type TestGateway,
  type TestGatewayOptions,
} from "../support/gateway-fixture.ts";

/** Somebody else than the fixture's person. */
const OTHER = `u_${"b".repeat(26)}`;

const started: TestGateway[] = [];

async function start(options?: TestGatewayOptions): Promise<TestGateway> {
  return keep(await startTestGateway(options));
}

function keep(gateway: TestGateway): TestGateway {
  started.push(gateway);
  return gateway;
}

afterEach(async () => {
  for (const gateway of started.splice(0)) await gateway.dispose();
});

describe("health", () => {
  test("is told to anybody, and tells of nobody", async () => {
    const gateway = await start();
    const client = await gateway.connect();
    await client.request("chat.send", { sessionKey: "main", message: "slow", idempotencyKey: "r1" });
    gateway.clock.advance(1_999);
    const answer = await ask(`${gateway.running.url}/health`);
    expect({ status: answer.status, body: answer.body }).toEqual({
      status: 200,
      body: {
        status: "ok",
        control: "away",
        version: "0.0.0-test",
        uptime: 1,
        memory: { rss: expect.any(Number), heapUsed: expect.any(Number) },
        sessions: { active: 1, total: 1 },
      },
    });
  });

  test("is not_ready without a key set; everybody is refused until it appears", async () => {
    const gateway = await start({ withoutKeySet: "at_first" });
    const headers = () => ({ ...HANDSHAKE, "x-gateway-assertion": gateway.door.assertion() });
    expect(gateway.running.ready()).toBe(false);
    expect(await ask(`${gateway.running.url}/health`)).toMatchObject({
      status: 503,
      body: { status: "not_ready" },
    });
    expect(await ask(`${gateway.running.url}/ws`, { headers: headers() })).toMatchObject({
      status: 503,
      headers: { "retry-after": "5" },
      body: { error: { code: "keys_unavailable" } },
    });
    expect(gateway.logged()).toContainEqual(
      expect.objectContaining({ level: "warn", msg: "there is no key set file" }),
    );
    await writeFile(gateway.keySetPath, gateway.door.keySet());
    await expect.poll(() => gateway.running.ready()).toBe(true);
    expect((await ask(`${gateway.running.url}/ws`, { headers: headers() })).status).toBe(101);
  });
});

describe("limits", () => {
  test("a full gateway says so before 101, and has room again when somebody leaves", async () => {
    const gateway = await start({ gateway: { concurrentConnections: 1 } });
    const first = await gateway.connect();
    const headers = () => ({ ...HANDSHAKE, "x-gateway-assertion": gateway.door.assertion() });
    expect(await ask(`${gateway.running.url}/ws`, { headers: headers() })).toMatchObject({
      status: 503,
      headers: { "retry-after": "5" },
      body: { error: { code: "gateway_full" } },
    });
    first.socket.close();
    await first.closed;
    await expect
      .poll(async () => (await ask(`${gateway.running.url}/ws`, { headers: headers() })).status)
      .toBe(101);
  });

  test("a connection that does not answer a ping is cut, one that does lives on", async () => {
    const gateway = await start();
    const alive = await gateway.connect();
    const silent = new WebSocket(`${gateway.running.url.replace("http", "ws")}/ws`, {
      autoPong: false,
      headers: { "x-gateway-assertion": gateway.door.assertion() },
    });
    await new Promise((resolve) => silent.on("open", resolve));
    silent.send(JSON.stringify({ type: "req", id: "c", method: "connect", params: CONNECT }));
    await new Promise<void>((resolve) =>
      silent.on("message", (frame) => String(frame).includes("hello-ok") && resolve()),
    );
    const cut = new Promise((resolve) => silent.on("close", resolve));
    const pinged = new Promise((resolve) => alive.socket.on("ping", resolve));
    gateway.clock.advance(30_000);
    await pinged;
    expect(await alive.frame((frame) => frame.type === "event" && frame.event === "tick")).toEqual({
      type: "event",
      event: "tick",
      payload: { ts: gateway.clock.now() },
      seq: 1,
    });
    // Behind the pong on the same socket.
    await alive.request("health");
    gateway.clock.advance(10_000);
    expect(await cut).toBe(1006);
    await alive.request("health");
  });

  test("a client that does not read is closed, and slows nobody else's turn", async () => {
    const gateway = await start();
    const [slow, other] = [await gateway.connect(), await gateway.connect()];
    const message = "x".repeat(1024 * 1024);
    await other.request("chat.send", { sessionKey: "main", message, idempotencyKey: "r1" });
    await slow.chat((event) => event.state === "final");
    slow.socket.pause();
    for (let id = 0; id < 40; id += 1) {
      const params = { sessionKey: "main" };
      slow.socket.send(JSON.stringify({ type: "req", id: `h${id}`, method: "chat.history", params }));
    }
    const closed = () =>
      gateway.logged().filter(({ msg }) => msg === "a client reads too slowly and is closed");
    await expect.poll(() => closed().length, { timeout: 15_000 }).toBe(1);
    expect(closed()[0]?.["bufferedBytes"]).toBeLessThan(56 * 1024 * 1024);
    await other.request("chat.send", { sessionKey: "main", message: "where", idempotencyKey: "r2" });
    await other.chat((event) => event.runId === "r2" && event.state === "final");
    gateway.clock.advance(5_000);
    slow.socket.resume();
    expect((await slow.closed).code).toBe(1006);
  });

  test("a person's turns beyond the queue are refused with when to try again", async () => {
    const gateway = await start({
      agents: {
        defaults: { maxConcurrent: 1, maxQueued: 1 },
        entries: { assistant: { name: "Assistant" } },
      },
    });
    const client = await gateway.connect();
    const send = (key: string) => ({ sessionKey: key, message: "slow", idempotencyKey: `run-${key}` });
    expect(await client.request("chat.send", send("a"))).toMatchObject({ status: "started" });
    expect(await client.request("chat.send", send("b"))).toMatchObject({ status: "queued" });
    expect(await client.chat((event) => event.state === "queued")).toMatchObject({
      runId: "run-b",
      position: 1,
    });
    expect(await client.refused("chat.send", send("c"))).toEqual({
      code: "UNAVAILABLE",
      message: "too many turns are waiting",
      retryable: true,
      retryAfterMs: 5_000,
    });
    expect(await client.request("status")).toEqual({
      ts: gateway.clock.now(),
      version: "0.0.0-test",
      gateway: "cloud",
      endpoint: "cloud-1",
      sessions: { total: 2 },
      turns: { running: 1, waiting: 1 },
    });
  });
});

describe("restarting", () => {
  test("with a drain time closes who waits for nothing, one by one, and who has a turn running after it", async () => {
    const gateway = await start({ drain: "20s" });
    const busy = await gateway.connect();
    const [one, other] = [await gateway.connect({ sub: OTHER }), await gateway.connect({ sub: OTHER })];
    const closed: string[] = [];
    for (const [name, client] of Object.entries({ busy, one, other }))
      void client.closed.then(({ code, reason }) => closed.push(`${name} ${code} ${reason}`));
    await busy.request("chat.send", { sessionKey: "main", message: "slow", idempotencyKey: "r1" });
    await gateway.slowWord();
    await busy.chat((event) => event.state === "delta");

    const closing = gateway.running.close();
    await one.closed;
    expect(gateway.running.ready()).toBe(false);
    expect((await ask(`${gateway.running.url}/health`)).status).toBe(503);
    const headers = { ...HANDSHAKE, "x-gateway-assertion": gateway.door.assertion() };
    expect(await ask(`${gateway.running.url}/ws`, { headers })).toMatchObject({
      status: 503,
      headers: { "retry-after": "5" },
      body: { error: { code: "stopping" } },
    });
    const late = { sessionKey: "main", message: "where", idempotencyKey: "r2" };
    expect(await busy.refused("chat.send", late)).toMatchObject({ code: "UNAVAILABLE", retryable: true });
    expect(closed).toEqual(["one 1012 the gateway is restarting, come back in 2 s"]);
    gateway.clock.advance(100);
    await other.closed;
    expect(closed.length).toBe(2);

    await busy.request("chat.abort", { sessionKey: "main" });
    await busy.chat((event) => event.state === "aborted");
    await vi.waitFor(() => {
      gateway.clock.advance(100);
      expect(closed.length).toBe(3);
    });
    expect(closed[2]).toMatch(/^busy 1012 the gateway is restarting, come back in \d s$/);
    gateway.clock.advance(100);
    await closing;
  });

  test("ends what still runs when the drain time is over", async () => {
    const gateway = await start({ drain: "1s" });
    const client = await gateway.connect();
    await client.request("chat.send", { sessionKey: "main", message: "slow", idempotencyKey: "r1" });
    await gateway.slowWord();
    await client.chat((event) => event.state === "delta");
    const closing = gateway.running.close();
    gateway.clock.advance(1_000);
    await client.chat((event) => event.state === "aborted");
    expect((await client.closed).code).toBe(1012);
    await closing;
  });

  test("closes connections with 1012 and keeps what a running turn has said", async () => {
    const gateway = await start();
    const client = await gateway.connect();
    const sent = { sessionKey: "main", message: "slow", idempotencyKey: "r1" };
    await client.request("chat.send", sent);
    await gateway.slowWord();
    await client.chat((event) => event.state === "delta");
    await gateway.running.close();
    expect(await client.closed).toEqual({
      code: 1012,
      reason: "the gateway is restarting, come back in 1 s",
    });
    expect(client.chatEvents().map(({ state }) => state)).toEqual(["delta", "aborted"]);

    const next = keep(await gateway.restart());
    const back = await next.connect();
    const history = await back.request<ChatHistoryAnswer>("chat.history", { sessionKey: "main" });
    expect(history.messages.map(({ role, content }) => [role, content[0]?.text])).toEqual([
      ["user", "slow"],
      ["assistant", "word-1 "],
    ]);
    expect(await back.request("chat.send", sent)).toEqual({ runId: "r1", status: "done" });
  });

  test("has every message after a kill; the turn it interrupted does not run and is not begun again", async () => {
    const gateway = await start();
    const client = await gateway.connect();
    const first = { sessionKey: "main", message: "where", idempotencyKey: "r1" };
    await client.request("chat.send", first);
    await client.chat((event) => event.runId === "r1" && event.state === "final");
    await client.request("chat.send", { ...first, message: "slow", idempotencyKey: "r2" });
    await gateway.slowWord();
    await client.chat((event) => event.runId === "r2");

    const next = keep(await gateway.afterKill());
    const back = await next.connect();
    const history = await back.request<ChatHistoryAnswer>("chat.history", { sessionKey: "main" });
    expect(history.messages.map(({ role, runId }) => [role, runId])).toEqual([
      ["user", "r1"],
      ["assistant", "r1"],
      ["user", "r2"],
    ]);
    expect(history.running).toBeNull();
    const again = await back.request("chat.send", { ...first, message: "slow", idempotencyKey: "r2" });
    expect(again).toEqual({ runId: "r2", status: "done" });
    const before = await client.request<SessionsListAnswer>("sessions.list");
    const after = await back.request<SessionsListAnswer>("sessions.list");
    expect(after.sessions).toEqual(before.sessions);
  });

  test("does not admit an assertion that was used before the kill", async () => {
    const gateway = await start();
    const headers = { ...HANDSHAKE, "x-gateway-assertion": gateway.door.assertion() };
    expect((await ask(`${gateway.running.url}/ws`, { headers })).status).toBe(101);
    gateway.clock.advance(1_000);
    const next = keep(await gateway.afterKill());
    expect(await ask(`${next.running.url}/ws`, { headers })).toMatchObject({
      status: 401,
      body: { error: { code: "assertion_invalid", reason: "older_than_start" } },
    });
    await next.connect();
  });
});

describe("starting", () => {
  test("names a port that is taken and the setting that changes it", async () => {
    const { port } = (await start()).running;
    const second = startTestGateway({ gateway: { port } });
    await expect(second).rejects.toThrow(ConfigError);
    await expect(second).rejects.toMatchObject({
      issues: [
        {
          source: "gateway cloud/cloud-1",
          path: "gateway.port",
          found: `127.0.0.1:${port}, which cannot be listened on (EADDRINUSE)`,
          expected: "a free port and an address of this machine; change gateway.port or gateway.bind",
        },
      ],
    });
  });

  test("refuses a data folder that another gateway has, and takes it over when that one has stopped", async () => {
    const gateway = await start();
    const data = join(gateway.folder, "data");
    await expect(gateway.restart()).rejects.toEqual(
      new ConfigError([
        {
          source: data,
          path: "",
          found: `a folder in use by process ${process.pid}`,
          expected: `one process for each folder: stop process ${process.pid}, or give this one a folder of its own`,
        },
      ]),
    );
    await gateway.connect();
    await gateway.running.close();
    await (await keep(await gateway.restart()).connect()).request("health");
  });

  test("leaves its data folder to the next one when it cannot start", async () => {
    const gateway = await start();
    await gateway.running.close();
    const { port } = (await start()).running;
    await expect(gateway.restart({ port })).rejects.toThrow(ConfigError);
    await (await keep(await gateway.restart()).connect()).request("health");
  });

  test("says where it listens", async () => {
    const { running } = await start();
    expect(running.address).toBe("127.0.0.1");
    expect(running.url).toBe(`http://127.0.0.1:${running.port}`);
  });

  test("answers through the Claude API when it has a key, and lets no secret or word into logs", async () => {
    const claude = await startFakeClaude();
    const gateway = await start({ anthropic: { apiKey: "sk-ant-secret", baseUrl: claude.url } });
    const assertion = gateway.door.assertion();
    await ask(`${gateway.running.url}/ws`, { headers: { ...HANDSHAKE, "x-gateway-assertion": assertion } });
    const client = await gateway.connect();
    const sent = { sessionKey: "main", message: "PRIVATE-WORDS", idempotencyKey: "r1" };
    await client.request("chat.send", sent);
    const final = await client.chat((event) => event.state === "final");
    expect(final).toMatchObject({
      message: { content: [{ type: "text", text: "Hello." }], usage: { input: 12, output: 7 } },
    });
    await gateway.running.close();
    const audit = await readFile(join(gateway.folder, "data", "audit.jsonl"), "utf8");
    const lines = `${audit}${JSON.stringify(gateway.logged())}`;
    expect(lines).toContain("alice@example.com");
    for (const secret of ["sk-ant-secret", "PRIVATE-WORDS", ...assertion.split(".")])
      expect(lines).not.toContain(secret);
    await claude.close();
  });
});
