import { describe, expect, it } from "vitest";
import { sessionId } from "../../support/assertion-fixture.ts";
import {
  FIRST_REDIAL_MS,
  newGateway,
  placeOf,
  START,
  startDoor,
  startMute,
  tableOf,
} from "./control-fixture.ts";

const END = { event: 3, agent: null, code: 1012, words: "connect again" } as const;

describe("control channels", () => {
  it("are dialled to every endpoint of the table, each by its own name", async () => {
    const gateways = await Promise.all([
      newGateway("cloud-1"),
      newGateway("cloud-2"),
      newGateway("berlin-1", "berlin"),
    ]);
    const door = startDoor(gateways);
    for (const gateway of gateways) {
      const channel = await gateway.channels.at(0);
      expect(channel.ticket.claims["aud"]).toBe(`${gateway.gateway}/${gateway.endpoint}`);
      await channel.greet();
    }
    expect(
      door.channels.describe().map(({ gateway, endpoint, state }) => `${gateway}/${endpoint} ${state}`),
    ).toEqual(["cloud/cloud-1 connected", "cloud/cloud-2 connected", "berlin/berlin-1 connected"]);
  });

  it("tell the end of access to every endpoint, in as many frames as the sessions need", async () => {
    const gateways = await Promise.all([newGateway("cloud-1"), newGateway("berlin-1", "berlin")]);
    const door = startDoor(gateways);
    const open = await Promise.all(gateways.map((gateway) => gateway.channels.at(0)));
    await Promise.all(open.map((channel) => channel.greet()));
    const sids = Array.from({ length: 10_001 }, (_, index) => sessionId(index < 10_000 ? "A" : "B"));
    door.channels.end({ ...END, sids });
    for (const channel of open) {
      await channel.frame("end", (frame) => frame.sids[0] === sessionId("B"));
      expect(channel.all("end")).toEqual([
        { type: "end", ...END, sids: sids.slice(0, 10_000) },
        { type: "end", ...END, sids: [sessionId("B")] },
      ]);
    }
  });

  it("follow the table: a new endpoint is dialled, a vanished one closed, the others stay", async () => {
    const [first, second, third] = [
      await newGateway("cloud-1"),
      await newGateway("cloud-2"),
      await newGateway("cloud-3"),
    ];
    const door = startDoor([first, second]);
    const [stays, goes] = [await first.channels.at(0), await second.channels.at(0)];
    await Promise.all([stays.greet(), goes.greet()]);
    door.routing.table = tableOf([first, third]);
    door.channels.sync();
    expect(await goes.closed).toBe(1001);
    await (await third.channels.at(0)).greet();
    await stays.settled();
    expect(first.channels.items).toHaveLength(1);
    expect(door.channels.describe().map(({ endpoint, state }) => [endpoint, state])).toEqual([
      ["cloud-1", "connected"],
      ["cloud-3", "connected"],
    ]);
    door.clock.advance(10_000);
    await stays.settled();
    expect(second.requests.items).toHaveLength(1);
  });

  it("of an endpoint that has moved are dialled at its new address, and closed at the old one", async () => {
    const [old, moved] = [await newGateway(), await newGateway()];
    const door = startDoor([old]);
    const before = await old.channels.at(0);
    await before.greet();
    moved.key = old.key;
    door.routing.table = tableOf([moved]);
    door.channels.sync();
    expect(await before.closed).toBe(1001);
    await (await moved.channels.at(0)).greet();
    expect(door.audit.items.at(-1)?.reason).toBe("opened");
  });

  it("say of an address whether its channel is open", async () => {
    const gateway = await newGateway();
    const door = startDoor([gateway]);
    const { endpoint } = placeOf(gateway.url);
    expect(door.channels.stateOf(endpoint)).toBe("away");
    const channel = await gateway.channels.at(0);
    await channel.greet();
    expect(door.channels.stateOf(endpoint)).toBe("connected");
    expect(door.channels.stateOf(placeOf("http://127.0.0.1:9").endpoint)).toBe("away");
    channel.socket.terminate();
    await door.clock.armed(FIRST_REDIAL_MS);
    expect(door.channels.stateOf(endpoint)).toBe("away");
  });

  it("say of an address whether its gateway takes no new work, for as long as it is there", async () => {
    const gateway = await newGateway();
    const door = startDoor([gateway]);
    const { endpoint } = placeOf(gateway.url);
    const channel = await gateway.channels.at(0);
    await channel.greet();
    expect(door.channels.isDraining(endpoint)).toBe(false);
    channel.send({ type: "draining" });
    channel.send({ type: "draining" });
    await channel.settled();
    expect(door.channels.isDraining(endpoint)).toBe(true);
    expect(door.channels.isDraining(placeOf("http://127.0.0.1:9").endpoint)).toBe(false);
    expect(door.log.items.filter(({ msg }) => String(msg).includes("takes no new work"))).toHaveLength(1);
    channel.socket.terminate();
    await door.clock.armed(FIRST_REDIAL_MS);
    expect(door.channels.isDraining(endpoint)).toBe(false);
    door.clock.advance(FIRST_REDIAL_MS);
    await (await gateway.channels.at(1)).greet();
    expect(door.channels.isDraining(endpoint)).toBe(false);
  });

  it("count as away at an address of two gateways, of which it can be only one", async () => {
    const gateway = await newGateway();
    const door = startDoor([gateway, { ...gateway, gateway: "berlin", endpoint: "berlin-1" }]);
    const both = await Promise.all([gateway.channels.at(0), gateway.channels.at(1)]);
    const own = both.find(({ ticket }) => ticket.claims["aud"] === "cloud/cloud-1");
    await own?.greet();
    expect(door.channels.stateOf(placeOf(gateway.url).endpoint)).toBe("away");
  });

  it("closed for good are closed with 1001 and never dialled again", async () => {
    const gateway = await newGateway();
    const door = startDoor([gateway]);
    const channel = await gateway.channels.at(0);
    await channel.greet();
    await door.channels.close();
    expect(await channel.closed).toBe(1001);
    door.channels.sync();
    door.channels.end({ ...END, sids: "all" });
    expect(door.channels.describe()).toEqual([]);
    expect(door.clock.pending()).toBe(0);
    expect(door.log.items.map(({ msg }) => msg)).toEqual(["control channel is open"]);
  });

  it("closed while they wait to be dialled are not dialled", async () => {
    const gateway = await newGateway();
    gateway.refuseWith("HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n");
    const door = startDoor([gateway]);
    await door.clock.armed(FIRST_REDIAL_MS);
    await door.channels.close();
    expect(door.clock.pending()).toBe(0);
  });

  it("closed while they are dialled hang up", async () => {
    const mute = await startMute();
    const door = startDoor([{ ...(await newGateway()), url: mute.url }]);
    await mute.sockets.at(0);
    await door.channels.close();
    expect(door.log.items).toEqual([]);
    expect(door.clock.pending()).toBe(0);
  });

  it("closed at a gateway that does not answer the close frame are cut after a second", async () => {
    const gateway = await newGateway();
    const door = startDoor([gateway]);
    const channel = await gateway.channels.at(0);
    await channel.greet();
    channel.socket.pause();
    const closed = door.channels.close();
    await door.clock.armed(1_000);
    door.clock.advance(1_000);
    await closed;
    expect(door.clock.now()).toBe(START + 1_000);
  });
});
