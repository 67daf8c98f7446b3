// The stack under measurement: a front door and two gateways, each the real command in a process of its own.
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { request } from "undici";
import { packageRoot } from "../../cli/package-root.ts";
import { freePort } from "../../test/support/free-port.ts";
import { adminRequest } from "./admin-request.ts";
import { CLIENT_ID, type FakeProvider } from "./fake-provider.ts";

export type Stack = {
  readonly publicUrl: string;
  readonly controlSocket: string;
  /** Replaces a policy file in one step, as an editor does. */
  writePolicy(file: "access.json5" | "routes.json5", content: unknown): void;
  stop(): Promise<void>;
};

export type StackOptions = {
  readonly provider: FakeProvider;
  readonly access: unknown;
  readonly routes: (endpoints: { readonly cloud: string; readonly box: string }) => unknown;
  /** `session.absolute`, such as "12h". */
  readonly absolute: string;
};

const CLIENT_SECRET = randomBytes(24).toString("hex");
const READY_WITHIN_MS = 30_000;

export async function startStack({ provider, access, routes, absolute }: StackOptions): Promise<Stack> {
  const folder = mkdtempSync(join(tmpdir(), "gatehouse-bench-"));
  const [port, privatePort, cloudPort, boxPort] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ];
  const publicUrl = `http://localhost:${port}`;
  const children: ChildProcess[] = [];
  // Also when a measurement fails, or a part of the stack does not come up: nothing is left running.
  process.once("exit", () => {
    for (const child of children) child.kill("SIGKILL");
  });
  const write = (file: string, content: unknown) =>
    writeFileSync(join(folder, file), JSON.stringify(content));
  const endpoints = { cloud: `http://127.0.0.1:${cloudPort}`, box: `http://127.0.0.1:${boxPort}` };

  write("access.json5", access);
  write("routes.json5", routes(endpoints));
  write("front-door.json5", {
    publicUrl,
    listen: { port },
    privateListen: { port: privatePort },
    data: "./door",
    encryptionKey: randomBytes(32).toString("hex"),
    policy: { access: "access.json5", routes: "routes.json5" },
    providers: {
      bench: { name: "bench", issuer: provider.issuer, clientId: CLIENT_ID, clientSecret: CLIENT_SECRET },
    },
    session: { absolute, idle: absolute },
    limits: { sockets: 50_000, socketsPerUser: 50_000, failedAttemptsPerMinute: 1_000_000 },
    log: { level: "error" },
  });
  mkdirSync(join(folder, "door"), { mode: 0o700 });

  children.push(run("front-door", join(folder, "front-door.json5")));
  await ready(`http://127.0.0.1:${privatePort}/readyz`);
  const trust = readFileSync(join(folder, "door", "trust-thumbprint"), "utf8").trim();
  for (const [id, gatewayPort] of [
    ["cloud", cloudPort],
    ["box", boxPort],
  ] as const) {
    write(`${id}.json5`, {
      gateway: {
        id,
        endpoint: `${id}-1`,
        port: gatewayPort,
        auth: { trust, keySet: "./door/key-set.jwt" },
        concurrentConnections: 50_000,
      },
      agents: { entries: { assistant: { name: "Assistant" } } },
      data: `./${id}`,
      log: { level: "error" },
    });
    children.push(run("gateway", join(folder, `${id}.json5`)));
    await ready(`http://127.0.0.1:${gatewayPort}/health`);
  }

  const controlSocket = join(folder, "door", "control.sock");
  await connected(controlSocket);

  return {
    publicUrl,
    controlSocket,
    writePolicy(file, content) {
      write(`${file}.new`, content);
      renameSync(join(folder, `${file}.new`), join(folder, file));
    },
    async stop() {
      await Promise.all(children.map(end));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function run(command: "front-door" | "gateway", config: string): ChildProcess {
  const program = join(packageRoot(), "dist", "cli", "gatehouse.js");
  return spawn(process.execPath, [program, command, "--config", config], {
    stdio: ["ignore", "ignore", "inherit"],
  });
}

function end(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once("exit", () => resolve());
    child.kill("SIGTERM");
  });
}

/** Answers 200. */
function ready(url: string): Promise<void> {
  return until(url, async () => {
    const { statusCode, body } = await request(url);
    await body.dump();
    return statusCode === 200;
  });
}

/** The front door has found every gateway. */
function connected(controlSocket: string): Promise<void> {
  return until("the gateways as the front door sees them", async () => {
    const status = (await adminRequest(controlSocket, "GET", "/status")) as {
      endpoints: { state: string }[];
    };
    return status.endpoints.every(({ state }) => state === "up");
  });
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + READY_WITHIN_MS;
  while (performance.now() < deadline) {
    if (await isSo().catch(() => false)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`not ready within ${READY_WITHIN_MS} ms: ${what}`);
}
