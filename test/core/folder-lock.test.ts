import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { ConfigError } from "../../core/config-error.ts";
import { lockFolder } from "../../core/folder-lock.ts";

describe("lockFolder", () => {
  it("refuses a second holder in the same process, naming process and folder", async () => {
    const folder = await temporaryFolder();
    const unlock = await lockFolder(folder);
    await expect(lockFolder(folder)).rejects.toEqual(inUseBy(folder, process.pid));
    await unlock();
  });

  it("refuses a folder that another living process holds", async () => {
    const folder = await temporaryFolder();
    const holder = await startHolder(folder);
    await expect(lockFolder(folder)).rejects.toEqual(inUseBy(folder, holder.pid));
    expect(await readdir(folder)).toEqual([`lock-${holder.pid}-abc123.sock`]);
  });

  it("refuses it while that process is stopped and cannot answer", async () => {
    const folder = await temporaryFolder();
    const holder = await startHolder(folder);
    holder.kill("SIGSTOP");
    await expect(lockFolder(folder)).rejects.toEqual(inUseBy(folder, holder.pid));
  });

  it("takes over from a killed process, and removes its lock", async () => {
    const folder = await temporaryFolder();
    const holder = await startHolder(folder);
    holder.kill("SIGKILL");
    await once(holder.child, "exit");
    expect(await readdir(folder)).toEqual([`lock-${holder.pid}-abc123.sock`]);
    const unlock = await lockFolder(folder);
    expect(await readdir(folder)).toEqual([
      expect.stringMatching(`^lock-${process.pid}-[0-9a-f]{8}\\.sock$`),
    ]);
    await unlock();
  });

  it("takes over a dead lock that carries the number of a living process", async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, `lock-${process.pid}-abc123.sock`), "");
    const unlock = await lockFolder(folder);
    await unlock();
    expect(await readdir(folder)).toEqual([]);
  });

  it("frees the folder when unlocked", async () => {
    const folder = await temporaryFolder();
    await (await lockFolder(folder))();
    expect(await readdir(folder)).toEqual([]);
    await (await lockFolder(folder))();
  });

  it("is never held twice when many ask at once", async () => {
    const folder = await temporaryFolder();
    for (let round = 0; round < 20; round += 1) {
      const answers = await Promise.allSettled(Array.from({ length: 4 }, () => lockFolder(folder)));
      const unlocks = answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value] : []));
      expect(unlocks.length).toBeLessThanOrEqual(1);
      for (const unlock of unlocks) await unlock();
      expect(await readdir(folder)).toEqual([]);
    }
  });

  it("refuses a path that no socket address can hold, instead of locking another one", async () => {
    const folder = join(await temporaryFolder(), "x".repeat(120));
    await mkdir(folder);
    await expect(lockFolder(folder)).rejects.toThrow(
      /found a path that makes the lock's \d+ bytes long; expected at most 103, the limit of Unix sockets/,
    );
    expect(await readdir(folder)).toEqual([]);
  });

  it("reports a folder that does not exist as the operator's mistake", async () => {
    const folder = join(await temporaryFolder(), "absent");
    await expect(lockFolder(folder)).rejects.toThrow(ConfigError);
  });
});

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "gh-lock-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

function inUseBy(folder: string, pid: number): ConfigError {
  return new ConfigError([
    {
      source: folder,
      path: "",
      found: `a folder in use by process ${pid}`,
      expected: `one process for each folder: stop process ${pid}, or give this one a folder of its own`,
    },
  ]);
}

/** A process of its own that holds the folder's lock until it is killed, at the latest when the test is over. */
async function startHolder(folder: string) {
  const program = `require("node:net").createServer().listen(
    require("node:path").join(process.argv[1], "lock-" + process.pid + "-abc123.sock"),
    () => process.stdout.write("holding"))`;
  const child = spawn(process.execPath, ["-e", program, folder], { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  await once(child.stdout, "data");
  if (child.pid === undefined) throw new Error("the holder did not start");
  return { child, pid: child.pid, kill: (signal: NodeJS.Signals) => child.kill(signal) };
}
