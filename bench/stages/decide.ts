// Program: times decide and route by policies of growing size, in which the rules that hold for the person who asks come
// last. Arguments: rounds, then the sizes.
import { accessSchema } from "../../config/access.ts";
import { accessPolicyOf, routingTableOf } from "../../config/policy.ts";
import { routesSchema } from "../../config/routes.ts";
import type { Identity } from "../../core/identity.ts";
import { newSessionId, parseAgentId, userIdOf } from "../../core/ids.ts";
import { evaluate } from "../../proxy/decide/decide.ts";
import { route } from "../../proxy/route/route.ts";
import { report, timeRounds } from "./report-rounds.ts";

const CALLS = 100_000;
const ISSUER = "https://login.example.com";
const AGENT = parseAgentId("assistant");

const [rounds = 0, ...sizes] = process.argv.slice(2).map(Number);

const found: (readonly number[])[] = [];
for (const size of sizes) found.push(await timeSize(size));
report(found);

function timeSize(size: number): Promise<readonly number[]> {
  const access = accessPolicyOf(accessSchema.parse(accessOf(size)));
  const routing = routingTableOf(routesSchema.parse(routesOf(size)));
  const identity = personOf(size);
  return timeRounds(rounds, CALLS, () => {
    const decided = evaluate(identity, { kind: "agent", agent: "assistant" }, access);
    if (!decided.ok || AGENT === undefined) throw new Error("not allowed");
    const routed = route(identity, AGENT, routing);
    if (!routed.ok) throw new Error("not routed");
    return routed;
  });
}

function accessOf(size: number): unknown {
  const names = Array.from({ length: size }, (_, index) => `group-${index}`);
  return {
    agents: { coder: { name: "Coder" }, assistant: { name: "Assistant" } },
    groups: Object.fromEntries(names.map((name) => [name, { agents: ["assistant"] }])),
    users: { "eve@example.com": { deny: true } },
  };
}

/** One rule for each group, and a last one for all. */
function routesOf(size: number): unknown {
  const rules = Array.from({ length: size - 1 }, (_, index) => ({ groups: [`group-${index}`], to: "cloud" }));
  return {
    gateways: { cloud: { endpoints: { "cloud-1": "http://127.0.0.1:18789" } } },
    routes: [...rules, { to: "cloud" }],
  };
}

function personOf(size: number): Identity {
  return {
    userId: userIdOf(ISSUER, "person"),
    issuer: ISSUER,
    email: "person@example.com",
    emailVerified: true,
    emailTrusted: true,
    name: "Person",
    groups: [`group-${size - 1}`, "known-to-no-rule", "nor-this"],
    sid: newSessionId(),
    via: "session",
    expiresAt: Number.POSITIVE_INFINITY,
    asOfEvent: 0,
  };
}
