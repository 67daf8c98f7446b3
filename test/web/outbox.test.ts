import { beforeEach, describe, expect, it } from "vitest";
import type { Unsent } from "../../web/client/unsent.ts";
import { draftsOf } from "../../web/page/drafts.ts";
import { outboxOf } from "../../web/page/outbox.ts";
import { memoryStorage } from "./memory-storage.ts";

const ONE: Unsent = { sessionKey: "agent:coder:main", runId: "r1", text: "Hello?", refusal: null };
const TWO: Unsent = { sessionKey: "agent:coder:other", runId: "r2", text: "<b>\u0000", refusal: "Full." };

let storage: Storage;
beforeEach(() => {
  storage = memoryStorage();
});

describe("what no gateway has acknowledged", () => {
  it("is kept for each agent of each person, and no longer than it is unsent", () => {
    const outbox = outboxOf("coder", storage);
    outbox.keep("u_a", [ONE]);
    outbox.keep("u_a", [ONE, TWO]);
    expect(outboxOf("coder", storage).read("u_a")).toEqual([ONE, TWO]);
    expect(outboxOf("analyst", storage).read("u_a")).toEqual([]);
    outbox.keep("u_a", []);
    expect([outbox.read("u_a"), storage.length]).toEqual([[], 0]);
  });

  it("is gone when another person signs in, as drafts are", () => {
    outboxOf("coder", storage).keep("u_a", [ONE]);
    draftsOf("u_b", storage);
    expect(outboxOf("coder", storage).read("u_a")).toEqual([]);
  });

  it.each([
    "{",
    "null",
    "7",
    '{"a":1}',
    '[null,7,{"runId":"r1"},{"sessionKey":1,"runId":"r","text":"t","refusal":null},{"sessionKey":"k","runId":"r","text":"t"}]',
  ])("is nothing when what is kept has another form: %s", (kept) => {
    draftsOf("u_a", storage).keep("unsent coder", kept);
    expect(outboxOf("coder", storage).read("u_a")).toEqual([]);
  });
});
