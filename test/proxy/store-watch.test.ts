import { beforeEach, describe, expect, it, onTestFinished, test } from "vitest";
import { createLog } from "../../core/log.ts";
import { type Store, StoreUnavailable } from "../../core/store.ts";
import { watchStore } from "../../proxy/store-watch.ts";
import { ALICE, startTestFrontDoor } from "../support/front-door-fixture.ts";
import { createManualClock, type ManualClock } from "../support/manual-clock.ts";
import { handshake, head, rawConnect, rawExchange } from "../support/raw-client.ts";
import { startRecorder } from "../support/recorder-gateway.ts";

const ASK_MS = 5_000;
const answers = async () => 1;
const refuses = async () => {
  throw new StoreUnavailable(new Error("away"));
};
const hangs = () => new Promise<number>(() => {});

/** Until whatever was answered is heard. */
const heard = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

describe("a store that is watched", () => {
  let clock: ManualClock;
  let store: { lastEventNumber: () => Promise<number> };
  let silences: number;
  let lines: string[];
  let watch: ReturnType<typeof watchStore>;
  beforeEach(() => {
    clock = createManualClock(0);
    store = { lastEventNumber: answers };
    silences = 0;
    lines = [];
    watch = watchStore({
      store: { lastEventNumber: () => store.lastEventNumber() },
      onSilence() {
        silences += 1;
      },
      clock,
      log: createLog("test", "info", {
        write: (line) => void lines.push(`${JSON.parse(line).level} ${JSON.parse(line).msg}`),
      }),
    });
  });

  async function ask(times: number) {
    for (let time = 0; time < times; time += 1) {
      clock.advance(ASK_MS);
      await heard();
    }
    return [watch.state(), silences];
  }

  it("is nothing to speak of while it answers", async () => {
    expect(await ask(100)).toEqual(["ok", 0]);
    expect(lines).toEqual([]);
  });

  it.each([
    ["refuses", refuses],
    ["hangs", hangs],
  ])("that %s is away, and silent after half a minute, once", async (_how, away) => {
    await ask(1);
    store.lastEventNumber = away;
    expect(await ask(5)).toEqual(["does not answer", 0]);
    expect(await ask(1)).toEqual(["does not answer", 1]);
    expect(await ask(20)).toEqual(["does not answer", 1]);
    expect(lines).toEqual([
      "error the store does not answer: nobody new is let in",
      "error the store has not answered for half a minute: everything that is open ends",
    ]);
  });

  it("that comes back is there, and may fall silent anew", async () => {
    store.lastEventNumber = refuses;
    expect(await ask(6)).toEqual(["does not answer", 1]);
    store.lastEventNumber = answers;
    expect(await ask(1)).toEqual(["ok", 1]);
    expect(lines.at(-1)).toBe("info the store answers again");
    store.lastEventNumber = refuses;
    expect(await ask(6)).toEqual(["does not answer", 2]);
  });

  it("that comes back in time has ended nothing", async () => {
    store.lastEventNumber = hangs;
    await ask(5);
    store.lastEventNumber = answers;
    expect(await ask(10)).toEqual(["ok", 0]);
  });

  it("is not blamed for a process that was held up itself", async () => {
    clock.advance(3_600_000);
    await heard();
    expect([watch.state(), silences]).toEqual(["ok", 0]);
  });

  it("is asked no more when that is over", () => {
    watch.stop();
    expect(clock.pending()).toBe(0);
  });
});

test("a front door without its store is not ready, lets nobody in, and closes what is open after half a minute", async () => {
  const clock = createManualClock(Date.UTC(2026, 10, 21));
  const gateway = await startRecorder();
  let isAway = false;
  const wrapStore = (store: Store): Store => ({
    ...store,
    get: (key) => (isAway ? refuses() : store.get(key)) as ReturnType<Store["get"]>,
    lastEventNumber: () => (isAway ? refuses() : store.lastEventNumber()),
  });
  const door = await startTestFrontDoor({
    gateways: { cloud: { endpoints: { "cloud-1": gateway.url } } },
    clock,
    wrapStore,
  });
  onTestFinished(async () => {
    isAway = false;
    await door.close();
    await gateway.close();
  });
  const own = [`Host: ${door.host}`, `Origin: ${door.publicUrl}`, `Cookie: ${await door.signIn(ALICE)}`];
  const status = async (path: string) =>
    (await rawExchange(door.port, head(`GET ${path} HTTP/1.1`, ...own))).status;
  const upgrade = head(...handshake("/agents/coder/ws", door.host, ...own.slice(1)));
  const socket = await rawConnect(door.port, upgrade);
  const received: Buffer[] = [];
  socket.on("data", (chunk) => received.push(chunk));
  await expect.poll(() => String(Buffer.concat(received))).toMatch(/^HTTP\/1.1 101 /);
  received.length = 0;

  isAway = true;
  for (let time = 0; time < 5; time += 1) {
    clock.advance(ASK_MS);
    await heard();
  }
  expect(await status("/agents/coder/x")).toBe(503);
  const ready = await rawExchange(door.port, head("GET /readyz HTTP/1.1", ...own));
  expect([ready.status, JSON.parse(ready.body).checks.store]).toEqual([503, "does not answer"]);
  expect(received).toEqual([]);
  clock.advance(ASK_MS);
  const words = "the front door cannot check your session at the moment, try again";
  await expect
    .poll(() => Buffer.concat(received))
    .toEqual(Buffer.concat([Buffer.from([0x88, words.length + 2, 0x03, 0xf5]), Buffer.from(words)]));

  isAway = false;
  clock.advance(ASK_MS);
  await expect.poll(() => status("/agents/coder/x")).toBe(200);
});
