import { expect, test } from "vitest";
import type { Denial } from "../../../core/denial.ts";
import { whyNotPage } from "../../../proxy/pages/page-gate.ts";

const LIMIT = 100;
const TOO_LARGE: Denial = { code: "body_too_large", limitBytes: LIMIT };
const STOPPING: Denial = { code: "stopping" };
const LATE: Denial = { code: "overloaded", what: "limits.loopDelay" };

test.each<[string, { path?: string; length?: string; notNow?: Denial }, Denial | undefined]>([
  ["a request without a body", {}, undefined],
  ["a body at the limit", { length: "100" }, undefined],
  ["a body past it", { length: "101" }, TOO_LARGE],
  ["a page while the front door stops", { notNow: STOPPING }, STOPPING],
  ["the path of a probe with more behind it", { notNow: STOPPING, path: "/readyz/x" }, STOPPING],
  ["readiness while it stops", { notNow: STOPPING, path: "/readyz" }, undefined],
  ["liveness while it stops", { notNow: STOPPING, path: "/healthz" }, undefined],
  ["a page while it is late", { notNow: LATE }, LATE],
  ["liveness while it is late", { notNow: LATE, path: "/healthz" }, undefined],
])("%s", (_what, { path = "/", length, notNow }, expected) => {
  const headers = new Map(length === undefined ? [] : [["content-length", length]]);
  expect(whyNotPage({ path, headers }, notNow, LIMIT)).toEqual(expected);
});
