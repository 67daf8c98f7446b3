import { expect, it } from "vitest";
import { leadsElsewhere } from "../../web/choice/leads-elsewhere.ts";
import type { Fetch } from "../../web/client/ask-door.ts";

const HREF = "https://agents.example.com/auth/login?return_to=%2F";

it.each([
  ["sends on", { type: "opaqueredirect", status: 0 }, true],
  ["answers", { type: "basic", status: 200 }, false],
  ["refuses", { type: "basic", status: 503 }, false],
])("asks the page's own address without following it; the server %s", async (_what, answer, expected) => {
  const asked: unknown[] = [];
  const fetch: Fetch = async (url, init) => {
    asked.push([url, init]);
    return answer as Response;
  };
  expect(await leadsElsewhere(fetch, HREF)).toBe(expected);
  expect(asked).toEqual([
    [HREF, { method: "HEAD", credentials: "same-origin", cache: "no-store", redirect: "manual" }],
  ]);
});

it("stays where it is when nobody answers", async () => {
  const nobody: Fetch = async () => {
    throw new TypeError("network");
  };
  expect(await leadsElsewhere(nobody, HREF)).toBe(false);
});
