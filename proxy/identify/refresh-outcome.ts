// What a refreshed ID token means for the session it belongs to. Pure; the token is verified already.
import { err, ok, type Result } from "../../core/result.ts";
import { type ClaimRules, identityFromClaims } from "../../token-exchange/identity-from-claims.ts";
import type { AccessEvent } from "../live/access-event.ts";
import type { IdTokenClaims } from "../pages/id-token.ts";
import { denialReason } from "../refuse/denial-reason.ts";
import type { SessionRecord } from "./sessions.ts";

export type SessionIdentity = SessionRecord["identity"];

export type RefreshedIdentity = {
  readonly identity: SessionIdentity;
  /** What must be told to whatever lives by the session; undefined when nothing that decides access has changed. */
  readonly event: AccessEvent | undefined;
};

/** @returns why the session must end, for the audit line: the token is another person's, or says too little */
export function refreshedIdentity(
  before: SessionIdentity,
  claims: IdTokenClaims,
  rules: ClaimRules,
): Result<RefreshedIdentity, string> {
  const person = identityFromClaims(claims.sub, claims, rules);
  // A login with these claims would be refused; an older one must not outlive that.
  if (!person.ok) return err(denialReason(person.error));
  // OpenID Connect Core §12.2: the same `sub` as at the login; the issuer was compared with the signature.
  if (person.value.userId !== before.userId) return err("other_subject");
  const identity = { ...before, ...person.value };
  return ok({ identity, event: eventOf(before, identity) });
}

function eventOf(before: SessionIdentity, after: SessionIdentity): AccessEvent | undefined {
  const { sid, groups } = after;
  // Rules name people by e-mail too.
  if (before.email !== after.email || before.emailTrusted !== after.emailTrusted) {
    return { kind: "identity_changed", sid };
  }
  return sameMembers(before.groups, groups)
    ? undefined
    : { kind: "groups_changed", sid, groups: [...groups] };
}

/** Providers list groups in any order. */
function sameMembers(one: readonly string[], other: readonly string[]): boolean {
  const members = new Set(one);
  return new Set(other).size === members.size && other.every((group) => members.has(group));
}
