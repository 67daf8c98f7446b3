// Bodies without an end, and sides that do not keep up or fall silent.
import { once } from "node:events";
import type { Socket } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { err, ok } from "../../../core/result.ts";
import { createManualClock } from "../../support/manual-clock.ts";
import { head, rawConnect } from "../../support/raw-client.ts";
import { ANSWER_TIMEOUT_MS, IDLE_TIMEOUT_MS, startDoor } from "./http-door.ts";
import { answerOf, startRawGateway } from "./raw-gateway.ts";
import { collect } from "./socket-pair.ts";

const GET = head("GET / HTTP/1.1", "Host: door.example", "Connection: close");
const MIB = 1024 * 1024;
const LOOK_MS = 1_000;

/** A gateway whose side of the connection the test has in hand. */
async function startHeldGateway(first = "") {
  let hold = (_socket: Socket) => {};
  const held = new Promise<Socket>((resolve) => {
    hold = resolve;
  });
  const gateway = await startRawGateway((socket) => {
    if (first !== "") socket.write(first);
    hold(socket);
  });
  return { ...gateway, held };
}

/** Writes so many bytes, as fast as they are taken. */
function pour(socket: Socket, length: number) {
  const piece = Buffer.alloc(64 * 1024, "x");
  let poured = 0;
  const more = () => {
    while (poured < length) {
      poured += piece.length;
      if (!socket.write(piece)) return;
    }
    socket.off("drain", more);
  };
  socket.on("drain", more);
  more();
  return () => poured;
}

