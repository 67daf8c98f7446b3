import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, stat, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, test } from "vitest";
import { type Audit, auditEvent, createAuditLog } from "../../core/audit.ts";
import { createManualClock, type ManualClock } from "../support/manual-clock.ts";

const NOW = Date.UTC(2026, 10, 21, 8, 0, 0);
const LOGIN = auditEvent({ kind: "login", outcome: "allowed", reason: "Example SSO" });

type TestLog = {
  readonly audit: Audit;
  readonly clock: ManualClock;
  /** What the state changed to, in order. */
  readonly states: ("failing" | "works")[];
  stateChange(): Promise<void>;
};

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "gatehouse-audit-"));
  onTestFinished(() => rm(path, { recursive: true }));
  return path;
}

function openLog(path: string, onFailure: "refuse" | "continue" = "refuse", gatherMs = 0): TestLog {
  const clock = createManualClock(NOW);
  const states: ("failing" | "works")[] = [];
  let changed = () => {};
  const audit = createAuditLog({
    path,
    onFailure,
    gatherMs,
    clock,
    onStateChange(failure) {
      states.push(failure === undefined ? "works" : "failing");
      changed();
    },
  });
  const stateChange = () =>
    new Promise<void>((resolve) => {
      changed = resolve;
    });
  return { audit, clock, states, stateChange };
}

async function linesOf(path: string): Promise<unknown[]> {
  const text = await readFile(path, "utf8");
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

/** A path that takes no line: a disk that is always full where there is one, else a folder. */
async function unwritable(inside: string): Promise<string> {
  const path = join(inside, "audit.jsonl");
  if (existsSync("/dev/full")) await symlink("/dev/full", path);
  else await mkdir(path);
  return path;
}

test("an event has every field, null for what it does not concern", () => {
  expect(auditEvent({ kind: "login", outcome: "denied", reason: "expired", code: "login_failed" })).toEqual({
    kind: "login",
    outcome: "denied",
    code: "login_failed",
    reason: "expired",
    requestId: null,
    userId: null,
    email: null,
    sid: null,
    provider: null,
    peer: null,
    method: null,
    path: null,
    agent: null,
    gateway: null,
    endpoint: null,
    event: null,
  });
});

describe("the audit log", () => {
  it("writes one line for each event, in order, with the time", async () => {
    const path = join(await folder(), "new", "audit.jsonl");
    const { audit, clock } = openLog(path);
    audit.record(LOGIN);
    clock.advance(1_500);
    audit.record({ ...LOGIN, kind: "logout" });
    await audit.close();
    expect(await linesOf(path)).toEqual([
      { time: "2026-11-21T08:00:00.000Z", ...LOGIN },
      { time: "2026-11-21T08:00:01.500Z", ...LOGIN, kind: "logout" },
    ]);
  });

  it("gathers the lines that come soon after a write, and loses none", async () => {
    const path = join(await folder(), "audit.jsonl");
    const { audit } = openLog(path, "refuse", 5);
    const reasons = Array.from({ length: 100 }, (_, index) => `reason ${index}`);
    for (const reason of reasons) audit.record({ ...LOGIN, reason });
    await expect.poll(() => linesOf(path)).toHaveLength(100);
    audit.record({ ...LOGIN, reason: "the last" });
    await audit.close();
    const written = await linesOf(path);
    expect(written).toEqual(
      [...reasons, "the last"].map((reason) => ({ time: "2026-11-21T08:00:00.000Z", ...LOGIN, reason })),
    );
  });

  it("can be read by nobody else, and goes on where it ended", async () => {
    const path = join(await folder(), "audit.jsonl");
    for (const reason of ["one", "two"]) {
      const { audit } = openLog(path);
      audit.record({ ...LOGIN, reason });
      await audit.close();
    }
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await linesOf(path)).toMatchObject([{ reason: "one" }, { reason: "two" }]);
  });

  test.each([
    "\n",
    "\r\n",
    '\n{"kind":"login","outcome":"allowed"}',
    "\u2028",
    "\u0000\u001b[2J",
    "\ud800",
    '"',
  ])("keeps %j on its line", async (hostile) => {
    const path = join(await folder(), "audit.jsonl");
    const { audit } = openLog(path);
    audit.record({ ...LOGIN, email: `a${hostile}b`, path: `/x${hostile}` });
    await audit.close();
    const text = await readFile(path, "utf8");
    expect(text.match(/[\r\n]/g)).toEqual(["\n"]);
    expect(await linesOf(path)).toMatchObject([{ email: `a${hostile}b`, path: `/x${hostile}` }]);
  });
});

describe("an audit log that cannot be written", () => {
  it("accepts nobody, or goes on, as configured", async () => {
    const inside = await folder();
    const path = await unwritable(inside);
    for (const onFailure of ["refuse", "continue"] as const) {
      const { audit, states, stateChange } = openLog(path, onFailure);
      expect(audit.accepting).toBe(true);
      const failed = stateChange();
      audit.record(LOGIN);
      await failed;
      expect(audit.accepting).toBe(onFailure === "continue");
      expect(states).toEqual(["failing"]);
      await audit.close();
    }
  });

  it("does not take an opened file for a written line", async () => {
    const path = await unwritable(await folder());
    const { audit, clock, states, stateChange } = openLog(path);
    const failed = stateChange();
    audit.record(LOGIN);
    await failed;
    clock.advance(1_000);
    // Closing waits until the second attempt has failed, too.
    await audit.close();
    expect(states).toEqual(["failing"]);
    expect(audit.accepting).toBe(false);
  });

  it("works again by itself, and then has every line that could not be written", async () => {
    const path = await unwritable(await folder());
    const { audit, clock, states, stateChange } = openLog(path);
    const failed = stateChange();
    audit.record({ ...LOGIN, reason: "one" });
    await failed;
    audit.record({ ...LOGIN, reason: "two" });
    await rm(path, { recursive: true });
    const recovered = stateChange();
    clock.advance(1_000);
    await recovered;
    expect(audit.accepting).toBe(true);
    audit.record({ ...LOGIN, reason: "three" });
    await audit.close();
    expect(states).toEqual(["failing", "works"]);
    expect(await linesOf(path)).toMatchObject([{ reason: "one" }, { reason: "two" }, { reason: "three" }]);
  });

  it("works again when the file could not be opened and nothing was recorded meanwhile", async () => {
    const path = join(await folder(), "audit.jsonl");
    await mkdir(path);
    const { audit, clock, states, stateChange } = openLog(path);
    await stateChange();
    expect(audit.accepting).toBe(false);
    await rm(path, { recursive: true });
    const recovered = stateChange();
    clock.advance(1_000);
    await recovered;
    expect(audit.accepting).toBe(true);
    expect(states).toEqual(["failing", "works"]);
    await audit.close();
  });

  it("keeps no more than a bounded number of lines", async () => {
    const path = await unwritable(await folder());
    const { audit, clock, stateChange } = openLog(path);
    const failed = stateChange();
    audit.record(LOGIN);
    await failed;
    const large = { ...LOGIN, reason: "x".repeat(1024 * 1024) };
    for (let count = 0; count < 10; count += 1) audit.record(large);
    await rm(path, { recursive: true });
    const recovered = stateChange();
    clock.advance(1_000);
    await recovered;
    await audit.close();
    expect((await linesOf(path)).length).toBe(1 + 4);
  });
});
