// A policy that changes while somebody is being admitted: the store holds the admission between deciding and
// settling, the edit happens, and the admission goes on.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Store } from "../../../core/store.ts";
import {
  ACCESS,
  ALICE,
  type FrontDoorFixture,
  startTestFrontDoor,
} from "../../support/front-door-fixture.ts";
import { handshake, head, type RawAnswer, rawExchange } from "../../support/raw-client.ts";
import { type RecorderGateway, startRecorder } from "../../support/recorder-gateway.ts";

let cloud: RecorderGateway;
let berlin: RecorderGateway;
let door: FrontDoorFixture;
let holds: Hold[];

type Hold = { readonly reached: Promise<void>; release(): void; hold(): Promise<void> };

/** The next `count` routings wait, each until it is released. */
function holdNext(count: number): readonly Hold[] {
  holds = Array.from({ length: count }, newHold);
  return [...holds];
}

function newHold(): Hold {
  let reach = () => {};
  let release = () => {};
  const reached = new Promise<void>((resolve) => {
    reach = resolve;
  });
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  return {
    reached,
    release,
    hold() {
      reach();
      return released;
    },
  };
}

const holding = (store: Store): Store => ({
  ...store,
  async get(key) {
    // What routing asks for: deciding is done by then, settling is not.
    if (key.startsWith("home/")) await holds.shift()?.hold();
    return store.get(key);
  },
});

beforeEach(async () => {
  holds = [];
  [cloud, berlin] = await Promise.all([startRecorder(), startRecorder()]);
  door = await startTestFrontDoor({
    gateways: {
      cloud: { endpoints: { "cloud-1": cloud.url } },
      berlin: { endpoints: { "berlin-1": berlin.url } },
    },
    wrapStore: holding,
  });
});
afterEach(async () => {
  await door.close();
  await Promise.all([cloud.close(), berlin.close()]);
});

async function upgrade(): Promise<RawAnswer> {
  const cookie = `Cookie: ${await door.signIn(ALICE)}`;
  const lines = handshake("/agents/coder/ws", door.host, cookie, `Origin: ${door.publicUrl}`);
  return rawExchange(door.port, head(...lines));
}

const withCoderFor = (...agents: readonly string[]) => ({
  access: { ...ACCESS, groups: { engineering: { agents: [...agents] } } },
});

describe("an admission that a policy change overtakes", () => {
  it("is decided again, and refused when the change takes it away", async () => {
    const [first] = holdNext(1);
    const answer = upgrade();
    await first?.reached;
    await door.editPolicy(withCoderFor("assistant"));
    first?.release();
    const { status, body } = await answer;
    expect([status, JSON.parse(body).error.code]).toEqual([403, "agent_not_allowed"]);
    expect(cloud.requests).toEqual([]);
  });

  it("is routed again, and reaches only the gateway of the new routes", async () => {
    const [first] = holdNext(1);
    const answer = upgrade();
    await first?.reached;
    await door.editPolicy({ routes: [{ to: "berlin" }] });
    first?.release();
    expect((await answer).status).toBe(101);
    expect([cloud.requests.length, berlin.requests.length]).toEqual([0, 1]);
  });

  it("goes on when the change does not concern it", async () => {
    const [first] = holdNext(1);
    const answer = upgrade();
    await first?.reached;
    await door.editPolicy(withCoderFor("coder"));
    first?.release();
    expect([(await answer).status, cloud.requests.length]).toEqual([101, 1]);
  });

  it("is refused when the policy changes faster than anybody can be admitted", async () => {
    const all = holdNext(3);
    const answer = upgrade();
    for (const [index, { reached, release }] of all.entries()) {
      await reached;
      await door.editPolicy(withCoderFor("coder", ...(index % 2 === 0 ? ["assistant", "analyst"] : [])));
      release();
    }
    const { status, body } = await answer;
    expect([status, JSON.parse(body).error.code]).toEqual([403, "access_changed"]);
    expect(cloud.requests).toEqual([]);
  });
});
