import { expect, test } from "vitest";
import type { Denial } from "../../../core/denial.ts";
import { whyNotPage } from "../../../proxy/pages/page-gate.ts";

const LIMIT = 100;
const TOO_LARGE: Denial = { code: "body_too_large", limitBytes: LIMIT };
const STOPPING: Denial = { code: "stopping" };

test.each<[string, { path?: string; length?: string; stopping?: boolean }, Denial | undefined]>([
  ["a request without a body", {}, undefined],
  ["a body at the limit", { length: "100" }, undefined],
  ["a body past it", { length: "101" }, TOO_LARGE],
  ["a page while the front door stops", { stopping: true }, STOPPING],
  ["the path of a probe with more behind it", { stopping: true, path: "/readyz/x" }, STOPPING],
  ["readiness while it stops", { stopping: true, path: "/readyz" }, undefined],
  ["liveness while it stops", { stopping: true, path: "/healthz" }, undefined],
])("%s", (_what, { path = "/", length, stopping = false }, expected) => {
  const headers = new Map(length === undefined ? [] : [["content-length", length]]);
  expect(whyNotPage({ path, headers }, { stopping, limitBytes: LIMIT })).toEqual(expected);
});
