import { describe, expect, it } from "vitest";
import type { MeOutcome } from "../../web/client/ask-me.ts";
import type { ConnectionEnd } from "../../web/client/connection.ts";
import { needsReason, verdictOf } from "../../web/client/verdict.ts";
import { signedIn } from "./fake-gateway.ts";

const LOST: ConnectionEnd = { welcomed: true, code: 1006, reason: "", refusal: null };
const NOT_OPENED: ConnectionEnd = { ...LOST, welcomed: false };
const BY_POLICY: ConnectionEnd = { ...LOST, code: 1008, reason: "session ended" };

const WORDS = { message: "Words.", requestId: "r_1", contact: null };
const SIGNED_OUT: MeOutcome = { kind: "signed_out", refusal: WORDS };
const DENIED: MeOutcome = { kind: "denied", refusal: WORDS };
const AWAY: MeOutcome = { kind: "unavailable", refusal: WORDS, retryAfterMs: 7_000 };

async function signedInWith(...args: Parameters<typeof signedIn>): Promise<MeOutcome> {
  return { kind: "signed_in", me: await signedIn(...args)().json() };
}

const again = (message: string) => ({ kind: "reconnecting", message, notBeforeMs: 0 });
const down = (message: string) => ({ kind: "gateway_down", message, notBeforeMs: 0 });
const refused = (message: string) => ({
  kind: "refused",
  refusal: { message, requestId: null, contact: null },
});

describe("the verdict on a connection's end", () => {
  it("asks for a reason only where the close code does not give it", () => {
    expect(
      [LOST, { ...LOST, code: 1012 }, { ...LOST, code: 1013 }, NOT_OPENED, BY_POLICY].map(needsReason),
    ).toEqual([false, false, false, true, true]);
  });

  it.each([
    [LOST, "The connection was lost."],
    [{ ...LOST, code: 1012 }, "The gateway is restarting."],
    [{ ...LOST, code: 1013, reason: "gateway lost" }, "Gateway lost."],
    [{ ...LOST, code: 1009 }, "The gateway closed the connection because a message was too large."],
  ])("connects again after %o", (end, words) => {
    expect(verdictOf(end, null, "assistant")).toEqual(again(words));
  });

  it("tells a move from a restart", () => {
    expect(verdictOf({ ...LOST, code: 1012, reason: "your agent has moved" }, null, "assistant")).toEqual({
      kind: "moved",
      message: "Your agent has moved.",
      notBeforeMs: 0,
    });
  });

  it.each([
    ["restarting, come back in 7 s", 1012, 7_000],
    ["the gateway restarts, back in 45 seconds", 1012, 45_000],
    ["come back in 999 s", 1012, 120_000],
    ["come back in 1000 s", 1012, 0],
    ["come back soon", 1012, 0],
    ["come back in 7 s", 1013, 0],
  ])("waits as long as %j with %i asks for", (reason, code, notBeforeMs) => {
    expect(verdictOf({ ...LOST, code, reason }, null, "assistant")).toMatchObject({ notBeforeMs });
  });

  it("never connects again by itself after 1008, whoever answers", async () => {
    const answers = [null, AWAY, SIGNED_OUT, DENIED, await signedInWith("up")];
    expect(answers.map((me) => verdictOf(BY_POLICY, me, "assistant"))).toEqual([
      refused("Session ended."),
      refused("Session ended."),
      { kind: "signed_out", refusal: { ...WORDS, message: "Session ended." } },
      { kind: "refused", refusal: { ...WORDS, message: "Session ended." } },
      refused("Session ended."),
    ]);
    expect(verdictOf({ ...BY_POLICY, reason: "" }, null, "assistant")).toEqual(
      refused("The connection was ended by a policy."),
    );
  });

  it("tells why an upgrade was refused by what the front door says of me", async () => {
    expect(verdictOf(NOT_OPENED, SIGNED_OUT, "assistant")).toEqual({ kind: "signed_out", refusal: WORDS });
    expect(verdictOf(NOT_OPENED, DENIED, "assistant")).toEqual({ kind: "refused", refusal: WORDS });
    expect(verdictOf(NOT_OPENED, AWAY, "assistant")).toEqual({
      kind: "reconnecting",
      message: "Words.",
      notBeforeMs: 7_000,
    });
    expect(verdictOf(NOT_OPENED, await signedInWith("up", ["coder"]), "assistant")).toEqual(
      refused("This agent is not among yours."),
    );
    expect(verdictOf(NOT_OPENED, await signedInWith("down"), "assistant")).toEqual(
      down('The gateway "Cloud" is not answering.'),
    );
    expect(verdictOf(NOT_OPENED, await signedInWith("draining"), "assistant")).toEqual(
      down('The gateway "Cloud" is being taken down.'),
    );
    expect(verdictOf(NOT_OPENED, await signedInWith("up"), "assistant")).toEqual(
      again("The gateway could not be reached."),
    );
  });

  it("says that nobody serves an agent without a route", async () => {
    const me = await signedInWith("down");
    if (me.kind !== "signed_in") throw new Error("not signed in");
    const unrouted = { ...me.me, agents: me.me.agents.map((agent) => ({ ...agent, gateway: null })) };
    expect(verdictOf(NOT_OPENED, { kind: "signed_in", me: unrouted }, "assistant")).toEqual(
      down("No gateway serves this agent for you yet."),
    );
  });

  it("takes a refused `connect` at its word: again if it may be retried, else not", () => {
    const error = { code: "UNAVAILABLE", message: "Full." } as const;
    const end = { ...NOT_OPENED, code: 1008, refusal: error };
    expect(verdictOf(end, null, "assistant")).toEqual(refused("Full."));
    expect(verdictOf({ ...end, refusal: { ...error, retryable: true } }, null, "assistant")).toEqual(
      again("Full."),
    );
  });

  it("gives up when page and gateway speak different protocols", () => {
    const end = { ...NOT_OPENED, code: 1002, reason: "protocol mismatch" };
    expect(needsReason(end)).toBe(false);
    expect(verdictOf(end, null, "assistant")).toEqual(
      refused("This page is older or newer than the gateway. Reload it."),
    );
  });
});
