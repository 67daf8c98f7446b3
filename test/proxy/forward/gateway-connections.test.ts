// Which connection a request goes over, and how often it is written to one.
import { once } from "node:events";
import type { Socket } from "node:net";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { err, ok } from "../../../core/result.ts";
import { AccessWatch } from "../../../proxy/forward/access-watch.ts";
import { head, rawConnect, rawExchange } from "../../support/raw-client.ts";
import { type RecorderGateway, startRecorder } from "../../support/recorder-gateway.ts";
import { tableOf } from "../policy-fixture.ts";
import { startDoor } from "./http-door.ts";
import { answerOf, startRawGateway } from "./raw-gateway.ts";

const GET = head("GET / HTTP/1.1", "Host: door.example");
const POST = `${head("POST / HTTP/1.1", "Host: door.example", "Content-Length: 2")}hi`;
const BODY = '{"ok":true}';

let gateway: RecorderGateway;

beforeEach(async () => {
  gateway = await startRecorder();
  return () => gateway.close();
});

const methods = () => gateway.requests.map(({ method }) => method);

describe("a connection to a gateway", () => {
  it("is used again", async () => {
    const door = await startDoor(gateway.url);
    for (let round = 0; round < 5; round += 1) expect((await rawExchange(door.port, GET)).body).toBe(BODY);
    expect([methods().length, gateway.sockets.size]).toEqual([5, 1]);
  });

  it("carries one exchange at a time: none waits behind another's stream", async () => {
    const door = await startDoor(gateway.url);
    gateway.answerWith(() => answerOf("200 OK", "Content-Type: text/event-stream"));
    const streams = 200;
    for (let index = 0; index < streams; index += 1) {
      const client = await rawConnect(door.port, GET);
      onTestFinished(() => void client.destroy());
      await once(client, "data");
    }
    gateway.answerWith(undefined);
    expect((await rawExchange(door.port, GET)).body).toBe(BODY);
    expect(gateway.sockets.size).toBe(streams + 1);
  });

  it("is given up when the client goes away in the middle, and the next request gets its own answer", async () => {
    const door = await startDoor(gateway.url);
    gateway.answerWith(() => `${answerOf("200 OK", "Content-Length: 99")}foreign`);
    const client = await rawConnect(door.port, GET);
    await once(client, "data");
    const [used] = [...gateway.sockets];
    const closed = once(used as Socket, "close");
    client.destroy();
    await closed;
    gateway.answerWith(undefined);
    expect((await rawExchange(door.port, GET)).body).toBe(BODY);
  });

  it("is kept when access ends before the request is written to it", async () => {
    const access = new AccessWatch();
    const onForwarded = (index: number) => {
      if (index === 0) access.end();
    };
    const door = await startDoor(gateway.url, { access, onForwarded });
    expect((await rawExchange(door.port, GET)).text).toContain("session_ended");
    await expect.poll(() => [...gateway.sockets].map(({ readyState }) => readyState)).toEqual(["open"]);
    expect(methods()).toEqual([]);
  });

  it("is closed when the routing table no longer names the endpoint", async () => {
    const other = await startRecorder();
    onTestFinished(() => other.close());
    const door = await startDoor(gateway.url);
    await rawExchange(door.port, GET);
    const [used] = [...gateway.sockets];
    const closed = once(used as Socket, "close");
    door.reroute(tableOf({ gateways: { cloud: { endpoints: { "cloud-1": other.url } } }, routes: [] }));
    // The table is looked at with the next request, whatever becomes of it.
    await rawExchange(door.port, GET);
    await closed;
  });
});

describe("a connection that the gateway has closed meanwhile", () => {
  it.each([
    ["GET", GET],
    ["POST", POST],
  ])("is replaced, and the %s is written once, to the new one", async (method, bytes) => {
    const door = await startDoor(gateway.url);
    await rawExchange(door.port, GET);
    for (const socket of gateway.sockets) socket.end();
    expect((await rawExchange(door.port, bytes)).body).toBe(BODY);
    expect(methods()).toEqual(["GET", method]);
  });

  it.each([
    ["GET", GET],
    ["POST", POST],
  ])("after the %s was written is a failure: no request is written twice", async (method, bytes) => {
    const door = await startDoor(gateway.url);
    await rawExchange(door.port, GET);
    gateway.answerWith(() => {
      for (const socket of gateway.sockets) socket.resetAndDestroy();
      return "";
    });
    await rawExchange(door.port, bytes);
    expect(await door.outcome(1)).toMatchObject(err({ code: "gateway_answer_invalid", gateway: "cloud" }));
    expect(methods()).toEqual(["GET", method]);
  });
});

it("S104: what a gateway says unasked on an idle connection is nobody's answer", async () => {
  const door = await startDoor(gateway.url);
  await rawExchange(door.port, GET);
  const [idle] = [...gateway.sockets];
  const closed = once(idle as Socket, "close");
  idle?.write(`${answerOf("200 OK", "Content-Length: 7")}FOREIGN`);
  // At once, with the next request on its way already.
  expect((await rawExchange(door.port, GET)).body).toBe(BODY);
  await closed;
  expect(await door.outcome(1)).toEqual(ok(undefined));
});

it("a gateway that nobody can connect to is told from one that hangs up", async () => {
  const hangsUp = await startRawGateway((socket) => void socket.destroy());
  const door = await startDoor(hangsUp.url);
  await rawExchange(door.port, GET);
  expect([(await door.outcome()).ok, door.health.reported]).toEqual([false, []]);
});
