// GET /api/me/told/{agent}: what a gateway is told about me when I use this agent, made by the stages that forward. A
// sample for reading: the assertion comes without its signature, so that no token that works is ever shown.
import type { Response } from "express";
import type { AccessPolicy } from "../../config/access.ts";
import type { RoutingTable } from "../../config/routes.ts";
import type { ToldAnswer } from "../../core/api.ts";
import { ASSERTION_HEADER } from "../../core/assertion.ts";
import type { Audit } from "../../core/audit.ts";
import type { Denial } from "../../core/denial.ts";
import { ok, type Result } from "../../core/result.ts";
import type { Asserter } from "../assert/assert.ts";
import { headerPairs } from "../assert/outgoing-headers.ts";
import { decide } from "../decide/decide.ts";
import { decisionLine, type Trail } from "../decision-line.ts";
import type { Identify } from "../identify/identify.ts";
import type { ParsedRequest } from "../request/parsed-request.ts";
import type { Router } from "../route/pick-endpoint.ts";
import type { PageContext, PageHandler } from "./page-context.ts";

export const TOLD_PATH = "/api/me/told";

export type ToldDeps = {
  readonly identify: Identify;
  readonly access: () => AccessPolicy;
  readonly table: () => RoutingTable;
  readonly route: Router;
  readonly assert: Asserter;
  readonly audit: Audit;
  readonly refuse: PageContext["refuse"];
};

/** About the way to the gateway, not about the person; where it listens is nobody's business but operations'. */
const OF_THE_WAY: ReadonlySet<string> = new Set(["host", "connection", "upgrade"]);

export function createTold(deps: ToldDeps): PageHandler {
  async function tell(request: ParsedRequest, trail: Trail): Promise<Result<ToldAnswer, Denial>> {
    const identity = await deps.identify(request);
    if (!identity.ok) return identity;
    trail.identity = identity.value;
    const agent = request.segments[3] ?? "";
    trail.agent = agent;
    const grant = decide(identity.value, { kind: "agent", agent }, deps.access());
    if (!grant.ok) return grant;
    const upstream = await deps.route(grant.value, deps.table());
    if (!upstream.ok) return upstream;
    const signed = deps.assert(request, grant.value, upstream.value, "upgrade");
    if (!signed.ok) return signed;
    const headers = headerPairs(signed.value.headers);
    const assertion = headers.find(([name]) => name === ASSERTION_HEADER)?.[1] ?? "";
    return ok({
      agent,
      gateway: upstream.value.gateway.id,
      endpoint: upstream.value.endpoint.id,
      headers: headers.filter(([name]) => name !== ASSERTION_HEADER && !OF_THE_WAY.has(name)),
      assertion: { header: ASSERTION_HEADER, claims: claimsOf(assertion) },
    });
  }

  return async (request: ParsedRequest, response: Response) => {
    const trail: Trail = {};
    const told = await tell(request, trail);
    if (told.ok) return void response.json(told.value satisfies ToldAnswer);
    if (trail.identity !== undefined) deps.audit.record(decisionLine(request, trail, told.error));
    deps.refuse(request, response, told.error);
  };
}

/** The middle part of a compact JWS of our own making; the others are not even looked at. */
function claimsOf(assertion: string): ToldAnswer["assertion"]["claims"] {
  return JSON.parse(Buffer.from(assertion.split(".")[1] ?? "", "base64url").toString("utf8"));
}
