// A front door that may open few files, and a client that takes whatever it can get.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { request } from "undici";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { freePort } from "../support/free-port.ts";
import { rawConnect, rawExchange } from "../support/raw-client.ts";

const PROGRAM = new URL("../../dist/cli/gatehouse.js", import.meta.url).pathname;
const WITHIN = { timeout: 20_000, interval: 100 };
const FILES = 256;
const FLOOD = 600;

let folder: string;
let port: number;
let privatePort: number;
let door: ChildProcess;
let log = "";

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "gatehouse-files-"));
  [port, privatePort] = [await freePort(), await freePort()];
  const write = (name: string, content: unknown) => writeFile(join(folder, name), JSON.stringify(content));
  await write("access.json5", { agents: { coder: { name: "Coder" } } });
  await write("routes.json5", {
    gateways: { cloud: { endpoints: { "cloud-1": "http://127.0.0.1:1" } } },
    routes: [{ to: "cloud" }],
  });
  await write("front-door.json5", {
    publicUrl: `http://localhost:${port}`,
    listen: { port },
    privateListen: { port: privatePort },
    data: "./door",
    encryptionKey: "0".repeat(64),
    policy: { access: "access.json5", routes: "routes.json5" },
    providers: {
      test: { name: "Test", issuer: "http://127.0.0.1:1", clientId: "x", clientSecret: "a-secret" },
    },
  });
  const command = `ulimit -n ${FILES}; exec "$0" "$@"`;
  const config = join(folder, "front-door.json5");
  door = spawn("/bin/sh", ["-c", command, process.execPath, PROGRAM, "front-door", "--config", config], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  log = "";
  door.stdout?.on("data", (chunk) => {
    log += chunk;
  });
  await vi.waitFor(async () => expect(await alive()).toBe(200), WITHIN);
});

afterEach(async () => {
  door.kill("SIGKILL");
  await rm(folder, { recursive: true, force: true });
});

async function alive(): Promise<number> {
  const { statusCode, body } = await request(`http://127.0.0.1:${privatePort}/healthz`);
  await body.dump();
  return statusCode;
}

const asked = () => `GET /healthz HTTP/1.1\r\nHost: localhost:${port}\r\n\r\n`;

async function served(socket: Socket): Promise<string> {
  socket.write(asked());
  return String((await once(socket, "data"))[0]).slice(0, 12);
}

it("takes as many connections as it can serve, goes on serving them, and recovers from a flood", async () => {
  expect(log).toContain("limits.connections needs 48320 open files: fewer are accepted");
  const before = await rawConnect(port, "");
  const flood: Socket[] = [];
  let gone = 0;
  for (let index = 0; index < FLOOD; index += 1) {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => {});
    socket.on("close", () => {
      gone += 1;
    });
    socket.resume();
    flood.push(socket);
  }
  // Nothing is held of what is past the limit, and who was there first is served.
  await vi.waitFor(() => expect(gone).toBeGreaterThanOrEqual(FLOOD - FILES / 2), WITHIN);
  expect([await served(before), await alive()]).toEqual(["HTTP/1.1 200", 200]);
  for (const socket of flood) socket.destroy();
  await vi.waitFor(async () => expect((await rawExchange(port, asked())).status).toBe(200), WITHIN);
  before.destroy();
  expect(log).not.toContain("could not be accepted");
});
