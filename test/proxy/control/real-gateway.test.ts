// Both sides of the channel as they are: what is played by hand in the files next to this one is a gateway here.
import { expect, it, onTestFinished } from "vitest";
import type { SessionId } from "../../../core/ids.ts";
import { ecKeyPairOf } from "../../../token-exchange/ec-key-pair.ts";
import { sessionId } from "../../support/assertion-fixture.ts";
import { startTestGateway } from "../../support/gateway-fixture.ts";
import { startDoor } from "./control-fixture.ts";
import { createInbox } from "./inbox.ts";

it("a gateway gets newer keys, leases for its sessions, and ends what it is told to", async () => {
  const gateway = await startTestGateway();
  onTestFinished(() => gateway.dispose());
  const client = await gateway.connect({ sid: sessionId("A") });
  const asked = createInbox<SessionId>();
  const door = startDoor([{ gateway: "cloud", endpoint: "cloud-1", url: gateway.running.url }], {
    clock: gateway.clock,
    trust: ecKeyPairOf(gateway.door.trust.privateKey),
    keySet: () => ({ number: 3, envelope: gateway.door.keySet({ number: 3 }) }),
    async aliveOf(sids) {
      for (const sid of sids) asked.put(sid);
      return new Set(sids);
    },
  });
  await door.log.first(({ msg }) => msg === "a gateway has accepted the key set");
  expect(door.channels.describe()).toEqual([
    {
      gateway: "cloud",
      endpoint: "cloud-1",
      state: "connected",
      since: gateway.clock.now(),
      keySetNumber: 3,
      clockOffsetMs: 0,
      turns: [],
    },
  ]);
  expect(await asked.at(0)).toBe(sessionId("A"));

  const end = { event: 9, sids: [sessionId("A")], agent: null, code: 1008, words: "signed out" } as const;
  door.channels.end({ ...end, sids: [...end.sids] });
  expect(await client.closed).toEqual({ code: 1008, reason: "signed out" });
});
