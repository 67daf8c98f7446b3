import { describe, expect, it, test } from "vitest";
import {
  type LoginState,
  loginStateIn,
  newLoginState,
  restartsIn,
} from "../../../proxy/pages/login-state.ts";

const STATE: LoginState = {
  provider: "okta",
  returnTo: "/chat/coder",
  startedAt: 1_795_248_000_000,
  restarts: 1,
  id: "A".repeat(22),
};

function queryOf(...states: readonly unknown[]): string {
  const encoded = states.map((state) => `state=${Buffer.from(JSON.stringify(state)).toString("base64url")}`);
  return `?code=c&${encoded.join("&")}`;
}

describe("a login's state", () => {
  it("is another one each time", () => {
    const [one, other] = [newLoginState("okta", "/a", 7, 0), newLoginState("okta", "/a", 7, 0)];
    expect(one).toEqual({
      provider: "okta",
      returnTo: "/a",
      startedAt: 7,
      restarts: 0,
      id: expect.stringMatching(/^[\w-]{22}$/),
    });
    expect(one.id).not.toBe(other.id);
  });

  it("is read out of a callback's query, and nothing else with it", () => {
    expect(loginStateIn(queryOf(STATE))).toEqual(STATE);
    expect(loginStateIn(queryOf({ ...STATE, admin: true }))).toEqual(STATE);
  });

  test.each([
    ["nothing", ""],
    ["no state", "?code=c"],
    ["two states", queryOf(STATE, STATE)],
    ["an empty one", "?state="],
    ["text that is no JSON", "?state=abc"],
    ["null", queryOf(null)],
    ["a list", queryOf([STATE])],
    ["no provider", queryOf({ ...STATE, provider: undefined })],
    ["no address", queryOf({ ...STATE, returnTo: undefined })],
    ["an address that is no text", queryOf({ ...STATE, returnTo: ["/"] })],
    ["no time", queryOf({ ...STATE, startedAt: "now" })],
    ["no id", queryOf({ ...STATE, id: 1 })],
    ["too many restarts", queryOf({ ...STATE, restarts: 3 })],
    ["fewer than none", queryOf({ ...STATE, restarts: -1 })],
    ["half a restart", queryOf({ ...STATE, restarts: 0.5 })],
    ["a restart that is text", queryOf({ ...STATE, restarts: "1" })],
  ])("is not read from %s", (_what, query) => {
    expect(loginStateIn(query)).toBeUndefined();
  });
});

test.each([
  ["", 0],
  ["?restarts=0", 0],
  ["?restarts=1", 1],
  ["?restarts=2", 2],
  ["?restarts=3", 0],
  ["?restarts=-1", 0],
  ["?restarts=1.5", 0],
  ["?restarts=many", 0],
  ["?restarts=", 0],
])("a login asked for with %j was restarted %d times", (query, restarts) => {
  expect(restartsIn(query)).toBe(restarts);
});
