// Rules between the keys of routes.json5 and with IT's catalogue: where requests may be sent, and that every rule
// can be reached. Pure.
import type { ConfigIssue } from "../core/config-error.ts";
import { unknownAgents } from "./access-checks.ts";
import { type Document, issueAt } from "./document.ts";
import { origin } from "./field-values.ts";
import { isObject, keysAt, valueAt } from "./key-path.ts";
import { knownNames } from "./nearest-name.ts";
import { isLoopbackTarget, isNeverTarget, isPrivateAddress } from "./network-zone.ts";
import { gatewayEntry, routeEntry } from "./routes.ts";
import { soundEntries, soundKeys } from "./schema-issues.ts";
import { isReservedHeader } from "./user-header.ts";

/** @param catalogue ids of the agents in access.json5; undefined when that file does not tell */
export function routesIssues(
  document: Document,
  catalogue: readonly string[] | undefined,
): readonly ConfigIssue[] {
  return [...gatewayIssues(document), ...ruleIssues(document, catalogue), ...unreachable(document)];
}

function gatewayIssues(document: Document): ConfigIssue[] {
  return keysAt(document.value, ["gateways"]).flatMap((id) => {
    const path = ["gateways", id];
    const gateway = valueAt(document.value, path);
    const { userHeader, allowPlain = false, tls } = soundKeys(gatewayEntry, gateway);
    const endpoints = soundEntries(origin, valueAt(gateway, ["endpoints"]));
    const issues = endpoints.flatMap(([endpoint, url]) => {
      const expected = endpointFault(new URL(url), allowPlain, tls !== undefined);
      return expected === undefined ? [] : [issueAt(document, [...path, "endpoints", endpoint], expected)];
    });
    if (userHeader === undefined || !isReservedHeader(userHeader)) return issues;
    const expected = "a header that neither the front door nor HTTP itself uses, such as X-Forwarded-User";
    return [...issues, issueAt(document, [...path, "userHeader"], expected)];
  });
}

/** What is expected instead of this address; undefined when assertions may be sent to it (S40). */
function endpointFault(url: URL, allowPlain: boolean, isPinned: boolean): string | undefined {
  if (isNeverTarget(url.hostname))
    return "an address that is not link-local, unspecified or for instance metadata";
  if (url.protocol === "http:" && isPinned) return "https, because tls.fingerprint pins a certificate";
  if (url.protocol === "https:" || isLoopbackTarget(url.hostname)) return undefined;
  if (!allowPlain) return "https; http only to loopback, or with allowPlain to a private address";
  if (isPrivateAddress(url.hostname)) return undefined;
  return "https; allowPlain covers private addresses written as numbers (10.…, 172.16–31.…, 192.168.…, 100.64.…, fd…)";
}

function ruleIssues(document: Document, catalogue: readonly string[] | undefined): ConfigIssue[] {
  const gateways = valueAt(document.value, ["gateways"]);
  return rulesOf(document).flatMap((rule, index) => {
    const issues = unknownAgents(document, catalogue, ["routes", index, "agents"]);
    const { to } = soundKeys(routeEntry, rule);
    if (to === undefined || !isObject(gateways) || Object.hasOwn(gateways, to)) return issues;
    const expected = `a gateway of this file${knownNames(to, Object.keys(gateways))}`;
    return [...issues, issueAt(document, ["routes", index, "to"], expected)];
  });
}

/** A rule that never decides is a rule whose author believes something that is not so. */
function unreachable(document: Document): ConfigIssue[] {
  const rules = rulesOf(document);
  const last = rules.findIndex(isUnconditional);
  if (last === -1) return [];
  const found = `a rule after routes[${last}], which always holds`;
  return rules
    .slice(last + 1)
    .map((_, offset) =>
      issueAt(
        document,
        ["routes", last + 1 + offset],
        "the rule without conditions to be the last one",
        found,
      ),
    );
}

function rulesOf(document: Document): readonly unknown[] {
  const rules = valueAt(document.value, ["routes"]);
  return Array.isArray(rules) ? rules : [];
}

function isUnconditional(rule: unknown): boolean {
  if (!isObject(rule)) return false;
  return ["users", "groups", "agents"].every((condition) => rule[condition] === undefined);
}
