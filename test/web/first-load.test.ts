// What somebody loads who sees the portal for the first time, out of the built pages: `npm run build` comes before.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";

const read = (name: string) => readFileSync(new URL(`../../dist/web/${name}`, import.meta.url), "utf8");

/** The page and everything that it loads, and what that loads. */
function firstLoad(page: string): string[] {
  const names = [page];
  for (const name of names) {
    const text = read(name);
    const found = name.endsWith(".html")
      ? text.matchAll(/(?:src|href)="\/assets\/([^"]+)"/g)
      : text.matchAll(/(?:from|import)\s*"\.\/([^"]+\.js)"/g);
    for (const [, file = ""] of found) if (!names.includes(file)) names.push(file);
  }
  return names;
}

test("the portal's first load is below 40 kB, compressed", () => {
  const names = firstLoad("portal.html");
  expect(names.filter((name) => /^portal-.*\.(js|css)$/.test(name)).length).toBe(2);
  const bytes = names.reduce((sum, name) => sum + gzipSync(read(name)).length, 0);
  expect(bytes).toBeGreaterThan(5_000);
  expect(bytes).toBeLessThan(40_000);
});
