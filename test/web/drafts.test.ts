import { beforeEach, describe, expect, it } from "vitest";
import { draftsOf } from "../../web/page/drafts.ts";
import { memoryStorage } from "./memory-storage.ts";

let storage: Storage;
beforeEach(() => {
  storage = memoryStorage();
});

describe("drafts", () => {
  it("are kept for each session of each person", () => {
    const drafts = draftsOf("u_a", storage);
    drafts.keep("agent:coder:main", "Half a que");
    drafts.keep("agent:coder:other", "Another");
    drafts.keep("agent:coder:other", "Another one");
    expect(
      ["main", "other", "third"].map((name) => draftsOf("u_a", storage).read(`agent:coder:${name}`)),
    ).toEqual(["Half a que", "Another one", ""]);
  });

  it("are forgotten when they are sent, or blank", () => {
    const drafts = draftsOf("u_a", storage);
    for (const text of ["", " \n"]) {
      drafts.keep("key", "text");
      drafts.keep("key", text);
      expect(storage.length).toBe(0);
    }
  });

  it("of one person are gone when another one signs in, and nothing else is", () => {
    storage.setItem("of another page", "kept");
    draftsOf("u_a", storage).keep("key", "Secret");
    expect(draftsOf("u_b", storage).read("key")).toBe("");
    expect([draftsOf("u_a", storage).read("key"), storage.getItem("of another page")]).toEqual(["", "kept"]);
  });

  it("are not kept while nobody is known, and those of the last person stay", () => {
    draftsOf("u_a", storage).keep("key", "Half");
    const nobodys = draftsOf(null, storage);
    nobodys.keep("key", "text");
    expect([nobodys.read("key"), draftsOf("u_a", storage).read("key")]).toEqual(["", "Half"]);
  });

  it("that do not fit are not kept, nor what was there before", () => {
    const drafts = draftsOf("u_a", storage);
    drafts.keep("key", "short");
    drafts.keep("key", "x".repeat(200_001));
    expect(drafts.read("key")).toBe("");
    storage.setItem = () => {
      throw new Error("full");
    };
    drafts.keep("key", "text");
    expect(drafts.read("key")).toBe("");
  });
});
