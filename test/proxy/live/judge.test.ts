import { describe, expect, it, test } from "vitest";
import { createJudge } from "../../../proxy/live/judge.ts";
import type { Decided } from "../../../proxy/live/live-entry.ts";
import { createPolicyInForce } from "../../../proxy/policy/policy-in-force.ts";
import { agentId } from "../../support/assertion-fixture.ts";
import { verifiedAlice } from "../../support/identity-fixture.ts";
import { NOW } from "../../support/provider-fixture.ts";
import { CATALOGUE, GATEWAYS, policyOf, tableOf } from "../policy-fixture.ts";

const ACCESS = { agents: CATALOGUE, groups: { engineering: { agents: ["coder", "assistant"] } } };
const ROUTES = { gateways: GATEWAYS, routes: [{ to: "cloud" }] };
const DECIDED: Decided = {
  target: { kind: "agent", agent: "coder" },
  agents: [agentId("coder")],
  gateway: "cloud",
  endpoint: "cloud-1",
  address: "http://10.0.1.10:18789",
  snapshot: 1,
};
const FIRST: Decided = {
  ...DECIDED,
  target: { kind: "first" },
  agents: [agentId("assistant"), agentId("coder")],
};

type Change = {
  readonly access?: Parameters<typeof policyOf>[0];
  readonly routes?: Parameters<typeof tableOf>[0];
};

function judged({ access = ACCESS, routes = ROUTES }: Change, identity = verifiedAlice(), decided = DECIDED) {
  const policy = createPolicyInForce({ number: 2, access: policyOf(access), routing: tableOf(routes) });
  return createJudge(policy, () => NOW)(identity, decided);
}

const removed = (agent: string) => ({ code: "access_removed", agent, at: NOW });

describe("judging what is live by the policy of now", () => {
  it("lets it live while nothing that concerns it has changed", () => {
    expect(judged({})).toBeUndefined();
    expect(judged({}, verifiedAlice(), FIRST)).toBeUndefined();
    const more = { ...ACCESS, groups: { engineering: { agents: ["*"] } } };
    expect(judged({ access: more }, verifiedAlice(), FIRST)).toBeUndefined();
  });

  it("ends it when its agent is not granted any more, or is gone from the catalogue", () => {
    expect(judged({ access: { ...ACCESS, groups: {} } })).toEqual(removed("Coder"));
    const { coder: _gone, ...agents } = CATALOGUE;
    expect(judged({ access: { agents, groups: { engineering: { agents: ["assistant"] } } } })).toEqual(
      removed("coder"),
    );
  });

  it("ends it when any one of its agents is not granted any more", () => {
    const less = { ...ACCESS, groups: { engineering: { agents: ["assistant"] } } };
    expect(judged({ access: less }, verifiedAlice(), FIRST)).toEqual(removed("Coder"));
  });

  it("ends it when the person's groups grant nothing any more", () => {
    expect(judged({}, verifiedAlice({ groups: [] }), FIRST)).toEqual(removed("Assistant"));
  });

  test.each([
    ["is denied by name", verifiedAlice()],
    ["cannot be told from who is denied", verifiedAlice({ email: null })],
  ])("ends it when the person %s", (_what, identity) => {
    const access = { ...ACCESS, users: { "alice@example.com": { deny: true } } };
    expect(judged({ access }, identity)).toEqual({ code: "user_denied" });
  });

  test.each([
    ["it is routed to another gateway", { ...ROUTES, routes: [{ to: "berlin" }] }],
    ["it is routed nowhere", { ...ROUTES, routes: [] }],
    [
      "its endpoint was taken out of the gateway",
      { ...ROUTES, gateways: { cloud: { endpoints: { "cloud-2": "http://10.0.1.11:18789" } } } },
    ],
    [
      "its endpoint has another address",
      { ...ROUTES, gateways: { cloud: { endpoints: { "cloud-1": "http://10.0.1.99:18789" } } } },
    ],
    [
      "another certificate is pinned for its endpoint",
      {
        ...ROUTES,
        gateways: {
          cloud: {
            endpoints: { "cloud-1": "http://10.0.1.10:18789" },
            tls: { fingerprint: "ab".repeat(32) },
          },
        },
      },
    ],
  ])("says that it has moved when %s", (_what, routes) => {
    expect(judged({ routes })).toEqual({ code: "moved" });
  });

  it("says that it has moved when any one of its agents is routed to another gateway", () => {
    const routes = { ...ROUTES, routes: [{ agents: ["coder"], to: "berlin" }, { to: "cloud" }] };
    expect(judged({ routes }, verifiedAlice(), FIRST)).toEqual({ code: "moved" });
    const assistantOnly = { ...FIRST, agents: [agentId("assistant")] };
    expect(judged({ routes }, verifiedAlice(), assistantOnly)).toBeUndefined();
  });
});
