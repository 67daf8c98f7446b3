// Sessions that the configured providers could not begin any more: their provider has been taken out of the
// configuration, may no longer say what they hold, or is no longer trusted with its e-mails. They end when the door
// starts, before anybody can use them.
import { type Audit, auditEvent } from "../../core/audit.ts";
import type { VerifiedIdentity } from "../../core/identity.ts";
import type { SessionId } from "../../core/ids.ts";
import type { ClaimRules } from "../../token-exchange/identity-from-claims.ts";
import { isWithinReach } from "../../token-exchange/provider-reach.ts";
import type { SessionIndex } from "../../token-exchange/session-index.ts";
import type { SessionEndings } from "./session-endings.ts";

export type EndUnbackedDeps = {
  readonly index: Pick<SessionIndex, "all">;
  /** Undefined for a session that does not live. */
  readonly identityOf: (sid: SessionId) => Promise<VerifiedIdentity | undefined>;
  readonly endings: Pick<SessionEndings, "endOne">;
  /** Of the provider with this issuer, as it is configured now. */
  readonly claimRulesOf: (issuer: string) => ClaimRules | undefined;
  readonly audit: Audit;
};

export async function endUnbackedSessions(deps: EndUnbackedDeps): Promise<void> {
  for (const { sid } of await deps.index.all()) {
    const identity = await deps.identityOf(sid);
    if (identity === undefined || isBacked(identity, deps)) continue;
    const reason = "provider_changed";
    const { eventNumber } = await deps.endings.endOne(sid, reason);
    const { userId, email } = identity;
    const facts = { userId, email, sid, event: eventNumber };
    deps.audit.record(auditEvent({ kind: "logout", outcome: "allowed", reason, ...facts }));
  }
}

function isBacked(identity: VerifiedIdentity, { claimRulesOf }: EndUnbackedDeps): boolean {
  const rules = claimRulesOf(identity.issuer);
  return rules !== undefined && isWithinReach(identity, rules);
}
