import { describe, expect, it, test } from "vitest";
import {
  type AccessEvent,
  closeOf,
  type EndReason,
  formatAccessEvent,
  parseAccessEvent,
  SESSION_ENDS,
} from "../../../proxy/live/access-event.ts";
import { sessionId } from "../../support/assertion-fixture.ts";

const EVENTS: readonly AccessEvent[] = [
  { kind: "sessions_ended", sids: [sessionId("A"), sessionId("B")], reason: "signed_out" },
  { kind: "groups_changed", sid: sessionId("A"), groups: ["staff,admins", "zoë"] },
  { kind: "policy_changed", snapshot: 7, at: 1_795_248_000_000 },
  { kind: "group_ended", group: "engineering" },
  { kind: "gateway_ended", gateway: "cloud", endpoint: null },
  { kind: "gateway_ended", gateway: "cloud", endpoint: "cloud-1" },
  { kind: "keys_replaced" },
];

describe("an access event", () => {
  it.each(EVENTS)("is read back as it was written: $kind", (event) => {
    expect(parseAccessEvent(formatAccessEvent(event))).toEqual({ v: 1, ...event });
  });

  it("has a fixed form in the log, which older and newer doors read", () => {
    const [event] = EVENTS;
    if (event === undefined) throw new Error("no event");
    expect(formatAccessEvent(event)).toBe(
      `{"v":1,"kind":"sessions_ended","sids":["s_${"A".repeat(22)}","s_${"B".repeat(22)}"],"reason":"signed_out"}`,
    );
  });

  test.each([
    "",
    "{",
    "null",
    "[]",
    "{}",
    '{"v":2,"kind":"keys_replaced"}',
    '{"kind":"keys_replaced"}',
    '{"v":1,"kind":"something_new"}',
    `{"v":1,"kind":"sessions_ended","sids":["s_short"],"reason":"signed_out"}`,
    `{"v":1,"kind":"sessions_ended","sids":["s_${"A".repeat(22)}"],"reason":"bored"}`,
    `{"v":1,"kind":"sessions_ended","sids":"s_${"A".repeat(22)}","reason":"signed_out"}`,
    `{"v":1,"kind":"groups_changed","sid":"s_${"A".repeat(22)}"}`,
    '{"v":1,"kind":"policy_changed","snapshot":0,"at":1}',
    '{"v":1,"kind":"group_ended"}',
    '{"v":1,"kind":"gateway_ended","gateway":"cloud"}',
  ])("of another form is unknown: %s", (payload) => {
    expect(parseAccessEvent(payload)).toBeUndefined();
  });
});

describe("the words of an end", () => {
  const AT = Date.UTC(2026, 10, 21, 14, 2, 59);
  const reasons: readonly EndReason[] = [
    ...SESSION_ENDS.map((code) => ({ code })),
    { code: "access_removed", agent: "a".repeat(120), at: AT },
    { code: "user_denied" },
    { code: "moved" },
    { code: "group_ended" },
    { code: "gateway_ended" },
    { code: "keys_replaced" },
    { code: "provider_silent" },
    { code: "too_many" },
    { code: "store_silent" },
    { code: "access_changed" },
    { code: "restarting", comeBackInSeconds: 999_999 },
  ];

  it.each(reasons)("fit into a close frame: $code", (reason) => {
    const { words } = closeOf(reason);
    expect(words).toMatch(/^[\x20-\x7e…]{10,}$/);
    expect(Buffer.byteLength(words)).toBeLessThanOrEqual(123);
  });

  it("say by the code whether to connect again", () => {
    expect(Object.fromEntries(reasons.map((reason) => [reason.code, closeOf(reason).code]))).toEqual({
      signed_out: 1008,
      ended_from_list: 1008,
      ended_others: 1008,
      provider_signed_out: 1008,
      provider_refused: 1008,
      provider_changed: 1008,
      session_expired: 1008,
      session_idle: 1008,
      ended_by_admin: 1008,
      access_removed: 1008,
      user_denied: 1008,
      group_ended: 1008,
      moved: 1012,
      gateway_ended: 1012,
      keys_replaced: 1012,
      access_changed: 1012,
      restarting: 1012,
      provider_silent: 1013,
      too_many: 1013,
      store_silent: 1013,
    });
  });

  it("name the agent and the minute of a removal", () => {
    const words = (agent: string) => closeOf({ code: "access_removed", agent, at: AT }).words;
    expect(words("Coder")).toBe("IT removed your access to Coder at 14:02 UTC");
    expect(words("a\u202eb")).toBe("IT removed your access to a[U+202E]b at 14:02 UTC");
    expect(words("👩".repeat(80))).toBe(`IT removed your access to ${"👩".repeat(20)}… at 14:02 UTC`);
  });
});
