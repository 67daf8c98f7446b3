// `npm run bench:revocation`: measures how fast access ends, for each way that ends it, and writes docs/revocation.md.
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { packageRoot } from "../../cli/package-root.ts";
import { startFakeProvider } from "./fake-provider.ts";
import { reportOf } from "./report.ts";
import {
  type Bench,
  type BenchPolicy,
  type Measured,
  measureAdmin,
  measureBackChannelBySession,
  measureBackChannelBySubject,
  measureEndFromList,
  measureExpiry,
  measureKeys,
  measureManyOfOneGroup,
  measurePolicy,
  measureRefresh,
  measureSignOut,
  measureSignOutEverywhere,
} from "./scenarios.ts";
import { startStack } from "./stack.ts";

const { values } = parseArgs({
  options: { sockets: { type: "string" }, many: { type: "string" }, "dry-run": { type: "boolean" } },
});
const count = Number(values.sockets ?? 200);
const many = Number(values.many ?? 9_900);

const GROUPS = ["staff", "group-a", "group-b", "group-c", "boxed", "many"];

function policyOf(endpoints: { readonly cloud: string; readonly box: string }): BenchPolicy {
  return {
    access: (without) => ({
      agents: { assistant: { name: "Assistant" } },
      groups: Object.fromEntries(
        GROUPS.filter((group) => group !== without).map((group) => [group, { agents: ["assistant"] }]),
      ),
    }),
    routes: (moved) => ({
      gateways: {
        cloud: { endpoints: { "cloud-1": endpoints.cloud } },
        box: { endpoints: { "box-1": endpoints.box } },
      },
      routes: [{ groups: ["boxed", ...(moved === undefined ? [] : [moved])], to: "box" }, { to: "cloud" }],
    }),
  };
}

async function withStack(
  absolute: string,
  measure: (bench: Bench) => Promise<readonly Measured[]>,
): Promise<readonly Measured[]> {
  const provider = await startFakeProvider();
  let policy = policyOf({ cloud: "", box: "" });
  const stack = await startStack({
    provider,
    access: policy.access(),
    routes: (endpoints) => {
      policy = policyOf(endpoints);
      return policy.routes();
    },
    absolute,
  });
  try {
    return await measure({ stack, provider, policy });
  } finally {
    await stack.stop();
    provider.close();
  }
}

/** A measurement that does not end is a finding too: it is named, and the run fails. */
const ENDS_WITHIN_MS = 120_000;

async function inTime<T>(what: string, work: Promise<T>): Promise<T> {
  process.stderr.write(`${what} …\n`);
  let cancel = () => {};
  const late = new Promise<never>((_resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`${what} did not end within ${ENDS_WITHIN_MS} ms`)),
      ENDS_WITHIN_MS,
    );
    cancel = () => clearTimeout(timer);
  });
  return Promise.race([work, late]).finally(() => cancel());
}

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));

const measured = [
  ...(await withStack("12h", async (bench) => [
    await inTime("sign-out", measureSignOut(bench, count)),
    await inTime("one session ended from the list", measureEndFromList(bench, count)),
    await inTime("sign-out everywhere", measureSignOutEverywhere(bench, count)),
    await inTime("back-channel logout, sid", measureBackChannelBySession(bench, count)),
    await inTime("back-channel logout, sub", measureBackChannelBySubject(bench, count)),
    await inTime(
      "invalid_grant",
      measureRefresh(
        bench,
        count,
        "the provider refuses a refresh (`invalid_grant`), from its answer",
        "invalid_grant",
      ),
    ),
    await inTime(
      "no group left",
      measureRefresh(bench, count, "a refresh finds no group left, from the provider's answer", {
        groups: [],
      }),
    ),
    ...(await inTime("administrator", measureAdmin(bench, count))),
    ...(await inTime("policy", measurePolicy(bench, count))),
    await inTime("keys", measureKeys(bench, count)),
  ])),
  ...(await withStack("45s", async (bench) => [await inTime("expiry", measureExpiry(bench, count))])),
  ...(await withStack("12h", async (bench) => [
    await inTime("many sockets", measureManyOfOneGroup(bench, many)),
  ])),
];

const report = reportOf(measured, { node: process.version, cores: cpus().length });
process.stdout.write(report);
if (values["dry-run"] !== true) writeFileSync(join(packageRoot(), "docs", "revocation.md"), report);
