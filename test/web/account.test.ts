import { describe, expect, it } from "vitest";
import { type Account, watchAccount } from "../../web/chat/account.ts";
import type { ChatView } from "../../web/client/index.ts";
import { createManualTimers, settled } from "./manual-timers.ts";

const ALICE = {
  id: "u_a",
  name: "Alice Archer",
  email: "alice@example.com",
  provider: "Example Ltd",
  agents: [],
};
const BOB = { id: "u_b", name: "Bob Baker", email: null, provider: null, agents: [] };
const REFUSAL = { message: "Signed out.", requestId: null, contact: null };

type Seen = Pick<ChatView, "connection" | "userId">;
const connected = (userId: string): Seen => ({ connection: { kind: "connected" }, userId });
const connecting = (userId: string | null): Seen => ({ connection: { kind: "connecting" }, userId });

function setUp() {
  let who: Account | undefined = ALICE;
  let asked = 0;
  const shown: (Account | null)[] = [];
  const watch = watchAccount(
    {
      after: createManualTimers().after,
      fetch: async () => {
        asked += 1;
        if (who === undefined) throw new TypeError("network");
        return Response.json(who);
      },
    },
    (account) => void shown.push(account),
  );
  return {
    watch,
    shown,
    asked: () => asked,
    /** @param person undefined: nobody answers */
    signIn(person: Account | undefined) {
      who = person;
    },
  };
}

describe("who is signed in at a chat", () => {
  it("is asked once, before there is a connection", async () => {
    const { watch, shown, asked } = setUp();
    watch.start();
    watch.seen(connecting(null));
    await settled();
    watch.seen(connected("u_a"));
    watch.seen(connected("u_a"));
    expect([shown, asked()]).toEqual([[ALICE], 1]);
  });

  it("is nobody after a sign-out, and asked anew when the chat is connected again", async () => {
    const { watch, shown, signIn } = setUp();
    watch.start();
    await settled();
    watch.seen({ connection: { kind: "signed_out", refusal: REFUSAL }, userId: "u_a" });
    signIn(BOB);
    watch.seen(connecting("u_a"));
    watch.seen(connected("u_b"));
    await settled();
    expect(shown.map((account) => account?.id ?? null)).toEqual(["u_a", null, null, "u_b"]);
  });

  it("is shown as nobody rather than as the one before, when somebody else is connected", async () => {
    const { watch, shown, signIn } = setUp();
    watch.start();
    await settled();
    signIn(undefined);
    watch.seen(connected("u_b"));
    await settled();
    expect(shown.map((account) => account?.id ?? null)).toEqual(["u_a", null]);
  });

  it.each([
    ["somebody else is connected", connected("u_b"), "u_b"],
    ["they were signed out", { connection: { kind: "signed_out", refusal: REFUSAL }, userId: "u_a" }, null],
  ] as const)("is not the one whom the door named before %s", async (_when, view, last) => {
    const { watch, shown, signIn } = setUp();
    watch.start();
    signIn(BOB);
    watch.seen(view);
    await settled();
    expect(shown.map((account) => account?.id ?? null)).not.toContain("u_a");
    expect(shown.at(-1)?.id ?? null).toBe(last);
  });

  it("is asked anew when one person's connection is seen right after another's, as by a tab that was hidden", async () => {
    const { watch, shown, signIn } = setUp();
    watch.start();
    await settled();
    watch.seen(connected("u_a"));
    signIn(BOB);
    watch.seen(connected("u_b"));
    await settled();
    expect(shown).toEqual([ALICE, null, BOB]);
  });

  it("is nobody when the door names another than whom the chat is connected as", async () => {
    const { watch, shown } = setUp();
    watch.seen(connected("u_b"));
    await settled();
    expect(shown).toEqual([null]);
  });

  it("is asked again with the next connection when nobody answered", async () => {
    const { watch, shown, signIn } = setUp();
    signIn(undefined);
    watch.start();
    await settled();
    signIn(ALICE);
    watch.seen(connected("u_a"));
    await settled();
    expect(shown.at(-1)).toEqual(ALICE);
  });
});