/** Once the number has stayed the same for a while: whoever makes it grow has been stopped. */
async function standstill(read: () => number): Promise<number> {
  for (let same = 0, before = -1; same < 10; same = read() === before ? same + 1 : 0) {
    before = read();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return read();
}

/** Counts what arrives from now on, in place of whoever read before. */
function counted(socket: Socket) {
  let count = 0;
  socket.removeAllListeners("data").on("data", (chunk) => {
    count += chunk.length;
  });
  return () => count;
}

describe("an event stream", () => {
  it("has its head passed on at once, before the first event", async () => {
    const gateway = await startHeldGateway(answerOf("200 OK", "Content-Type: text/event-stream"));
    const door = await startDoor(gateway.url);
    const client = await rawConnect(door.port, GET);
    const arrived = collect(client);
    while (!arrived.bytes().includes("\r\n\r\n")) await arrived.atLeast(arrived.bytes().length + 1);
    expect(arrived.bytes().toString()).toContain("content-type: text/event-stream\r\n");
    const socket = await gateway.held;
    for (const event of ["data: 1\n\n", "data: 2\n\n"]) {
      socket.write(event);
      while (!arrived.bytes().includes(event)) await arrived.atLeast(arrived.bytes().length + 1);
    }
    socket.end();
    expect(await arrived.over).toBe("end");
    expect(arrived.bytes().toString().endsWith("9\r\ndata: 2\n\n\r\n0\r\n\r\n")).toBe(true);
    expect(await door.outcome()).toEqual(ok(undefined));
  });

  it("may be silent for as long as idleTimeout says, and is then cut", async () => {
    const clock = createManualClock(0);
    const gateway = await startHeldGateway(answerOf("200 OK", "Content-Type: text/event-stream"));
    const door = await startDoor(gateway.url, { clock });
    const client = await rawConnect(door.port, GET);
    const arrived = collect(client);
    while (!arrived.bytes().includes("\r\n\r\n")) await arrived.atLeast(arrived.bytes().length + 1);
    clock.advance(IDLE_TIMEOUT_MS - 1);
    (await gateway.held).write("data: 1\n\n");
    while (!arrived.bytes().includes("data: 1")) await arrived.atLeast(arrived.bytes().length + 1);
    clock.advance(IDLE_TIMEOUT_MS - LOOK_MS);
    (await gateway.held).write("data: 2\n\n");
    while (!arrived.bytes().includes("data: 2")) await arrived.atLeast(arrived.bytes().length + 1);
    clock.advance(IDLE_TIMEOUT_MS + LOOK_MS);
    await Promise.all([arrived.over, gateway.closed]);
    expect(arrived.bytes().toString().endsWith("data: 2\n\n\r\n")).toBe(true);
    await door.outcome();
    clock.advance(LOOK_MS);
    expect(clock.pending()).toBe(0);
  });
});

describe("a side that falls silent", () => {
  it("is the gateway when its answer does not begin", async () => {
    const clock = createManualClock(0);
    const gateway = await startHeldGateway();
    const door = await startDoor(gateway.url, { clock });
    const client = await rawConnect(door.port, GET);
    const over = once(client.resume(), "close");
    await gateway.held;
    clock.advance(ANSWER_TIMEOUT_MS + LOOK_MS);
    await Promise.all([gateway.closed, over]);
    expect(await door.outcome()).toEqual(
      err({ code: "gateway_answer_invalid", gateway: "cloud", what: "silent for too long" }),
    );
  });

  it("is the client in the middle of its body", async () => {
    const clock = createManualClock(0);
    const gateway = await startHeldGateway();
    const door = await startDoor(gateway.url, { clock });
    const post = head("POST / HTTP/1.1", "Host: door.example", "Content-Length: 10");
    const client = await rawConnect(door.port, `${post}begun`);
    const over = once(client.resume(), "close");
    const received = counted(await gateway.held);
    for (const arrived of [1, 2, 3]) {
      clock.advance(IDLE_TIMEOUT_MS - LOOK_MS);
      client.write("+");
      await expect.poll(received).toBe(arrived);
    }
    clock.advance(IDLE_TIMEOUT_MS + LOOK_MS);
    await Promise.all([gateway.closed, over]);
    expect(await door.outcome()).toEqual(err({ code: "client_gone" }));
  });

  it("is the client when it does not read the rest of an answer that is complete", async () => {
    const clock = createManualClock(0);
    const gateway = await startHeldGateway();
    const door = await startDoor(gateway.url, { clock });
    const client = await rawConnect(door.port, GET);
    onTestFinished(() => void client.destroy());
    client.pause();
    const length = 16 * MIB;
    const socket = await gateway.held;
    socket.end(
      Buffer.concat([Buffer.from(answerOf("200 OK", `Content-Length: ${length}`)), Buffer.alloc(length)]),
    );
    await expect.poll(() => door.response().writableNeedDrain).toBe(true);
    clock.advance(IDLE_TIMEOUT_MS + LOOK_MS);
    expect(await door.outcome()).toEqual(ok(undefined));
    await gateway.closed;
  });
});

it("an exchange that is over is not looked at any more", async () => {
  const clock = createManualClock(0);
  const gateway = await startHeldGateway(`${answerOf("200 OK", "Content-Length: 2")}ok`);
  const door = await startDoor(gateway.url, { clock });
  const client = await rawConnect(door.port, GET);
  await once(client.resume(), "close");
  expect(await door.outcome()).toEqual(ok(undefined));
  // Until then its connection is kept for another one.
  clock.advance(5 * LOOK_MS);
  expect(clock.pending()).toBe(0);
});

describe("a side that does not keep up", () => {
  const length = 64 * MIB;

  it("holds the gateway back while the client does not read, and loses nothing", async () => {
    const gateway = await startHeldGateway(answerOf("200 OK", `Content-Length: ${length}`));
    const door = await startDoor(gateway.url);
    const client = await rawConnect(door.port, GET);
    const arrived = collect(client);
    const top = (await arrived.atLeast(1)).length;
    client.pause();
    const poured = pour(await gateway.held, length);
    expect(await standstill(poured)).toBeLessThan(length / 2);
    expect(door.response().writableLength).toBeLessThan(MIB);
    const received = counted(client);
    client.resume();
    expect(await arrived.over).toBe("end");
    expect(received() + arrived.bytes().length - top).toBe(length);
    expect(await door.outcome()).toEqual(ok(undefined));
  });

  it("holds the client back while the gateway does not read, and loses nothing", async () => {
    const gateway = await startHeldGateway();
    const door = await startDoor(gateway.url, { bodyLimit: length });
    const lines = ["POST / HTTP/1.1", "Host: door.example", `Content-Length: ${length}`, "Connection: close"];
    const client = await rawConnect(door.port, head(...lines));
    const poured = pour(client, length);
    const socket = await gateway.held;
    socket.pause();
    const begun = (await gateway.head).split("\r\n\r\n")[1]?.length ?? 0;
    const received = counted(socket);
    socket.pause();
    expect(await standstill(poured)).toBeLessThan(length / 2);
    socket.resume();
    await expect.poll(() => begun + received(), { timeout: 20_000 }).toBe(length);
    socket.write(answerOf("200 OK", "Content-Length: 0"));
    await once(client.resume(), "close");
    expect(await door.outcome()).toEqual(ok(undefined));
  });
});
