import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const read = (path: string) => readFileSync(new URL(`../../web/${path}`, import.meta.url), "utf8");
const sources = readdirSync(new URL("../../web", import.meta.url), { recursive: true, encoding: "utf8" });

describe.each(["portal.html", "chat.html"])("%s", (name) => {
  const page = read(name);

  it("has nothing inline that the content security policy would refuse", () => {
    expect(page).not.toMatch(/<style|\sstyle=|\son[a-z]+=|javascript:|<base/i);
    for (const [, attributes, body] of page.matchAll(/<script([^>]*)>(.*?)<\/script>/gs))
      expect([attributes, body]).toEqual([expect.stringContaining('src="./'), ""]);
  });

  it("says that it is opening until its script is there, which takes that away", () => {
    expect(page).toMatch(/<main id="page"[^>]*>\s*<p class="loading quiet">Opening…<\/p>/);
    expect(read(`${name.replace(".html", "")}/main.tsx`)).toContain("page.replaceChildren();");
  });

  it("names no other host", () => {
    expect(page).not.toMatch(/(src|href|action)="(https?:)?\/\//);
  });

  it("signs out by a form, so that no script need run", () => {
    expect(page).toMatch(/<form method="post" action="\/auth\/logout">\s*<button type="submit">Sign out</);
  });

  it("has one place for whom to ask, and keeps it in an attribute", () => {
    expect(page.split("__CONTACT__").length).toBe(2);
    expect(page).toContain('<meta name="contact" content="__CONTACT__" />');
  });
});

describe("the sources of the pages", () => {
  const code = sources.filter((path) => /\.tsx?$/.test(path));

  it("build no markup from text and keep nothing in the browser but what was written, and the way back", () => {
    expect(code.length).toBeGreaterThan(15);
    const forbidden =
      /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|localStorage|\bstyle=/;
    expect(code.filter((path) => forbidden.test(read(path)))).toEqual([]);
    expect(code.filter((path) => /sessionStorage/.test(read(path)))).toEqual([
      "page/drafts.ts",
      "page/kept-fragment.ts",
      "page/outbox.ts",
    ]);
  });

  it("leave the document and the browser's own network to the pages: client/ runs anywhere", () => {
    const client = code.filter((path) => path.startsWith("client/"));
    expect(client.length).toBeGreaterThan(5);
    const browser =
      /\b(document|window|location|navigator|crypto|WebSocket|setTimeout|Date|Math\.random)\b[.(]/;
    expect(client.filter((path) => browser.test(read(path)))).toEqual([]);
  });
});
