// A front door that is told to stop, with everything open that can be open, by a clock that the test moves.
import { once } from "node:events";
import type { Socket } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { ALICE, startTestFrontDoor } from "../support/front-door-fixture.ts";
import { createManualClock } from "../support/manual-clock.ts";
import { NOW } from "../support/provider-fixture.ts";
import { handshake, head, rawConnect, rawExchange } from "../support/raw-client.ts";
import { startRecorder, switching } from "../support/recorder-gateway.ts";

const STEP_MS = 100;

async function start(drain: string) {
  const gateway = await startRecorder();
  const clock = createManualClock(NOW);
  const door = await startTestFrontDoor({
    gateways: { cloud: { endpoints: { "cloud-1": gateway.url } } },
    config: { drain },
    clock,
  });
  onTestFinished(async () => {
    await door.close();
    await gateway.close();
  });
  const cookie = await door.signIn(ALICE);
  const own = [`Origin: ${door.publicUrl}`, `Cookie: ${cookie}`];
  const upgrade = head(...handshake("/agents/coder/ws", door.host, ...own));

  async function openSocket(): Promise<{ socket: Socket; all: Promise<Buffer> }> {
    const socket = await rawConnect(door.port, upgrade);
    onTestFinished(() => void socket.destroy());
    await once(socket, "data");
    return { socket, all: everything(socket) };
  }

  return {
    gateway,
    clock,
    door,
    openSocket,
    upgrade,
    get: (path: string, ...more: string[]) =>
      head(`GET ${path} HTTP/1.1`, `Host: ${door.host}`, ...own, ...more),
  };
}

async function everything(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  socket.on("error", () => socket.destroy());
  await once(socket, "close");
  return Buffer.concat(chunks);
}

/** Code and words of the close frame that is all that was sent. */
function closeOf(frame: Buffer): string {
  expect([frame[0], frame[1]]).toEqual([0x88, frame.length - 2]);
  return `${frame.readUInt16BE(2)} ${frame.subarray(4)}`;
}

it("says so to all who ask, lets a request finish, and closes WebSockets one by one with when to come back", async () => {
  const { gateway, clock, door, openSocket, upgrade, get } = await start("20s");
  const sockets = [await openSocket(), await openSocket(), await openSocket()];
  const closedInTurn: number[] = [];
  for (const [index, { all }] of sockets.entries()) void all.then(() => closedInTurn.push(index));
  gateway.answerWith((request) =>
    request.target.endsWith("/slow") ? "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\none" : switching(request),
  );
  const slow = await rawConnect(door.port, get("/agents/coder/slow"));
  let answer = String((await once(slow, "data"))[0]);
  slow.on("data", (chunk) => {
    answer += chunk;
  });

  const closing = door.running.close();
  expect(closeOf((await sockets[0]?.all) ?? Buffer.alloc(0))).toMatch(
    /^1012 the front door is restarting, come back in 2 s$/,
  );
  const [page, ready, alive, forwarded, upgraded] = await Promise.all([
    rawExchange(door.port, get("/", "Accept: text/html")),
    rawExchange(door.port, get("/readyz")),
    rawExchange(door.port, get("/healthz")),
    rawExchange(door.port, get("/agents/coder/x")),
    rawExchange(door.port, upgrade),
  ]);
  const told = (one: typeof page) => [
    one.status,
    one.headers.get("retry-after"),
    one.headers.get("connection"),
  ];
  expect([page, forwarded, upgraded].map(told)).toEqual([
    [503, "5", "close"],
    [503, "5", "close"],
    [503, "5", "close"],
  ]);
  expect([page.body.includes("The front door is restarting"), JSON.parse(upgraded.body).error.code]).toEqual([
    true,
    "stopping",
  ]);
  expect([ready.status, JSON.parse(ready.body).checks.process, alive.status]).toEqual([503, "stopping", 200]);
  expect(closedInTurn).toEqual([0]);

  clock.advance(STEP_MS);
  await sockets[1]?.all;
  clock.advance(STEP_MS);
  await sockets[2]?.all;
  expect(closedInTurn).toEqual([0, 1, 2]);

  // The one request under way is all that is waited for.
  clock.advance(STEP_MS);
  for (const socket of gateway.sockets) socket.write("two");
  await expect.poll(() => answer.endsWith("onetwo")).toBe(true);
  clock.advance(STEP_MS);
  await closing;
  const lines = (await door.auditLines()).filter(({ kind }) => kind === "connection_closed");
  expect(lines.map(({ reason, email, event }) => [reason, email, event])).toEqual(
    new Array(3).fill(["restarting", ALICE.email, null]),
  );
  const stopped = (await door.auditLines()).filter(({ code }) => code === "stopping");
  expect(stopped.map(({ path }) => path).sort()).toEqual(["/", "/agents/coder/ws", "/agents/coder/x"]);
  expect(answer).toMatch(/^HTTP\/1.1 200 OK\r\n/);
});

it("cuts a request that has not finished when the time is over", async () => {
  const { gateway, clock, door, get } = await start("1s");
  gateway.answerWith(() => "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\none");
  const slow = await rawConnect(door.port, get("/agents/coder/slow"));
  await once(slow, "data");
  const cut = everything(slow);
  const closing = door.running.close();
  clock.advance(1_000);
  expect(await cut).toEqual(Buffer.alloc(0));
  await closing;
});

it("without a drain time ends everything at once, also when it is told twice", async () => {
  const { door, openSocket } = await start("0s");
  const sockets = [await openSocket(), await openSocket()];
  await Promise.all([door.running.close(), door.running.close()]);
  for (const { all } of sockets)
    expect(closeOf(await all)).toBe("1012 the front door is restarting, come back in 1 s");
});
