import { afterAll, beforeAll, describe, expect, it, onTestFinished, test } from "vitest";
import { systemClock } from "../../core/clock.ts";
import { createLog } from "../../core/log.ts";
import { watchLoopDelay } from "../../proxy/loop-delay.ts";
import { ALICE, type FrontDoorFixture, startTestFrontDoor } from "../support/front-door-fixture.ts";
import { createManualClock } from "../support/manual-clock.ts";
import { handshake, head, rawConnect, rawExchange } from "../support/raw-client.ts";
import { type RecorderGateway, startRecorder } from "../support/recorder-gateway.ts";

const STEP_MS = 100;

/** A clock by hand whose timers come late, as those of a loop that is held up. */
function createLateClock(startMs: number) {
  const manual = createManualClock(startMs);
  let heldUpMs = 0;
  return {
    ...manual,
    monotonic: () => manual.monotonic() + heldUpMs,
    holdUp(ms: number) {
      heldUpMs += ms;
      manual.advance(STEP_MS);
    },
  };
}

test("a delay past the limit counts until a second has gone without one", () => {
  const clock = createLateClock(0);
  const lines: { level: string; msg: string }[] = [];
  const log = createLog("test", "info", { write: (line) => void lines.push(JSON.parse(line)) });
  const delay = watchLoopDelay(2_000, { clock, log });
  const seen: boolean[] = [];
  const then = (wait: () => void) => {
    wait();
    seen.push(delay.isTooLong());
  };
  then(() => clock.advance(1_000));
  then(() => clock.holdUp(2_000));
  then(() => clock.holdUp(2_001));
  then(() => clock.advance(900));
  then(() => clock.holdUp(5_000));
  then(() => clock.advance(999));
  then(() => clock.advance(1));
  expect(seen).toEqual([false, false, true, true, true, true, false]);
  expect(lines.map(({ level, msg }) => `${level} ${msg}`)).toEqual([
    "warn late with everything: new work is answered 503",
    "info in time again",
  ]);
  delay.stop();
  expect(clock.pending()).toBe(0);
});

test("is noticed of a real loop", async () => {
  const delay = watchLoopDelay(150, { clock: systemClock, log: createLog("test", "silent") });
  onTestFinished(delay.stop);
  // Nothing of this process goes on meanwhile.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
  await expect.poll(delay.isTooLong, { interval: 10 }).toBe(true);
  await expect.poll(delay.isTooLong, { timeout: 20_000 }).toBe(false);
});

describe("a front door that is late", () => {
  const clock = createLateClock(Date.UTC(2026, 10, 21));
  let gateway: RecorderGateway;
  let door: FrontDoorFixture;
  let own: readonly string[];
  beforeAll(async () => {
    gateway = await startRecorder();
    door = await startTestFrontDoor({
      gateways: { cloud: { endpoints: { "cloud-1": gateway.url } } },
      config: { limits: { loopDelay: "2s" } },
      clock,
    });
    own = [`Host: ${door.host}`, `Origin: ${door.publicUrl}`, `Cookie: ${await door.signIn(ALICE)}`];
  });
  afterAll(async () => {
    await door.close();
    await gateway.close();
  });

  const ask = (path: string) => rawExchange(door.port, head(`GET ${path} HTTP/1.1`, ...own));
  const upgrade = (path: string) => head(...handshake(path, door.host, ...own.slice(1)));
  it("takes on nothing new, says when to come back, and lets go on what is open", async () => {
    const socket = await rawConnect(door.port, upgrade("/agents/coder/ws"));
    onTestFinished(() => void socket.destroy());
    await new Promise((resolve) => socket.once("data", resolve));
    const asked = gateway.requests.length;
    clock.holdUp(2_001);
    const refused = [
      await ask("/agents/coder/x"),
      await ask("/api/me"),
      await rawExchange(door.port, upgrade("/agents/coder/ws")),
    ];
    for (const answer of refused)
      expect([answer.status, answer.headers.get("retry-after"), JSON.parse(answer.body).error.code]).toEqual([
        503,
        "5",
        "overloaded",
      ]);
    expect((await ask("/healthz")).status).toBe(200);
    expect(JSON.parse((await ask("/readyz")).body).checks.process).toBe("ok");
    socket.write(Buffer.from([0x81, 0x80, 1, 2, 3, 4]));
    await expect.poll(() => gateway.received().toString("hex")).toBe("818001020304");
    expect(gateway.requests.length).toBe(asked);
    clock.advance(1_000);
    expect((await ask("/api/me")).status).toBe(200);
    expect((await ask("/agents/coder/x")).status).toBe(200);
  });
});
