import { expect, it } from "vitest";
import { auditEvent } from "../../../core/audit.ts";
import { endUnbackedSessions } from "../../../proxy/identify/end-unbacked.ts";
import { sessionId } from "../../support/assertion-fixture.ts";
import { claimRules } from "../../support/claim-rules.ts";
import { verifiedAlice } from "../../support/identity-fixture.ts";
import { recordedAudit } from "../recorded-audit.ts";

const ISSUER = "https://a.example";

it("ends the sessions that no provider stands behind any more, each with a line of its own", async () => {
  const [kept, gone, beyond, trusted, dead] = ["A", "B", "C", "D", "E"].map((letter) => sessionId(letter));
  const alice = { issuer: ISSUER, groups: ["a"], emailTrusted: false };
  const identities = new Map([
    [kept, verifiedAlice({ ...alice, ...(kept && { sid: kept }) })],
    [gone, verifiedAlice({ ...alice, ...(gone && { sid: gone }), issuer: "https://gone.example" })],
    [beyond, verifiedAlice({ ...alice, ...(beyond && { sid: beyond }), groups: ["b/x"] })],
    [
      trusted,
      verifiedAlice({ ...alice, ...(trusted && { sid: trusted }), emailVerified: false, emailTrusted: true }),
    ],
  ]);
  const audit = recordedAudit();
  const ended: unknown[] = [];
  await endUnbackedSessions({
    index: { all: async () => [kept, gone, beyond, trusted, dead].map((sid) => ({ sid })) as never },
    identityOf: async (sid) => identities.get(sid),
    endings: {
      async endOne(sid, reason) {
        ended.push([sid, reason]);
        return { sids: [sid], eventNumber: ended.length };
      },
    },
    claimRulesOf: (issuer) =>
      issuer === ISSUER ? claimRules(ISSUER, { reservedPrefixes: ["b/"] }) : undefined,
    audit,
  });
  expect(ended).toEqual([
    [gone, "provider_changed"],
    [beyond, "provider_changed"],
    [trusted, "provider_changed"],
  ]);
  const line = (sid: typeof gone, event: number) => {
    const { userId, email } = identities.get(sid) ?? { userId: null, email: null };
    const facts = { userId, email, sid: sid ?? null, event };
    return auditEvent({ kind: "logout", outcome: "allowed", reason: "provider_changed", ...facts });
  };
  expect(audit.events).toEqual([line(gone, 1), line(beyond, 2), line(trusted, 3)]);
});
