import { describe, expect, it } from "vitest";
import type { AgentState } from "../../../core/api.ts";
import { err } from "../../../core/result.ts";
import { describeMe } from "../../../proxy/pages/me.ts";
import { agentId } from "../../support/assertion-fixture.ts";
import { verifiedAlice } from "../../support/identity-fixture.ts";
import { NOW } from "../../support/provider-fixture.ts";
import { CATALOGUE, GATEWAYS, policyOf, tableOf } from "../policy-fixture.ts";

const POLICY = policyOf({
  agents: { ...CATALOGUE, coder: { name: "Coder", description: "Writes code." } },
  groups: { engineering: { agents: ["*"], roles: ["it"] } },
  users: { "eve@example.com": { deny: true } },
});
const TABLE = tableOf({
  gateways: { ...GATEWAYS, berlin: { ...GATEWAYS.berlin, label: "Box in the Berlin office" } },
  routes: [
    { agents: ["analyst"], to: "berlin" },
    { agents: ["coder"], to: "cloud" },
  ],
});

function me(identity = verifiedAlice(), state: AgentState = "up") {
  return describeMe(identity, {
    access: () => POLICY,
    table: () => TABLE,
    homes: { of: async (_user, { endpoints }) => endpoints[0] },
    stateOf: () => state,
    providerName: (issuer) => (issuer === identity.issuer ? "Example Ltd" : null),
    lastUse: { of: async (_user, agent) => (agent === "coder" ? NOW - 60_000 : undefined) },
    live: {
      ofUser: () => [
        { identity, since: NOW, decided: undefined },
        {
          identity,
          since: NOW,
          decided: {
            target: { kind: "first" },
            agents: [agentId("coder")],
            gateway: "cloud",
            endpoint: "cloud-1",
            address: "http://10.0.1.10:18789",
            snapshot: 1,
          },
        },
      ],
    },
  });
}

describe("what a person is told of themselves", () => {
  it("is who they are, what they may use and where it runs, and until when", async () => {
    const alice = verifiedAlice();
    expect(await me(alice)).toEqual({
      ok: true,
      value: {
        id: alice.userId,
        email: "alice@example.com",
        name: "Alice Archer",
        provider: "Example Ltd",
        groups: ["engineering"],
        roles: ["it"],
        agents: [
          {
            id: "assistant",
            name: "Assistant",
            description: "",
            gateway: null,
            gatewayLabel: null,
            state: "down",
            open: false,
            lastUsed: null,
          },
          {
            id: "coder",
            name: "Coder",
            description: "Writes code.",
            gateway: "cloud",
            gatewayLabel: "cloud",
            state: "up",
            open: true,
            lastUsed: new Date(NOW - 60_000).toISOString(),
          },
          {
            id: "analyst",
            name: "Analyst",
            description: "",
            gateway: "berlin",
            gatewayLabel: "Box in the Berlin office",
            state: "up",
            open: false,
            lastUsed: null,
          },
        ],
        session: { sid: alice.sid, expiresAt: new Date(NOW + 3_600_000).toISOString() },
      },
    });
  });

  it.each(["down", "draining"] as const)("says which agents are %s", async (state) => {
    // The first has no gateway at all.
    expect(await me(verifiedAlice(), state)).toMatchObject({
      value: { agents: [{ state: "down" }, { state }, { state }] },
    });
  });

  it("is a denial for who is denied by name", async () => {
    expect(await me(verifiedAlice({ email: "eve@example.com" }))).toEqual(
      err({ code: "user_denied", rule: 'users["eve@example.com"]' }),
    );
  });
});
