import { expect, test } from "vitest";
import { httpTarget, methodFault, upgradeTarget } from "../../proxy/forward-target.ts";
import { parseTarget } from "../../proxy/request/path.ts";
import { parsedRequest } from "./request-fixture.ts";

function requestFor(target: string) {
  const parsed = parseTarget(target);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsedRequest(parsed.value);
}

const coder = { kind: "agent", agent: "coder" };
const first = { kind: "first" };

test.each([
  ["/agents/coder/ws", coder, undefined],
  ["/agents/coder/ws?x=1", coder, undefined],
  ["/%61gents/c%6fder/w%73", coder, undefined],
  ["/ws", first, undefined],
  ["/agents/coder/whoami", undefined, coder],
  ["/agents/coder/a/b/ws", undefined, coder],
  ["/agents/coder/ws/x", undefined, coder],
  ["/agents/coder/", undefined, undefined],
  ["/agents/coder", undefined, undefined],
  ["/agents/", undefined, undefined],
  ["/agents", undefined, undefined],
  ["/", undefined, undefined],
  ["/ws/", undefined, undefined],
  ["/WS", undefined, undefined],
  ["/Agents/coder/ws", undefined, undefined],
  ["/api/me", undefined, undefined],
  ["/chat/coder", undefined, undefined],
])("%s leads to %j as an upgrade and to %j as a plain request", (target, upgrade, http) => {
  expect(upgradeTarget(requestFor(target))).toEqual(upgrade);
  expect(httpTarget(requestFor(target))).toEqual(http);
});

test("what an agent is called in the path is not looked at here: deciding refuses it", () => {
  expect(upgradeTarget(requestFor("/agents/__proto__/ws"))).toEqual({ kind: "agent", agent: "__proto__" });
});

test.each(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])("%s is forwarded", (method) => {
  expect(methodFault(method)).toBeUndefined();
});

test.each(["TRACE", "CONNECT", "PROPFIND", "get", ""])("%j is not forwarded", (method) => {
  expect(methodFault(method)).toMatchObject({ code: "method_not_allowed", method });
});
