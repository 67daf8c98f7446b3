// IT's and ops's files together: every fault of both, or what they say. Works on documents, wherever their text
// comes from, so that an edit can be checked before it is a file.
import { ConfigError } from "../core/config-error.ts";
import { type AccessPolicy, accessSchema } from "./access.ts";
import { accessIssues, catalogueOf } from "./access-checks.ts";
import { deepFreeze } from "./deep-freeze.ts";
import { type Document, documentOf } from "./document.ts";
import { accessPolicyOf, routingTableOf } from "./policy.ts";
import { type RoutingTable, routesSchema } from "./routes.ts";
import { routesIssues } from "./routes-checks.ts";
import { type Checked, checkSchema } from "./schema-issues.ts";

export type Policy = { readonly access: AccessPolicy; readonly routing: RoutingTable };

/** What the two files say as JSON, `${…}` filled in: all that a policy comes from, whatever the environment. */
export type PolicyTexts = { readonly access: string; readonly routes: string };

export function checkPolicy(access: Document, routes: Document): Checked<Policy> {
  const accessFile = checkSchema(access, accessSchema);
  const routesFile = checkSchema(routes, routesSchema);
  const issues = [
    ...access.issues,
    ...accessFile.issues,
    ...accessIssues(access),
    ...routes.issues,
    ...routesFile.issues,
    ...routesIssues(routes, catalogueOf(access)),
  ];
  if (issues.length > 0 || accessFile.value === undefined || routesFile.value === undefined) {
    return { value: undefined, issues };
  }
  const policy = { access: accessPolicyOf(accessFile.value), routing: routingTableOf(routesFile.value) };
  return { value: deepFreeze(policy), issues };
}

export function policyTextsOf(access: Document, routes: Document): PolicyTexts {
  return { access: JSON.stringify(access.value), routes: JSON.stringify(routes.value) };
}

/** @throws ConfigError when a version that knows other keys wrote the texts */
export function policyOfTexts(texts: PolicyTexts): Policy {
  const [access, routes] = (["access", "routes"] as const).map((name) =>
    // What a value took from the environment is text now, whatever it looks like.
    documentOf(
      `the stored policy, ${name}`,
      texts[name].replaceAll("${", () => "$${"),
      { env: {} },
    ),
  ) as [Document, Document];
  const { value, issues } = checkPolicy(access, routes);
  if (value === undefined) throw new ConfigError(issues);
  return value;
}
