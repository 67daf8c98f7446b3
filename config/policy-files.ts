// IT's and ops's files together: every fault of both, or what they say. Works on documents, wherever their text
// comes from, so that an edit can be checked before it is a file.
import { type AccessPolicy, accessSchema } from "./access.ts";
import { accessIssues, catalogueOf } from "./access-checks.ts";
import { deepFreeze } from "./deep-freeze.ts";
import type { Document } from "./document.ts";
import { accessPolicyOf, routingTableOf } from "./policy.ts";
import { type RoutingTable, routesSchema } from "./routes.ts";
import { routesIssues } from "./routes-checks.ts";
import { type Checked, checkSchema } from "./schema-issues.ts";

export type Policy = { readonly access: AccessPolicy; readonly routing: RoutingTable };

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
