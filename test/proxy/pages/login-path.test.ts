import { expect, it } from "vitest";
import {
  callbackPath,
  type LoginTarget,
  loginPath,
  namedProvider,
  wantedPath,
} from "../../../proxy/pages/login-path.ts";
import { PUBLIC_URL, parsedRequest } from "../request-fixture.ts";

it.each<[LoginTarget, string]>([
  [{ returnTo: "/chat/coder?x=1&y" }, "/auth/login?return_to=%2Fchat%2Fcoder%3Fx%3D1%26y"],
  [{ returnTo: "/", provider: "okta" }, "/auth/login?return_to=%2F&provider=okta"],
  [{ returnTo: "/", provider: undefined, restarts: 2 }, "/auth/login?return_to=%2F&restarts=2"],
])("a login for %o is begun at %s, and is understood there", (target, path) => {
  expect(loginPath(target)).toBe(path);
  const request = parsedRequest({ path: "/auth/login", query: path.slice(path.indexOf("?")) });
  expect([wantedPath(request, PUBLIC_URL), namedProvider(request)]).toEqual([
    target.returnTo,
    target.provider,
  ]);
});

it("one of several providers has an address of its own to come back to", () => {
  expect([callbackPath("okta", false), callbackPath("okta", true)]).toEqual([
    "/auth/callback",
    "/auth/callback/okta",
  ]);
});
