import { expect, test } from "vitest";
import { systemClock } from "../../core/clock.ts";

test("the wall clock is the system's", () => {
  const before = Date.now();
  const now = systemClock.now();
  expect(before <= now && now <= Date.now()).toBe(true);
});

test("the monotonic clock never goes back", () => {
  const readings = Array.from({ length: 100 }, () => systemClock.monotonic());
  expect(readings).toEqual([...readings].sort((one, other) => one - other));
});

test("a timer calls once, and a cancelled one never", async () => {
  const called: string[] = [];
  const cancel = systemClock.after(1, () => called.push("cancelled"));
  systemClock.after(1, () => called.push("kept"));
  cancel();
  await new Promise<void>((resolve) => systemClock.after(5, resolve));
  expect(called).toEqual(["kept"]);
});

test("a waiting timer does not keep the process alive", async () => {
  const { execFileSync } = await import("node:child_process");
  const program = `import { systemClock } from "./dist/core/clock.js"; systemClock.after(600_000, () => {});`;
  expect(
    execFileSync(process.execPath, ["--input-type=module", "-e", program], { timeout: 15_000 }).toString(),
  ).toBe("");
});
