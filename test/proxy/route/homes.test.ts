import { describe, expect, it } from "vitest";
import type { Store } from "../../../core/store.ts";
import { createHomes } from "../../../proxy/route/homes.ts";
import { rendezvous } from "../../../proxy/route/rendezvous.ts";
import { verifiedAlice } from "../../support/identity-fixture.ts";
import { createManualClock } from "../../support/manual-clock.ts";
import { createMemoryStore, type MemoryStore } from "../../support/memory-store.ts";
import { NOW } from "../../support/provider-fixture.ts";
import { gatewayOf, tableOf } from "../policy-fixture.ts";

const ALICE = verifiedAlice().userId;
const KEY = `home/${ALICE}/cloud`;

function pool(...ids: readonly string[]) {
  const endpoints = Object.fromEntries(ids.map((id) => [id, `http://10.0.0.1:${ids.indexOf(id) + 1}`]));
  const gateway = gatewayOf(
    tableOf({ gateways: { cloud: { endpoints: { first: "http://10.0.0.9:1" } } }, routes: [] }),
    "cloud",
  );
  if (ids.length === 0) return { ...gateway, endpoints: [] };
  return gatewayOf(tableOf({ gateways: { cloud: { endpoints } }, routes: [] }), "cloud");
}

const THREE = pool("cloud-1", "cloud-2", "cloud-3");
const HOME = rendezvous(ALICE, THREE.endpoints);
if (HOME === undefined) throw new Error("a pool of three has a home");
const OTHERS = THREE.endpoints.filter((endpoint) => endpoint !== HOME).map(({ id }) => id);

function createStore(): MemoryStore {
  return createMemoryStore(createManualClock(NOW));
}

describe("a person's home", () => {
  it("is chosen at first use and stored for good", async () => {
    const store = createStore();
    expect(await createHomes(store).settle(ALICE, THREE)).toEqual(HOME);
    expect(await store.get(KEY)).toEqual({ value: HOME.id, version: 1, expiresAt: null });
  });

  it("is told without being stored, until there is a use", async () => {
    const store = createStore();
    const homes = createHomes(store);
    expect(await homes.of(ALICE, THREE)).toEqual(HOME);
    expect(await store.list("")).toEqual([]);
    const [small = ""] = OTHERS;
    await homes.settle(ALICE, pool(small));
    expect(await homes.of(ALICE, THREE)).toMatchObject({ id: small });
    expect(await homes.of(ALICE, pool(HOME.id))).toMatchObject({ id: HOME.id });
    expect(await store.get(KEY)).toEqual({ value: small, version: 1, expiresAt: null });
  });

  it("stays what it was when the pool grows", async () => {
    const store = createStore();
    const [small = ""] = OTHERS;
    await createHomes(store).settle(ALICE, pool(small));
    expect(await createHomes(store).settle(ALICE, THREE)).toMatchObject({ id: small });
    expect((await store.get(KEY))?.version).toBe(1);
  });

  it("is chosen anew when its endpoint was taken out of the table", async () => {
    const store = createStore();
    const homes = createHomes(store);
    await homes.settle(ALICE, THREE);
    const left = pool(...OTHERS);
    const next = await homes.settle(ALICE, left);
    expect(next).toEqual(rendezvous(ALICE, left.endpoints));
    expect(await store.get(KEY)).toEqual({ value: next?.id, version: 2, expiresAt: null });
  });

  it("is in each pool another matter", async () => {
    const store = createStore();
    const homes = createHomes(store);
    await homes.settle(ALICE, THREE);
    const berlin = tableOf({
      gateways: { berlin: { endpoints: { "berlin-1": "https://10.8.0.7:1" } } },
      routes: [],
    });
    await homes.settle(ALICE, gatewayOf(berlin, "berlin"));
    expect((await store.list(`home/${ALICE}/`)).map(({ key, value }) => [key, value])).toEqual([
      [`home/${ALICE}/berlin`, "berlin-1"],
      [KEY, HOME.id],
    ]);
  });

  it("is nowhere in a pool without endpoints, and nothing is stored", async () => {
    const store = createStore();
    expect(await createHomes(store).settle(ALICE, pool())).toBeUndefined();
    expect(await store.list("")).toEqual([]);
  });
});

describe("two first uses at once", () => {
  it("agree on one home, and one of them is stored", async () => {
    const store = createStore();
    const homes = createHomes(store);
    expect(await Promise.all([homes.settle(ALICE, THREE), homes.settle(ALICE, THREE)])).toEqual([HOME, HOME]);
    expect((await store.get(KEY))?.version).toBe(1);
  });

  it("follow the first one, whose choice counts even if this one's would be another", async () => {
    const memory = createStore();
    const [winner = ""] = OTHERS;
    const store: Store = {
      ...memory,
      async commit(writes) {
        await memory.commit([{ kind: "put", key: KEY, value: winner, expiresAt: null }]);
        return memory.commit(writes);
      },
    };
    expect(await createHomes(store).settle(ALICE, THREE)).toMatchObject({ id: winner });
    expect((await memory.get(KEY))?.value).toBe(winner);
  });

  it("have no home here when the first one chose an endpoint that is not in this table", async () => {
    const memory = createStore();
    const store: Store = {
      ...memory,
      async commit(writes) {
        await memory.commit([{ kind: "put", key: KEY, value: "cloud-9", expiresAt: null }]);
        return memory.commit(writes);
      },
    };
    expect(await createHomes(store).settle(ALICE, THREE)).toBeUndefined();
  });
});
