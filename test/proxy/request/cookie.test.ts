import { describe, expect, test } from "vitest";
import { readSessionCookie, sessionCookieName } from "../../../proxy/request/cookie.ts";
import { COOKIE_NAME, HANDLE } from "../request-fixture.ts";

test("the cookie is bound to the host wherever browsers can do that", () => {
  expect(sessionCookieName("https://agents.example.com")).toBe("__Host-gatehouse");
  expect(sessionCookieName("http://localhost:8080")).toBe("gatehouse");
});

describe("the session cookie", () => {
  const session = { kind: "session", handle: HANDLE };
  const unreadable = { kind: "unreadable-session" };
  const none = { kind: "none" };
  const other = "B".repeat(43);

  test.each([
    ["alone", `${COOKIE_NAME}=${HANDLE}`, session],
    ["among others", `theme=dark; ${COOKIE_NAME}=${HANDLE}; a=b=c`, session],
    ["without spaces between cookies", `a=1;${COOKIE_NAME}=${HANDLE};b=2`, session],
    ["with spaces around it", ` ${COOKIE_NAME} = ${HANDLE} `, session],
    ["absent", undefined, none],
    ["of an empty header", "", none],
    ["absent among others", "theme=dark; session=1", none],
    ["a word without a value", COOKIE_NAME, none],
    ["twice, with two values", `${COOKIE_NAME}=${HANDLE}; ${COOKIE_NAME}=${other}`, unreadable],
    ["twice, with the same value", `${COOKIE_NAME}=${HANDLE}; ${COOKIE_NAME}=${HANDLE}`, unreadable],
    ["twice, once empty", `${COOKIE_NAME}=; ${COOKIE_NAME}=${HANDLE}`, unreadable],
    ["empty", `${COOKIE_NAME}=`, unreadable],
    ["malformed", `${COOKIE_NAME}=%%%`, unreadable],
    ["quoted", `${COOKIE_NAME}="${HANDLE}"`, unreadable],
    ["too short", `${COOKIE_NAME}=${HANDLE.slice(1)}`, unreadable],
    ["too long", `${COOKIE_NAME}=${HANDLE}.sig`, unreadable],
    ["percent-encoded", `${COOKIE_NAME}=%48${HANDLE.slice(1)}`, unreadable],
    ["under its name without the prefix", `gatehouse=${HANDLE}`, none],
    ["under another case of its name", `__host-gatehouse=${HANDLE}`, none],
    ["under a longer name", `${COOKIE_NAME}2=${HANDLE}; x${COOKIE_NAME}=${HANDLE}`, none],
    ["in the value of another", `x="; y=${COOKIE_NAME}=${HANDLE}`, none],
    ["beside one without the prefix", `gatehouse=${other}; ${COOKIE_NAME}=${HANDLE}`, session],
  ])("%s", (_how, header, credential) => {
    expect(readSessionCookie(header, COOKIE_NAME)).toEqual(credential);
  });
});
