// Rules about the providers of front-door.json5 that their schema cannot say: each one's own, and those that keep one
// provider from speaking for the people of another (docs/decisions/0015-several-providers.md). Pure.
import type { ConfigIssue } from "../core/config-error.ts";
import { type Document, issueAt } from "./document.ts";
import { keysAt, valueAt } from "./key-path.ts";
import { isLoopbackTarget, isNeverTarget } from "./network-zone.ts";
import { type ProviderConfig, providerSchema } from "./provider.ts";
import { soundKeys } from "./schema-issues.ts";

/** As far as its keys are sound by themselves. */
type Described = { readonly id: string } & Partial<ProviderConfig>;

/** @param pageTimeout milliseconds; undefined when it is not sound by itself */
export function providerIssues(document: Document, pageTimeout: number | undefined): ConfigIssue[] {
  const providers = keysAt(document.value, ["providers"]).map((id): Described => {
    return { ...soundKeys(providerSchema, valueAt(document.value, ["providers", id])), id };
  });
  return providers.flatMap((provider, index) => [
    ...ownIssues(document, provider),
    ...timeoutIssues(document, provider, pageTimeout),
    ...(providers.length > 1 ? domainsMissing(document, provider) : []),
    ...providers.slice(0, index).flatMap((earlier) => pairIssues(document, provider, earlier)),
  ]);
}

function ownIssues(document: Document, { id, issuer, bearer, clientId }: Described): ConfigIssue[] {
  const issues: ConfigIssue[] = [];
  const at = (...path: string[]) => ["providers", id, ...path];
  if (issuer !== undefined) {
    const { protocol, hostname } = new URL(issuer);
    if (isNeverTarget(hostname)) {
      issues.push(issueAt(document, at("issuer"), "an address that is not link-local or unspecified"));
    } else if (protocol !== "https:" && !isLoopbackTarget(hostname)) {
      const expected = "https (OpenID Connect Discovery §3); http only on loopback";
      issues.push(issueAt(document, at("issuer"), expected));
    }
  }
  if (bearer !== undefined && bearer.audience === clientId) {
    // OpenID Connect Core §2: an ID token's aud is the client id. It would pass for an access token (S76).
    const expected = "the audience of access tokens for this front door, never the provider's clientId";
    issues.push(issueAt(document, at("bearer", "audience"), expected));
  }
  return issues;
}

/** The end of a login may ask for metadata, tokens and keys, one after the other. */
function timeoutIssues(
  document: Document,
  { id, timeout }: Described,
  pageTimeout: number | undefined,
): ConfigIssue[] {
  if (pageTimeout === undefined || timeout === undefined || 3 * timeout <= pageTimeout) return [];
  return [issueAt(document, ["providers", id, "timeout"], "at most a third of limits.pageTimeout")];
}

/** Left out, one provider's word would count for the e-mails of all the others. */
function domainsMissing(document: Document, { id }: Described): ConfigIssue[] {
  const path = ["providers", id, "emailDomains"];
  if (valueAt(document.value, path) !== undefined) return [];
  const expected = "a list: with several providers each says whose e-mails it may vouch for ([]: nobody's)";
  return [issueAt(document, path, expected)];
}

function pairIssues(document: Document, one: Described, earlier: Described): ConfigIssue[] {
  const issues: ConfigIssue[] = [];
  const fault = (path: readonly string[], expected: string) =>
    issues.push(issueAt(document, ["providers", one.id, ...path], expected));
  if (one.issuer !== undefined && earlier.issuer !== undefined) {
    if (whereDiscovered(one.issuer) === whereDiscovered(earlier.issuer)) {
      fault(["issuer"], `another issuer than that of ${earlier.id}`);
    }
  }
  if (one.name !== undefined && earlier.name !== undefined && folded(one.name) === folded(earlier.name)) {
    fault(["name"], `another name than that of ${earlier.id}: people choose by it`);
  }
  if (one.groups !== undefined && earlier.groups !== undefined) {
    const [prefix, other] = [one.groups.prefix, earlier.groups.prefix];
    const such = suggested(one.id, other);
    if (prefix === other) {
      const expected = `a prefix of its own${such}: with that of ${earlier.id} a group of one name would be both providers'`;
      fault(["groups", "prefix"], expected);
    } else if (overlap(prefix, other)) {
      const expected = `a prefix${such} that neither begins with that of ${earlier.id}, ${JSON.stringify(other)}, nor is its beginning: else a group's name could be either provider's`;
      fault(["groups", "prefix"], expected);
    }
  }
  const shared = one.emailDomains?.find((domain) => earlier.emailDomains?.includes(domain));
  if (shared !== undefined) {
    fault(["emailDomains"], `no domain that ${earlier.id} has too, as ${JSON.stringify(shared)}`);
  }
  return issues;
}

/** The empty one overlaps with none: what its groups must not be called is looked at when somebody signs in. */
function overlap(one: string, other: string): boolean {
  return one !== "" && other !== "" && (one.startsWith(other) || other.startsWith(one));
}

function suggested(id: string, other: string): string {
  return overlap(`${id}/`, other) ? "" : `, such as ${JSON.stringify(`${id}/`)}`;
}

/** Two issuers with one discovery document cannot both be right (Discovery §4.1, §4.3). */
function whereDiscovered(issuer: string): string {
  return new URL(issuer).href.replace(/\/$/, "");
}

function folded(name: string): string {
  return name.trim().normalize("NFKC").toLowerCase();
}
