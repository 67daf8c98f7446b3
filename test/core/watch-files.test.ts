import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { systemClock } from "../../core/clock.ts";
import { createLog } from "../../core/log.ts";
import { watchFiles } from "../../core/watch-files.ts";
import { folderWith } from "../config/config-folder.ts";
import { createManualClock } from "../support/manual-clock.ts";

const log = createLog("front-door", "silent");
const SETTLED_MS = 100;
const LOOK_MS = 2_000;

/** By a clock that stands still: only what the test advances to happens. */
function watched(paths: readonly string[], onChange: () => Promise<unknown> = async () => {}) {
  const clock = createManualClock(0);
  let told = 0;
  const stop = watchFiles(paths, {
    clock,
    log,
    onChange: () => {
      told += 1;
      return onChange();
    },
  });
  onTestFinished(stop);
  clock.advance(SETTLED_MS);
  return { clock, stop, told: () => told };
}

describe("watching files", () => {
  it("asks once at the start: they may have changed since they were read", () => {
    const { told, clock } = watched([join(folderWith({ a: "1" }), "a")]);
    expect(told()).toBe(1);
    clock.advance(10 * LOOK_MS);
    expect(told()).toBe(1);
  });

  it.each([
    ["written in place", (folder: string) => writeFileSync(join(folder, "a"), "22")],
    [
      "renamed over, even with the same content",
      (folder: string) => {
        writeFileSync(join(folder, "new"), "1");
        renameSync(join(folder, "new"), join(folder, "a"));
      },
    ],
    ["removed", (folder: string) => rmSync(join(folder, "a"))],
  ])("sees a file that was %s, by looking alone", (_how, change) => {
    const folder = folderWith({ a: "1", b: "1" });
    const { told, clock } = watched([join(folder, "a"), join(folder, "b")]);
    change(folder);
    clock.advance(LOOK_MS + SETTLED_MS);
    expect(told()).toBe(2);
  });

  it("sees a symbolic link that leads elsewhere now, as Kubernetes changes what it mounts", () => {
    const folder = folderWith({});
    for (const version of ["1", "2"]) {
      mkdirSync(join(folder, version));
      writeFileSync(join(folder, version, "a"), "same");
    }
    symlinkSync("1", join(folder, "data"));
    symlinkSync(join("data", "a"), join(folder, "a"));
    const { told, clock } = watched([join(folder, "a")]);
    symlinkSync("2", join(folder, "data-new"));
    renameSync(join(folder, "data-new"), join(folder, "data"));
    clock.advance(LOOK_MS + SETTLED_MS);
    expect(told()).toBe(2);
  });

  it("takes many steps of one edit for one", () => {
    const folder = folderWith({ a: "1" });
    const { told, clock } = watched([join(folder, "a")]);
    writeFileSync(join(folder, "a"), "");
    clock.advance(LOOK_MS - SETTLED_MS);
    writeFileSync(join(folder, "a"), "the whole");
    clock.advance(SETTLED_MS);
    clock.advance(2 * LOOK_MS);
    expect(told()).toBe(2);
  });

  it("asks again after a change could not be taken over", async () => {
    const folder = folderWith({ a: "1" });
    let failing = true;
    const { told, clock } = watched([join(folder, "a")], async () => {
      if (failing) throw new Error("away");
    });
    await vi.waitFor(() => {
      clock.advance(LOOK_MS + SETTLED_MS);
      expect(told()).toBeGreaterThan(2);
    });
    failing = false;
    clock.advance(LOOK_MS + SETTLED_MS);
    await vi.waitFor(() => {
      const before = told();
      clock.advance(LOOK_MS + SETTLED_MS);
      expect(told()).toBe(before);
    });
  });

  it("is quick by the kernel's notice, long before it would look", async () => {
    const folder = folderWith({ a: "1" });
    const changed = new Promise<void>((resolve) => {
      let first = true;
      const stop = watchFiles([join(folder, "a")], {
        // Without its timer for looking, only the notice is left.
        clock: {
          ...systemClock,
          after: (delayMs, action) => (delayMs < LOOK_MS ? systemClock.after(delayMs, action) : () => {}),
        },
        log,
        onChange: async () => {
          if (first) writeFileSync(join(folder, "a"), "22");
          else resolve();
          first = false;
        },
      });
      onTestFinished(stop);
    });
    await changed;
  });

  it("does without the notice where a folder cannot be watched", () => {
    const { told, clock } = watched(["/nowhere/at/all/a"]);
    clock.advance(LOOK_MS + SETTLED_MS);
    expect(told()).toBe(1);
  });

  it("tells nothing any more once it is stopped", () => {
    const folder = folderWith({ a: "1" });
    const { told, clock, stop } = watched([join(folder, "a")]);
    writeFileSync(join(folder, "a"), "22");
    stop();
    clock.advance(10 * LOOK_MS);
    expect(told()).toBe(1);
  });
});
