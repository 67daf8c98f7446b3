// The front door as a process of its own, killed without a word: what it held open at a gateway ends by itself, and
// what it knew is there when it comes back.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { request } from "undici";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { gatewaySchema } from "../../config/gateway.ts";
import type { AuditEvent } from "../../core/audit.ts";
import { systemClock } from "../../core/clock.ts";
import { createLog } from "../../core/log.ts";
import { PEOPLE } from "../../dev/people.ts";
import { type DevProvider, startDevProvider } from "../../dev/provider/start.ts";
import { type RunningGateway, startGateway } from "../../gateway/main.ts";
import { type ChatSocket, openChat } from "../support/chat-socket.ts";
import { freePort } from "../support/free-port.ts";
import { signIn } from "../support/sign-in.ts";
import { startTcpFaultProxy, type TcpFaultProxy } from "../support/tcp-fault-proxy.ts";

const PROGRAM = new URL("../../dist/cli/gatehouse.js", import.meta.url).pathname;
const WITHIN = { timeout: 20_000, interval: 50 };
const clock = systemClock;
const log = createLog("test", "silent");

let folder: string;
let publicUrl: string;
let privatePort: number;
let provider: DevProvider;
let between: TcpFaultProxy;
let gateway: RunningGateway;
let door: ChildProcess;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "gatehouse-killed-"));
  const port = await freePort();
  const gatewayPort = await freePort();
  privatePort = await freePort();
  publicUrl = `http://localhost:${port}`;
  provider = await startDevProvider({
    port: 0,
    people: PEOPLE,
    audience: "urn:gatehouse",
    clients: [
      {
        clientId: "gatehouse",
        clientSecret: "a-secret-of-the-test",
        name: "Test",
        redirectUris: [`${publicUrl}/auth/callback`],
        postLogoutRedirectUris: [`${publicUrl}/signed-out`],
      },
    ],
    clock,
    log,
  });
  between = await startTcpFaultProxy(gatewayPort);
  const write = (name: string, content: unknown) => writeFile(join(folder, name), JSON.stringify(content));
  await write("access.json5", {
    agents: { coder: { name: "Coder" } },
    groups: { engineering: { agents: ["coder"] } },
  });
  await write("routes.json5", {
    gateways: { cloud: { endpoints: { "cloud-1": `http://127.0.0.1:${between.port}` } } },
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
      test: {
        name: "Test",
        issuer: provider.issuer,
        clientId: "gatehouse",
        clientSecret: "a-secret-of-the-test",
      },
    },
    control: { lease: "2s" },
  });
  await startDoor();
  const trust = (await readFile(join(folder, "door", "trust-thumbprint"), "utf8")).trim();
  const config = gatewaySchema.parse({
    gateway: { id: "cloud", endpoint: "cloud-1", port: gatewayPort, auth: { trust } },
    agents: { entries: { coder: { name: "Coder" } } },
    data: join(folder, "gateway"),
  });
  gateway = await startGateway(config, { clock, log, version: "0.0.0-test" });
});

afterEach(async () => {
  door.kill("SIGKILL");
  await gateway.close();
  await between.close();
  await provider.close();
  await rm(folder, { recursive: true, force: true });
});

async function startDoor(): Promise<void> {
  const config = join(folder, "front-door.json5");
  door = spawn(process.execPath, [PROGRAM, "front-door", "--config", config], { stdio: "ignore" });
  await vi.waitFor(async () => {
    const { statusCode, body } = await request(`http://127.0.0.1:${privatePort}/readyz`);
    await body.dump();
    expect(statusCode).toBe(200);
  }, WITHIN);
}

function chatWith(cookie: string): Promise<ChatSocket> {
  const url = `${publicUrl.replace("http", "ws")}/agents/coder/ws`;
  // The door finds out by itself that the gateway is there.
  return vi.waitFor(() => openChat(url, { cookie, origin: publicUrl }), WITHIN);
}

async function closedLines(): Promise<AuditEvent[]> {
  const text = await readFile(join(folder, "gateway", "audit.jsonl"), "utf8");
  const lines = text.split("\n").filter((line) => line !== "");
  return lines
    .map((line) => JSON.parse(line) as AuditEvent)
    .filter(({ kind }) => kind === "connection_closed");
}

describe("a front door that is gone", () => {
  it("when killed, leaves no connection at a gateway beyond the lease, and its sessions are there when it comes back", async () => {
    const { browser } = await signIn(`${publicUrl}/`, "alice@example.com");
    const cookie = browser.jar.header(new URL(publicUrl));
    const chat = await chatWith(cookie);
    expect(await chat.ask("whoami")).toContain("alice@example.com");
    expect(await closedLines()).toEqual([]);

    // As behind a proxy that outlives the door: nobody tells the gateway that the door is gone.
    between.keepFarSides();
    const exit = once(door, "exit");
    door.kill("SIGKILL");
    await exit;
    const [line] = await vi.waitFor(async () => {
      const lines = await closedLines();
      expect(lines).toHaveLength(1);
      return lines;
    }, WITHIN);
    expect(line).toMatchObject({ reason: "lease_expired", email: "alice@example.com", gateway: "cloud" });

    await startDoor();
    const again = await chatWith(cookie);
    expect((await again.history()).messages.map(({ role }) => role)).toEqual(["user", "assistant"]);
    again.close();
  });

  it("ends at the gateway too when the way between goes silent and nobody is told", async () => {
    const { browser } = await signIn(`${publicUrl}/`, "alice@example.com");
    const chat = await chatWith(browser.jar.header(new URL(publicUrl)));
    between.hold();
    const lines = await vi.waitFor(async () => {
      const found = await closedLines();
      expect(found).toHaveLength(1);
      return found;
    }, WITHIN);
    expect(lines[0]).toMatchObject({ reason: "lease_expired", email: "alice@example.com" });
    chat.close();
  });
});
