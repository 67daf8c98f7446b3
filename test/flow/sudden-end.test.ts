// Processes that end where they stand: by a fault that nobody expected, or told twice to stop. What the audit log was
// told before is in it.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { request } from "undici";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { freePort } from "../support/free-port.ts";

const DIST = new URL("../../dist/", import.meta.url);
const WITHIN = { timeout: 20_000, interval: 20 };

let folder: string;
let started: ChildProcess[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "gatehouse-sudden-"));
  started = [];
});
afterEach(async () => {
  for (const child of started) child.kill("SIGKILL");
  await rm(folder, { recursive: true, force: true });
});

function node(...args: readonly string[]) {
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
  started.push(child);
  const [out, errors, exit] = [text(child.stdout), text(child.stderr), once(child, "exit")];
  return { child, out, errors, exit };
}

async function linesOf(path: string): Promise<Record<string, unknown>[]> {
  const lines = (await readFile(path, "utf8")).trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line));
}

describe("an audit log whose process exits", () => {
  /** @param recorded statements that record lines by `record(<reason>)` */
  async function reasonsAfter(recorded: string) {
    const path = join(folder, "audit.jsonl");
    const script = `
      import { auditEvent, createAuditLog } from ${JSON.stringify(new URL("core/audit.js", DIST))};
      import { systemClock } from ${JSON.stringify(new URL("core/clock.js", DIST))};
      const audit = createAuditLog({
        path: ${JSON.stringify(path)}, onFailure: "refuse", clock: systemClock, gatherMs: 60_000, onStateChange() {},
      });
      const record = (reason) => audit.record(auditEvent({ kind: "login", outcome: "allowed", reason }));
      ${recorded}`;
    await node("--input-type=module", "--eval", script).exit;
    return (await linesOf(path)).map(({ reason }) => reason).sort();
  }

  it("has the lines that were being gathered", async () => {
    const recorded = `
      record("1");
      setTimeout(() => { record("2"); record("3"); process.exit(0); }, 50);`;
    expect(await reasonsAfter(recorded)).toEqual(["1", "2", "3"]);
  });

  it("has those that were on their way too, once each", async () => {
    const recorded = `
      setTimeout(() => { record("1".repeat(1_000_000)); record("2"); process.exit(0); }, 50);`;
    expect(await reasonsAfter(recorded)).toEqual(["1".repeat(1_000_000), "2"]);
  });

  it("has those that were recorded before its file was open", async () => {
    expect(await reasonsAfter(`record("1"); process.exit(0);`)).toEqual(["1"]);
  });

  it("has those of a process that a fault ends", async () => {
    const recorded = `
      setTimeout(() => { record("1"); record("2"); throw new Error("a fault"); }, 50);`;
    expect(await reasonsAfter(recorded)).toEqual(["1", "2"]);
  });
});

describe("a front door", () => {
  let publicUrl: string;
  let door: ReturnType<typeof node>;
  const audit = () => linesOf(join(folder, "door", "audit.jsonl"));

  /** @param onSignal what it does when it gets SIGUSR2, as no code of its own does */
  async function start(onSignal: string) {
    const [port, privatePort] = [await freePort(), await freePort()];
    publicUrl = `http://localhost:${port}`;
    const write = (name: string, content: unknown) => writeFile(join(folder, name), JSON.stringify(content));
    await write("access.json5", { agents: { coder: { name: "Coder" } } });
    await write("routes.json5", {
      gateways: { cloud: { endpoints: { "cloud-1": "http://127.0.0.1:1" } } },
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
          issuer: "http://127.0.0.1:1",
          clientId: "gatehouse",
          clientSecret: "a-secret-of-the-test",
        },
      },
    });
    door = node(
      "--import",
      `data:text/javascript,${encodeURIComponent(`process.on("SIGUSR2", () => { ${onSignal} })`)}`,
      new URL("cli/gatehouse.js", DIST).pathname,
      "front-door",
      "--config",
      join(folder, "front-door.json5"),
    );
    await vi.waitFor(async () => {
      const { statusCode, body } = await request(`http://127.0.0.1:${privatePort}/healthz`);
      await body.dump();
      expect(statusCode).toBe(200);
    }, WITHIN);
  }

  /** Each leaves a line. */
  async function askTwentyTimes() {
    const asked = Array.from({ length: 20 }, async () => {
      const { headers, body } = await request(`${publicUrl}/agents/coder/x`);
      await body.dump();
      return headers["x-request-id"];
    });
    return (await Promise.all(asked)).sort();
  }

  const audited = async () =>
    (await audit())
      .filter(({ kind }) => kind === "decision")
      .map(({ requestId }) => requestId)
      .sort();

  it.each([
    ["an exception that nobody catches", "throw new TypeError('a secret');", "uncaughtException"],
    ["a rejection that nobody handles", "Promise.reject(new TypeError('a secret'));", "unhandledRejection"],
  ])("that meets %s ends with one line, every audit line written", async (_what, onSignal, origin) => {
    await start(onSignal);
    const requestIds = await askTwentyTimes();
    door.child.kill("SIGUSR2");
    expect(await door.exit).toEqual([1, null]);
    expect(await audited()).toEqual(requestIds);
    const fatal = (await door.out)
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line))
      .filter(({ level }) => level === "fatal");
    expect(fatal).toEqual([
      {
        level: "fatal",
        time: expect.any(String),
        part: "front-door",
        fault: "TypeError",
        at: expect.arrayContaining([expect.stringContaining("data:text/javascript")]),
        origin,
        msg: "an unexpected fault ends this process",
      },
    ]);
    expect(`${await door.out}${await door.errors}`).not.toContain("a secret");
  });

  it("told twice to stop has every audit line", async () => {
    await start("");
    const requestIds = await askTwentyTimes();
    door.child.kill("SIGTERM");
    door.child.kill("SIGINT");
    expect(await door.exit).toEqual([0, null]);
    expect(await audited()).toEqual(requestIds);
  });
});
