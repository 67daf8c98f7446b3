import { describe, expect, it } from "vitest";
import { fragmentOf, sessionKeyFrom, sessionTitle } from "../../web/chat/session-name.ts";

describe("a session on the page", () => {
  it.each([
    [undefined, "New session"],
    [{ label: "Plans", derivedTitle: "Hello?" }, "Plans"],
    [{ label: null, derivedTitle: "Hello?" }, "Hello?"],
    [{ label: null, derivedTitle: null }, "Untitled"],
    [{ label: "\u200B\u2066\u00A0", derivedTitle: "Hello?" }, "Hello?"],
    [{ label: "\u200B", derivedTitle: "\u202E" }, "Untitled"],
    [{ label: "👩‍👩‍👧", derivedTitle: null }, "👩‍👩‍👧"],
    [{ label: "<b>x</b>", derivedTitle: null }, "<b>x</b>"],
  ])("%j is called %j", (session, title) => {
    expect(sessionTitle(session)).toBe(title);
  });

  it.each([
    ["", "agent:coder:main"],
    ["#", "agent:coder:main"],
    ["#notes", "agent:coder:notes"],
    ["#a:b.c_d-e", "agent:coder:a:b.c_d-e"],
    ["#Notes", "agent:coder:main"],
    ["#../x", "agent:coder:main"],
    ["#%00", "agent:coder:main"],
    [`#${"x".repeat(61)}`, "agent:coder:main"],
  ])("is %j in the address, which means %j", (fragment, key) => {
    expect(sessionKeyFrom(fragment, "coder")).toBe(key);
  });

  it("is named by its fragment again", () => {
    for (const key of ["agent:coder:main", "agent:coder:a:b"])
      expect(sessionKeyFrom(fragmentOf(key), "coder")).toBe(key);
  });
});
