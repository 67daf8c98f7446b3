// The policy part of a front door without its listeners: files that a test edits, a store, and what is live.
import type { ConfigurationFiles } from "../../../config/configuration-files.ts";
import { frontDoorSchema } from "../../../config/front-door.ts";
import { type Policy, type PolicyTexts, policyOfTexts } from "../../../config/policy-files.ts";
import type { Audit, AuditEvent } from "../../../core/audit.ts";
import { createLog } from "../../../core/log.ts";
import type { Store } from "../../../core/store.ts";
import { followEvents } from "../../../proxy/live/follow-events.ts";
import { createPolicyChanges } from "../../../proxy/policy/policy-changes.ts";
import { createPolicyInForce } from "../../../proxy/policy/policy-in-force.ts";
import { createPolicyReload } from "../../../proxy/policy/policy-reload.ts";
import { writeSnapshot } from "../../../proxy/policy/stored-snapshot.ts";
import type { ManualClock } from "../../support/manual-clock.ts";

export const CONFIG = frontDoorSchema.parse({
  publicUrl: "http://localhost:8080",
  encryptionKey: "0f".repeat(32),
  policy: { access: "access.json5", routes: "routes.json5" },
  providers: {
    sso: {
      name: "SSO",
      issuer: "http://localhost:1",
      clientId: "gatehouse",
      clientSecret: "client secret",
    },
  },
});

/** IT's file, with these agents for engineering. */
export function accessText(...agents: readonly string[]): string {
  const catalogue = { assistant: { name: "Assistant" }, coder: { name: "Coder" } };
  return JSON.stringify({ agents: catalogue, groups: { engineering: { agents } } });
}

export const FIRST: PolicyTexts = {
  access: accessText("assistant", "coder"),
  routes: JSON.stringify({
    gateways: { cloud: { endpoints: { "cloud-1": "http://127.0.0.1:1" } } },
    routes: [{ to: "cloud" }],
  }),
};

export function agentsOf({ access }: Policy): readonly string[] {
  return access.groups.get("engineering")?.agents ?? [];
}

export async function startPolicy(store: Store, clock: ManualClock) {
  let texts = FIRST;
  let config = CONFIG;
  const files: ConfigurationFiles = {
    paths: [],
    policy: () => ({ texts, ...policyOfTexts(texts) }),
    config: () => config,
  };
  const lines: Pick<AuditEvent, "outcome" | "reason" | "event">[] = [];
  const audit: Audit = {
    record: ({ kind, outcome, reason, event }) => {
      if (kind === "config") lines.push({ outcome, reason, event });
    },
    accepting: true,
    close: async () => {},
  };
  const log = createLog("front-door", "silent");
  const { texts: _, ...policy } = files.policy();
  const first = await writeSnapshot(store, texts, clock.now(), () => {});
  const inForce = createPolicyInForce({ number: first.number, ...policy });
  /** What the policy in force says at the moment at which everything live is judged again. */
  const judged: { readonly number: number; readonly agents: readonly string[] }[] = [];
  const live = {
    apply: (_event: unknown, number: number) => judged.push({ number, agents: agentsOf(inForce.current()) }),
  };
  const changes = createPolicyChanges({ inForce, live, store, clock, log });
  let faults = 0;
  const onFault = () => {
    faults += 1;
  };
  const reload = createPolicyReload(
    { files, config: CONFIG, store, changes, audit, clock, log, onFault },
    first,
  );
  await followEvents(
    store,
    {
      apply: (event, number) => {
        if (event.kind === "policy_changed") changes.apply(event, number);
      },
      applyUnknown: () => {},
    },
    log,
  );
  return {
    inForce,
    reload,
    judged,
    lines,
    faults: () => faults,
    edit: (edited: Partial<PolicyTexts>) => {
      texts = { ...texts, ...edited };
    },
    editConfig: (edited: Partial<typeof CONFIG>) => {
      config = { ...config, ...edited };
    },
  };
}
