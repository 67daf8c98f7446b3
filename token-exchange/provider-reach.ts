// How far one provider's word goes where there are several: no provider may put people into another one's groups, nor
// vouch for its e-mails (docs/decisions/0015-several-providers.md). Pure.

export type ProviderReach = {
  /** In front of each group that the provider says. */
  readonly groupsPrefix: string;
  /** Of the other providers, none of them empty: no group of this one begins with any. */
  readonly reservedPrefixes: readonly string[];
  /** Whose e-mails it may vouch for, as e-mails are spelled here; undefined: everybody's. */
  readonly emailDomains: readonly string[] | undefined;
  /** The operator takes every e-mail of this provider as verified, within these domains. */
  readonly emailTrusted: boolean;
};

type Email = {
  /** In the one spelling that e-mails have here, with exactly one `@`. */
  readonly email: string | null;
  /** The provider says so. */
  readonly emailVerified: boolean;
};

type Held = Email & { readonly groups: readonly string[]; readonly emailTrusted: boolean };

/**
 * The first of these groups, prefixed already, that is another provider's to say, with the prefix that makes it so;
 * undefined when none is.
 */
export function reservedGroup(
  groups: readonly string[],
  { reservedPrefixes }: ProviderReach,
): { readonly group: string; readonly prefix: string } | undefined {
  for (const group of groups) {
    const prefix = reservedPrefixes.find((each) => group.startsWith(each));
    if (prefix !== undefined) return { group, prefix };
  }
  return undefined;
}

/** Whether rules may grant by this e-mail. */
export function countsAsVerified({ email, emailVerified }: Email, reach: ProviderReach): boolean {
  if (email === null || !(emailVerified || reach.emailTrusted)) return false;
  const domain = email.slice(email.indexOf("@") + 1);
  return reach.emailDomains === undefined || reach.emailDomains.includes(domain);
}

/**
 * Whether a session could still begin with what it holds: that may be from before the provider's reach was made
 * shorter, or the operator's trust in its e-mails taken back.
 */
export function isWithinReach(held: Held, reach: ProviderReach): boolean {
  if (held.emailTrusted && !countsAsVerified(held, reach)) return false;
  const { groups } = held;
  return (
    groups.every((group) => group.startsWith(reach.groupsPrefix)) &&
    reservedGroup(groups, reach) === undefined
  );
}

/** Those of these groups, as they are called here, that the provider could put somebody into. */
export function sayableGroups(groups: readonly string[], reach: ProviderReach): readonly string[] {
  return groups.filter(
    (group) => group.startsWith(reach.groupsPrefix) && reservedGroup([group], reach) === undefined,
  );
}
