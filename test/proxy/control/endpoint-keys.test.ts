import { expect, it } from "vitest";
import type { Store } from "../../../core/store.ts";
import { createEndpointKeys } from "../../../proxy/control/endpoint-keys.ts";
import { createManualClock } from "../../support/manual-clock.ts";
import { createMemoryStore } from "../../support/memory-store.ts";
import { placeOf } from "./control-fixture.ts";

const place = placeOf();

it("remembers the first key, and knows it again after a restart", async () => {
  const store = createMemoryStore(createManualClock(0));
  expect(await createEndpointKeys(store).check(place, "one")).toEqual({ ok: true, value: "first_contact" });
  expect(await createEndpointKeys(store).check(place, "one")).toEqual({ ok: true, value: "known" });
  expect((await store.list("")).map(({ key, value }) => [key, value])).toEqual([
    ["endpoint-key/cloud/cloud-1", "one"],
  ]);
});

it("refuses another key and goes on remembering the first", async () => {
  const keys = createEndpointKeys(createMemoryStore(createManualClock(0)));
  await keys.check(place, "one");
  expect(await keys.check(place, "two")).toEqual({ ok: false, error: "one" });
  expect(await keys.check(place, "one")).toEqual({ ok: true, value: "known" });
});

it("keeps endpoints apart, also those of one name at two gateways", async () => {
  const keys = createEndpointKeys(createMemoryStore(createManualClock(0)));
  await keys.check(place, "one");
  const berlin = placeOf(undefined, "berlin", "cloud-1");
  expect(await keys.check(berlin, "two")).toEqual({ ok: true, value: "first_contact" });
});

it("lets one of two replicas that meet an endpoint at the same moment remember its key", async () => {
  const inner = createMemoryStore(createManualClock(0));
  const other = createEndpointKeys(inner);
  let met = false;
  const store: Store = {
    ...inner,
    async commit(writes) {
      if (!met) {
        met = true;
        await other.check(place, "first");
      }
      return await inner.commit(writes);
    },
  };
  expect(await createEndpointKeys(store).check(place, "second")).toEqual({ ok: false, error: "first" });
});
