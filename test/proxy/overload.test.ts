// What is past a limit, at the whole front door: 503 with when to come back, and the limit's name in the audit line alone.
import { once } from "node:events";
import type { Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { ALICE, BOB, startTestFrontDoor, type TestPerson } from "../support/front-door-fixture.ts";
import { handshake, head, type RawAnswer, rawConnect, rawExchange } from "../support/raw-client.ts";
import { startRecorder, switching } from "../support/recorder-gateway.ts";

async function start(limits: Record<string, number>, trustedProxies: string[] = []) {
  const gateway = await startRecorder();
  const door = await startTestFrontDoor({
    gateways: { cloud: { endpoints: { "cloud-1": gateway.url } } },
    access: {
      agents: { coder: { name: "Coder" } },
      groups: { engineering: { agents: ["coder"] }, finance: { agents: ["coder"] } },
    },
    config: { limits, trustedProxies },
  });
  onTestFinished(async () => {
    await door.close();
    await gateway.close();
  });
  const linesOf = async (person: TestPerson) => [
    `Origin: ${door.publicUrl}`,
    `Cookie: ${await door.signIn(person)}`,
  ];
  const [alice, bob] = [await linesOf(ALICE), await linesOf(BOB)];
  const own = new Map([
    [ALICE, alice],
    [BOB, bob],
  ]);
  return {
    gateway,
    door,
    upgrade: (person = ALICE, ...more: string[]) =>
      head(...handshake("/agents/coder/ws", door.host, ...(own.get(person) ?? []), ...more)),
    get: (path: string, person = ALICE, ...more: string[]) =>
      head(`GET ${path} HTTP/1.1`, `Host: ${door.host}`, ...(own.get(person) ?? []), ...more),
    /** Sends and waits for the answer's beginning, leaving the connection open. */
    async hold(bytes: string): Promise<Socket> {
      const socket = await rawConnect(door.port, bytes);
      onTestFinished(() => void socket.destroy());
      await once(socket, "data");
      return socket;
    },
    /** The exact reasons of the refusals in the audit log. */
    async refusals(): Promise<string[]> {
      const lines = await door.auditLines();
      return lines.flatMap(({ outcome, reason }) => (outcome === "denied" ? [reason] : []));
    },
  };
}

function told({ status, headers, body }: RawAnswer) {
  const { code, message } = JSON.parse(body).error;
  return [status, headers.get("retry-after"), headers.get("connection"), code, message];
}

const FULL = [
  503,
  "5",
  "close",
  "overloaded",
  "The front door is full. It has reached a limit. Try again soon.",
];

test("one person's requests past their limit are told so; others' and their WebSockets go on", async () => {
  const { gateway, door, get, upgrade, hold, refusals } = await start({ exchangesPerUser: 1 });
  gateway.answerWith((request) =>
    request.target.endsWith("/slow") ? "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\none" : switching(request),
  );
  const slow = await hold(get("/agents/coder/slow"));
  expect(told(await rawExchange(door.port, get("/agents/coder/x")))).toEqual(FULL);
  await hold(upgrade());
  await hold(get("/agents/coder/slow", BOB));
  slow.destroy();
  await expect.poll(refusals).toEqual(["overloaded what=limits.exchangesPerUser"]);
  await expect
    .poll(async () => String((await once(await rawConnect(door.port, get("/agents/coder/slow")), "data"))[0]))
    .toMatch(/^HTTP\/1.1 200/);
});

test("WebSockets past the limit for one person, and while too many are being opened", async () => {
  const { gateway, door, upgrade, hold, refusals } = await start({ socketsPerUser: 1, pendingUpgrades: 1 });
  const first = await hold(upgrade());
  expect(told(await rawExchange(door.port, upgrade()))).toEqual(FULL);
  await hold(upgrade(BOB));
  first.destroy();
  await expect.poll(refusals).toEqual(["overloaded what=limits.socketsPerUser"]);
  // A gateway that takes its time holds the one place there is for opening.
  gateway.answerWith(() => "");
  const opening = await rawConnect(door.port, upgrade());
  onTestFinished(() => void opening.destroy());
  await expect.poll(() => gateway.requests.length).toBe(3);
  expect(told(await rawExchange(door.port, upgrade(BOB)))).toEqual(FULL);
  await expect.poll(async () => (await refusals()).at(-1)).toBe("overloaded what=limits.pendingUpgrades");
});

test("WebSockets past the limit for one client address, as the trusted proxy names it", async () => {
  const { door, upgrade, hold, refusals } = await start({ socketsPerAddress: 1 }, ["127.0.0.1"]);
  await hold(upgrade(ALICE, "X-Forwarded-For: 2001:db8::1"));
  const neighbour = upgrade(BOB, "X-Forwarded-For: 2001:db8::2");
  expect(told(await rawExchange(door.port, neighbour))).toEqual(FULL);
  await hold(upgrade(BOB, "X-Forwarded-For: 2001:db8:0:1::2"));
  await expect.poll(refusals).toEqual(["overloaded what=limits.socketsPerAddress"]);
});

test("connections past the limit, a page's and an upgrade's", async () => {
  const { door, upgrade, get, hold, refusals } = await start({ connections: 1 });
  await hold(upgrade());
  expect(told(await rawExchange(door.port, upgrade()))).toEqual(FULL);
  const page = await rawExchange(door.port, get("/", ALICE, "Accept: text/html"));
  expect([
    page.status,
    page.headers.get("retry-after"),
    page.body.includes("The front door is full"),
  ]).toEqual([503, "5", true]);
  await expect
    .poll(refusals)
    .toEqual(["overloaded what=limits.connections", "overloaded what=limits.connections"]);
});
