// Reads a person out of the provider's verified claims, of an ID token or an access token. Whatever is odd counts
// as not said; what decides access (groups) refuses when odd. No I/O, no clock.
import type { Denial } from "../core/denial.ts";
import type { Identity } from "../core/identity.ts";
import { userIdOf } from "../core/ids.ts";
import { err, ok, type Result } from "../core/result.ts";
import { countsAsVerified, type ProviderReach, reservedGroup } from "./provider-reach.ts";

/** Who it is, before it is known how and for how long that is proved. */
export type ClaimedIdentity = Omit<Identity, "sid" | "via" | "expiresAt" | "asOfEvent">;

export type ClaimRules = ProviderReach & {
  readonly issuer: string;
  /** A claim's name, or a path of names with dots, such as `realm_access.roles`. */
  readonly groupsClaim: string;
  readonly whenMissing: "refuse" | "none";
};

type Claims = Readonly<Record<string, unknown>>;

/**
 * @param subject verified `sub`, not empty
 * @param claims of the same token, its signature, issuer, audience and times verified
 */
export function identityFromClaims(
  subject: string,
  claims: Claims,
  rules: ClaimRules,
): Result<ClaimedIdentity, Denial> {
  const said = groupsOf(claims, rules);
  if (!said.ok) return said;
  const groups = said.value.map((group) => `${rules.groupsPrefix}${group}`);
  const reserved = reservedGroup(groups, rules);
  // Dropping it would be guessing what the person's groups are; so would be keeping it.
  if (reserved !== undefined) return err({ code: "group_reserved", ...reserved });
  const email = emailOf(own(claims, "email"));
  const emailVerified = email !== null && own(claims, "email_verified") === true;
  return ok({
    userId: userIdOf(rules.issuer, subject),
    issuer: rules.issuer,
    email,
    emailVerified,
    emailTrusted: countsAsVerified({ email, emailVerified }, rules),
    name: nameOf(own(claims, "name")),
    groups,
  });
}

function groupsOf(
  claims: Claims,
  { groupsClaim, whenMissing }: ClaimRules,
): Result<readonly string[], Denial> {
  const value = own(claims, groupsClaim) ?? atPath(claims, groupsClaim);
  if (value === undefined) {
    if (isOverage(claims, groupsClaim)) return err({ code: "groups_overflow", claim: groupsClaim });
    return whenMissing === "none" ? ok([]) : err({ code: "groups_missing", claim: groupsClaim });
  }
  // Never split: a group may be named "staff,admins" (S96).
  if (typeof value === "string") return ok([value]);
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) return ok(value);
  return err({ code: "groups_missing", claim: groupsClaim });
}

// Entra leaves the groups out of a token when they are too many, and says so in one of these two ways.
function isOverage(claims: Claims, groupsClaim: string): boolean {
  const names = own(claims, "_claim_names");
  return own(claims, "hasgroups") === true || (isRecord(names) && own(names, groupsClaim) !== undefined);
}

function atPath(claims: Claims, path: string): unknown {
  let value: unknown = claims;
  for (const name of path.split(".")) value = isRecord(value) ? own(value, name) : undefined;
  return value;
}

// Own members only: a claim named `__proto__` or `constructor` must not find ours (S95).
function own(claims: Claims, name: string): unknown {
  return Object.hasOwn(claims, name) ? claims[name] : undefined;
}

function isRecord(value: unknown): value is Claims {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const MAX_EMAIL_LENGTH = 254;

// One spelling per address (S91): compatibility forms and case are folded. More than one "@" (S87), anything
// invisible or blank is no address.
function emailOf(value: unknown): string | null {
  if (typeof value !== "string" || value.length > 2 * MAX_EMAIL_LENGTH) return null;
  const email = value.trim().normalize("NFKC").toLowerCase();
  if (email.length > MAX_EMAIL_LENGTH || !/^[^@\p{C}\p{Z}]+@[^@\p{C}\p{Z}]+$/u.test(email)) return null;
  return email;
}

const MAX_NAME_CHARACTERS = 200;

// Control characters could start a line of their own in a log or a header (S97); directional ones disguise text.
function nameOf(value: unknown): string | null {
  if (typeof value !== "string") return null;
  const visible = value.replace(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu, "").trim();
  const name = Array.from(visible).slice(0, MAX_NAME_CHARACTERS).join("");
  return name === "" ? null : name;
}
