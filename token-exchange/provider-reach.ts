// How far one provider's word goes where there are several: no provider may put people into another one's groups, nor
// vouch for its e-mails (docs/decisions/0015-several-providers.md). Pure.

export type ProviderReach = {
  /** In front of each group that the provider says. */
  readonly groupsPrefix: string;
  /** Of the other providers, none of them empty: no group of this one begins with any. */
  readonly reservedPrefixes: readonly string[];
  /** Whose e-mails it may vouch for, as e-mails are spelled here; undefined: everybody's. */
  readonly emailDomains: readonly string[] | undefined;
};

type Said = {
  readonly groups: readonly string[];
  readonly email: string | null;
  readonly emailTrusted: boolean;
};

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

/** @param email in the one spelling that e-mails have here, with exactly one `@` */
export function mayVouchFor(email: string, { emailDomains }: ProviderReach): boolean {
  return emailDomains === undefined || emailDomains.includes(email.slice(email.indexOf("@") + 1));
}

/** Whether the provider could still say this: what it said may be from before its reach was made shorter. */
export function isWithinReach({ groups, email, emailTrusted }: Said, reach: ProviderReach): boolean {
  if (emailTrusted && (email === null || !mayVouchFor(email, reach))) return false;
  return (
    groups.every((group) => group.startsWith(reach.groupsPrefix)) &&
    reservedGroup(groups, reach) === undefined
  );
}
