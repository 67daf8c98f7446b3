import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { keepFragment, keepFragmentFor, takeFragment } from "../../web/page/kept-fragment.ts";
import { memoryStorage } from "./memory-storage.ts";

let storage: Storage;
let replaced: unknown[];
beforeEach(() => {
  storage = memoryStorage();
  replaced = [];
  vi.stubGlobal("history", { replaceState: (_state: null, _: "", url: string) => replaced.push(url) });
});
afterEach(() => {
  vi.unstubAllGlobals();
});

const page = (pathname: string, hash: string) => ({ pathname, hash });

describe("the fragment of the page that was left to sign in", () => {
  it("comes back on the same page, once", () => {
    keepFragment(page("/chat/coder", "#one"), storage);
    takeFragment(page("/chat/coder", ""), storage);
    takeFragment(page("/chat/coder", ""), storage);
    expect([replaced, storage.length]).toEqual([["#one"], 0]);
  });

  it.each([
    ["another page", page("/chat/code", "")],
    ["a page that names one itself", page("/chat/coder", "#two")],
  ])("is nothing for %s, nor kept for later", (_, arrived) => {
    keepFragment(page("/chat/coder", "#one"), storage);
    takeFragment(arrived, storage);
    expect([replaced, storage.length]).toEqual([[], 0]);
  });

  it.each([
    ["by way of a sign-in", "/auth/login?return_to=%2Fchat%2Fcoder%3Fx%3D1&provider=partner"],
    ["at once", "/chat/coder?x=1"],
  ])("is kept for the page that a link leads to %s", (_, link) => {
    keepFragmentFor(`https://agents.example.com${link}`, page("/auth/login", "#one"), storage);
    takeFragment(page("/chat/coder", ""), storage);
    expect([replaced, storage.length]).toEqual([["#one"], 0]);
  });

  it("kept before stays when the page between has none", () => {
    keepFragment(page("/chat/coder", "#one"), storage);
    keepFragmentFor("https://agents.example.com/auth/login?return_to=%2F", page("/auth/login", ""), storage);
    takeFragment(page("/chat/coder", ""), storage);
    expect(replaced).toEqual(["#one"]);
  });

  it("is not kept when there is none, or no room", () => {
    keepFragment(page("/chat/coder", ""), storage);
    expect(storage.length).toBe(0);
    storage.setItem = () => {
      throw new Error("full");
    };
    keepFragment(page("/chat/coder", "#one"), storage);
  });
});
