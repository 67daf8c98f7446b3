// Alice, proved: one valid identity; a test changes one field of it.
import { type Identity, type VerifiedIdentity, vouchFor } from "../../core/identity.ts";
import { parseSessionId, userIdOf } from "../../core/ids.ts";
import { ISSUER, NOW } from "./provider-fixture.ts";

export function verifiedAlice(changes: Partial<Identity> = {}): VerifiedIdentity {
  const sid = parseSessionId(`s_${"A".repeat(22)}`);
  if (sid === undefined) throw new Error("not a session id");
  return vouchFor({
    userId: userIdOf(ISSUER, "alice-1"),
    issuer: ISSUER,
    email: "alice@example.com",
    emailVerified: true,
    emailTrusted: true,
    name: "Alice Archer",
    groups: ["engineering"],
    sid,
    via: "session",
    expiresAt: NOW + 3_600_000,
    asOfEvent: 0,
    ...changes,
  });
}
