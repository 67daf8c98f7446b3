// The front door and a gateway as processes of their own, told to stop by signals.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { request } from "undici";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { MeAnswer } from "../../core/api.ts";
import { systemClock } from "../../core/clock.ts";
import { createLog } from "../../core/log.ts";
import { PEOPLE } from "../../dev/people.ts";
import { type DevProvider, startDevProvider } from "../../dev/provider/start.ts";
import { type ChatSocket, openChat } from "../support/chat-socket.ts";
import { freePort } from "../support/free-port.ts";
import { signIn } from "../support/sign-in.ts";

const PROGRAM = new URL("../../dist/cli/gatehouse.js", import.meta.url).pathname;
const WITHIN = { timeout: 20_000, interval: 50 };
const CLIENT_SECRET = "a-secret-of-the-test";

let folder: string;
let publicUrl: string;
let ready: string;
let health: string;
let provider: DevProvider;
let door: ChildProcess;
let gateway: ChildProcess;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "gatehouse-signals-"));
  const [port, privatePort, gatewayPort] = [await freePort(), await freePort(), await freePort()];
  publicUrl = `http://localhost:${port}`;
  ready = `http://127.0.0.1:${privatePort}/readyz`;
  health = `http://127.0.0.1:${gatewayPort}/health`;
  provider = await startDevProvider({
    port: 0,
    people: PEOPLE,
    audience: "urn:gatehouse",
    clients: [
      {
        clientId: "gatehouse",
        clientSecret: CLIENT_SECRET,
        name: "Test",
        redirectUris: [`${publicUrl}/auth/callback`],
        postLogoutRedirectUris: [`${publicUrl}/signed-out`],
      },
    ],
    clock: systemClock,
    log: createLog("test", "silent"),
  });
  await write("access.json5", {
    agents: { coder: { name: "Coder" } },
    groups: { engineering: { agents: ["coder"] } },
  });
  await write("routes.json5", {
    gateways: { cloud: { endpoints: { "cloud-1": `http://127.0.0.1:${gatewayPort}` } } },
    routes: [{ to: "cloud" }],
  });
  await write("front-door.json5", {
    publicUrl,
    listen: { port },
    privateListen: { port: privatePort },
    data: "./door",
    encryptionKey: "0".repeat(64),
    policy: { access: "access.json5", routes: "routes.json5" },
    providers: {
      test: { name: "Test", issuer: provider.issuer, clientId: "gatehouse", clientSecret: CLIENT_SECRET },
    },
  });
  door = start("front-door");
  await answers(ready, 200);
  await write("gateway.json5", {
    gateway: {
      id: "cloud",
      endpoint: "cloud-1",
      port: gatewayPort,
      auth: { trust: (await readFile(join(folder, "door", "trust-thumbprint"), "utf8")).trim() },
    },
    agents: { entries: { coder: { name: "Coder" } } },
    data: "./gateway",
  });
  gateway = start("gateway");
  await answers(health, 200);
});

afterEach(async () => {
  door.kill("SIGKILL");
  gateway.kill("SIGKILL");
  await provider.close();
  await rm(folder, { recursive: true, force: true });
});

function write(name: string, content: unknown): Promise<void> {
  return writeFile(join(folder, name), JSON.stringify(content));
}

function start(command: "front-door" | "gateway"): ChildProcess {
  const config = join(folder, `${command}.json5`);
  return spawn(process.execPath, [PROGRAM, command, "--config", config], { stdio: "ignore" });
}

async function answers(url: string, status: number): Promise<void> {
  await vi.waitFor(async () => {
    const { statusCode, body } = await request(url);
    await body.dump();
    expect(statusCode).toBe(status);
  }, WITHIN);
}

async function chat(): Promise<ChatSocket> {
  const { browser } = await signIn(`${publicUrl}/`, "alice@example.com");
  const cookie = browser.jar.header(new URL(publicUrl));
  const url = `${publicUrl.replace("http", "ws")}/agents/coder/ws`;
  return vi.waitFor(() => openChat(url, { cookie, origin: publicUrl }), WITHIN);
}

/** Exit code and signal. */
function exitOf(child: ChildProcess): Promise<unknown[]> {
  return once(child, "exit");
}

/** Repeated word by word: some five seconds. */
const LONG = "word ".repeat(200);

async function begin(socket: ChatSocket, message: string): Promise<void> {
  const delta = socket.nextChat("delta");
  await socket.request("chat.send", { sessionKey: "main", message, idempotencyKey: "begun-1" });
  await delta;
}

describe("SIGTERM", () => {
  it("ends a front door in order: connections closed with when to come back, exit code 0", async () => {
    const [first, second] = [await chat(), await chat()];
    const exit = exitOf(door);
    door.kill("SIGTERM");
    const words = /^the front door is restarting, come back in \d+ s$/;
    expect([await first.closed, await second.closed]).toEqual([
      { code: 1012, reason: expect.stringMatching(words) },
      { code: 1012, reason: expect.stringMatching(words) },
    ]);
    expect(await exit).toEqual([0, null]);
  });

  it("lets a gateway finish the answer that it is writing, and keep it; nothing new begins", async () => {
    const socket = await chat();
    await begin(socket, LONG);
    const final = socket.nextChat("final");
    const exit = exitOf(gateway);
    gateway.kill("SIGTERM");
    await answers(health, 503);
    const late = { sessionKey: "main", message: "where", idempotencyKey: "late-1" };
    await expect(socket.request("chat.send", late)).rejects.toThrow("the gateway is restarting");
    expect((await final).state).toBe("final");
    expect(await socket.closed).toEqual({
      code: 1012,
      reason: expect.stringMatching(/^the gateway is restarting, come back in \d+ s$/),
    });
    expect(await exit).toEqual([0, null]);
  });

  it("of a gateway is seen by its people: their agent is draining until it is gone", async () => {
    const { browser } = await signIn(`${publicUrl}/`, "alice@example.com");
    const state = async () => {
      const { body } = await browser.send(`${publicUrl}/api/me`);
      return (JSON.parse(body) as MeAnswer).agents[0]?.state;
    };
    const socket = await chat();
    await expect.poll(state, WITHIN).toBe("up");
    await begin(socket, LONG);
    const exit = exitOf(gateway);
    gateway.kill("SIGTERM");
    await expect.poll(state, WITHIN).toBe("draining");
    expect(await exit).toEqual([0, null]);
    await expect.poll(state, WITHIN).toBe("down");
  });

  it.each(["SIGTERM", "SIGINT"] as const)(
    "and then %s ends a gateway at once, exit code 0",
    async (again) => {
      const socket = await chat();
      await begin(socket, "slow");
      const exit = exitOf(gateway);
      gateway.kill("SIGTERM");
      await answers(health, 503);
      gateway.kill(again);
      expect(await exit).toEqual([0, null]);
      expect((await socket.closed).code).toBe(1013);
    },
  );
});
