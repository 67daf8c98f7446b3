import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { returnPath } from "../../../proxy/pages/return-path.ts";
import { PUBLIC_URL } from "../request-fixture.ts";

describe("where to go after signing in", () => {
  test.each([
    ["/", "/"],
    ["/chat/coder", "/chat/coder"],
    ["/chat/coder?a=1&b=%2F#x", "/chat/coder?a=1&b=%2F"],
    ["/chat/zo%C3%AB", "/chat/zo%C3%AB"],
    ["/a/./b/../c", "/a/c"],
    ["/?next=https://evil.example", "/?next=https://evil.example"],
    ["/authors", "/authors"],
  ])("%j is %j", (wanted, path) => {
    expect(returnPath(wanted, PUBLIC_URL)).toBe(path);
  });

  test.each([
    undefined,
    "",
    "chat",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "/%09/evil.example",
    "/auth",
    "/auth/",
    "\t//evil.example",
    " //evil.example",
    "https://evil.example",
    "https:evil.example",
    "http://",
    "javascript:alert(1)",
    "data:text/html,x",
    "%%%",
    "/%2f/evil.example",
    "/%2F%2Fevil.example",
    "/%5cevil.example",
    "/%5C/evil.example",
    "/%252f%252fevil.example",
    "/a%00b",
    "/a%0d%0aSet-Cookie:x",
    "/..//evil.example",
    "/.//evil.example",
    "/a/..//evil.example",
    "/%2e%2e//evil.example",
    "/zoë",
    "/a b",
    "/auth/login",
    "/auth/logout?x=1",
    "/x/../auth/callback?code=1",
    "/%61uth/logout",
    PUBLIC_URL,
    `${PUBLIC_URL}/chat`,
    `${PUBLIC_URL}.evil.example/`,
    `//${PUBLIC_URL.slice("https://".length)}@evil.example`,
    `/${"a".repeat(2_048)}`,
  ])("%j is the start page", (wanted) => {
    expect(returnPath(wanted, PUBLIC_URL)).toBe("/");
  });

  it("is on this origin for every browser, whatever was wanted", () => {
    const piece = fc.constantFrom(
      ..."/ // \\ . .. %2f %5c %2e %09 : @ ? # a evil.example https: auth".split(" "),
      "\t",
      "\n",
      " ",
    );
    const wanted = fc.array(
      fc.oneof({ weight: 5, arbitrary: piece }, { weight: 1, arbitrary: fc.string({ maxLength: 2 }) }),
    );
    fc.assert(
      fc.property(wanted, (pieces) => {
        const path = returnPath(pieces.join(""), PUBLIC_URL);
        expect(path).toMatch(/^\/(?![/\\])[\x21-\x7e]*$/);
        expect(new URL(path, PUBLIC_URL).href).toBe(`${PUBLIC_URL}${path}`);
        expect(returnPath(path, PUBLIC_URL)).toBe(path);
      }),
      { numRuns: 2_000 },
    );
  });
});
