import { beforeEach, describe, expect, it } from "vitest";
import type { ProviderConfig } from "../../../config/provider.ts";
import type { Store } from "../../../core/store.ts";
import { readSnapshot, writeSnapshot } from "../../../proxy/policy/stored-snapshot.ts";
import { createManualClock, type ManualClock } from "../../support/manual-clock.ts";
import { createMemoryStore, type MemoryStore } from "../../support/memory-store.ts";
import { accessText, agentsOf, CONFIG, FIRST, startPolicy } from "./policy-fixture.ts";

const START = Date.UTC(2026, 10, 21, 14, 2);
let clock: ManualClock;
let store: MemoryStore;

beforeEach(() => {
  clock = createManualClock(START);
  store = createMemoryStore(clock);
});

const NOTHING_WRONG = { faults: [], needsRestart: [] };

describe("a reload", () => {
  it("of files that say the same changes nothing and tells nobody", async () => {
    const { reload, judged, lines } = await startPolicy(store, clock);
    clock.advance(60_000);
    expect(await reload.reload("command")).toEqual({
      snapshot: 1,
      since: START,
      changed: false,
      ...NOTHING_WRONG,
    });
    expect([judged, lines]).toEqual([
      [],
      [{ outcome: "allowed", reason: "policy snapshot 1, by start", event: 1 }],
    ]);
  });

  it("of other files puts the next snapshot in force before anything live is judged by it", async () => {
    const { inForce, reload, edit, judged, lines } = await startPolicy(store, clock);
    edit({ access: accessText("assistant") });
    clock.advance(60_000);
    expect(await reload.reload("files")).toEqual({
      snapshot: 2,
      since: START + 60_000,
      changed: true,
      ...NOTHING_WRONG,
    });
    expect(judged).toEqual([{ number: 2, agents: ["assistant"] }]);
    expect([inForce.current().number, inForce.required()]).toEqual([2, 2]);
    expect(lines.at(-1)).toEqual({ outcome: "allowed", reason: "policy snapshot 2, by files", event: 2 });
    expect(await readSnapshot(store)).toEqual({
      number: 2,
      at: START + 60_000,
      texts: { ...FIRST, access: accessText("assistant") },
    });
  });

  it("of a broken file keeps what runs, and names every fault until the file is whole again", async () => {
    const { inForce, reload, edit, judged, lines, faults } = await startPolicy(store, clock);
    edit({ access: accessText("assistent", "codar") });
    const refused = await reload.reload("signal");
    expect(refused).toMatchObject({ snapshot: 1, changed: false });
    expect(refused.faults).toEqual([expect.stringContaining("assistent"), expect.stringContaining("codar")]);
    expect([agentsOf(inForce.current()), judged, faults()]).toEqual([["assistant", "coder"], [], 1]);
    expect(lines.at(-1)).toEqual({
      outcome: "denied",
      reason: expect.stringMatching(/^2 faults, by signal: .*groups\.engineering\.agents\[0\]/),
      event: null,
    });
    edit({ access: FIRST.access });
    expect(await reload.reload("files")).toMatchObject({ snapshot: 1, changed: false, ...NOTHING_WRONG });
    expect(reload.state()).toEqual({ snapshot: 1, since: START, ...NOTHING_WRONG });
  });

  it("names keys of the front door's own file that need a restart, never their values", async () => {
    const { reload, editConfig } = await startPolicy(store, clock);
    editConfig({
      providers: { sso: { ...CONFIG.providers["sso"], clientSecret: "another secret" } as ProviderConfig },
      limits: { ...CONFIG.limits, sockets: 1 },
      encryptionKey: Buffer.alloc(32, 9),
    });
    const { needsRestart, ...state } = await reload.reload("files");
    expect(needsRestart).toEqual(["encryptionKey", "providers.sso.clientSecret", "limits.sockets"]);
    expect(state).toEqual({ snapshot: 1, since: START, changed: false, faults: [] });
  });

  it("waits for the one before, so that two at once are one change", async () => {
    const { reload, edit, judged } = await startPolicy(store, clock);
    edit({ access: accessText("coder") });
    const both = await Promise.all([reload.reload("files"), reload.reload("signal")]);
    expect(both.map(({ changed, snapshot }) => [changed, snapshot])).toEqual([
      [true, 2],
      [false, 2],
    ]);
    expect(judged).toEqual([{ number: 2, agents: ["coder"] }]);
  });

  it("rejects while the store is away, keeps what runs, and the next one does it", async () => {
    let away = false;
    const held: Store = {
      ...store,
      commit: (writes) => (away ? Promise.reject(new Error("away")) : store.commit(writes)),
    };
    const { inForce, reload, edit } = await startPolicy(held, clock);
    edit({ access: accessText("coder") });
    away = true;
    await expect(reload.reload("files")).rejects.toThrow("away");
    expect([inForce.current().number, reload.state().snapshot]).toEqual([1, 1]);
    away = false;
    expect(await reload.reload("files")).toMatchObject({ changed: true, snapshot: 2 });
  });
});

describe("a start", () => {
  it("keeps the number when the files say what the store says", async () => {
    await startPolicy(store, clock);
    const { inForce, lines } = await startPolicy(store, clock);
    expect([inForce.current().number, lines]).toEqual([1, []]);
  });

  it("makes another policy in the store give way to the files, as a new snapshot", async () => {
    await writeSnapshot(store, { ...FIRST, access: accessText() }, START - 1, () => {});
    const { inForce, reload } = await startPolicy(store, clock);
    expect([inForce.current().number, agentsOf(inForce.current())]).toEqual([2, ["assistant", "coder"]]);
    expect(reload.state()).toMatchObject({ snapshot: 2, since: START });
  });
});
