import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { generatedFiles } from "../../config/generate.ts";

test.each([...generatedFiles()])("%s is what `npm run docs` makes of the schemas", (path, content) => {
  expect(readFileSync(path, "utf8")).toBe(content);
});

test("makes one schema for each file, and nothing else lies beside them", () => {
  const made = [...generatedFiles().keys()].filter((path) => path.startsWith("docs/schema/"));
  expect(readdirSync("docs/schema").map((name) => `docs/schema/${name}`)).toEqual(made.sort());
});

test("shows defaults as they are written in a file, and marks secrets", () => {
  const page = generatedFiles().get("docs/config.md")?.split("\n") ?? [];
  expect(
    page.filter((line) => /^\| `(session\.idle|providers\.<provider>\.clientSecret)`/.test(line)),
  ).toEqual([
    "| `providers.<provider>.clientSecret` | text | required | `GATEHOUSE_PROVIDERS_<ID>_CLIENT_SECRET`, `GATEHOUSE_PROVIDERS_<ID>_CLIENT_SECRET_FILE` | **Secret.** Goes with the client id. |",
    '| `session.idle` | duration | `"8h"` | `GATEHOUSE_SESSION_IDLE` | A session unused for this long ends; at most session.absolute. An open chat is use. |',
  ]);
});
