// GET /api/token: a client that is no browser exchanges its provider token for an access token of the door.
import type { Response } from "express";
import type { AccessPolicy } from "../../config/access.ts";
import type { TokenAnswer } from "../../core/api.ts";
import { type Audit, auditEvent } from "../../core/audit.ts";
import type { Denial } from "../../core/denial.ts";
import {
  exchangeProviderToken,
  type TokenExchangeDeps,
} from "../../token-exchange/exchange-provider-token.ts";
import { grantsOf } from "../decide/grants.ts";
import type { FailedAttempts } from "../identify/failed-attempts.ts";
import { denialReason } from "../refuse/denial-reason.ts";
import type { ParsedRequest } from "../request/parsed-request.ts";

export type TokenDeps = {
  /** Undefined when the operator has not opened this way in. */
  readonly exchange: TokenExchangeDeps | undefined;
  /** Id of the provider with this issuer. */
  readonly providerOf: (issuer: string) => string | null;
  readonly access: () => AccessPolicy;
  readonly appliedEvent: () => number;
  readonly attempts: FailedAttempts;
  readonly audit: Audit;
  readonly publicUrl: string;
  readonly refuse: (request: ParsedRequest, response: Response, denial: Denial) => void;
};

export function createTokenEndpoint(deps: TokenDeps) {
  return async (request: ParsedRequest, response: Response): Promise<void> => {
    const { id: requestId, peer, method, path, credential } = request;
    const facts = { kind: "token_issued" as const, requestId, peer, method, path };

    async function deny(denial: Denial) {
      const told = denial.code === "bearer_invalid" ? await deps.attempts.count(peer, denial) : denial;
      const reason = denialReason(denial);
      deps.audit.record(auditEvent({ ...facts, outcome: "denied", code: told.code, reason }));
      deps.refuse(request, response, told);
    }

    if (deps.exchange === undefined) return deny({ code: "path_unknown" });
    if (!deps.audit.accepting) return deny({ code: "audit_unavailable" });
    if (credential.kind !== "bearer") return deny({ code: "bearer_invalid", fault: "wrong_scheme" });
    const exchanged = await exchangeProviderToken(
      credential.token,
      deps.appliedEvent(),
      (identity) => grantsOf(identity, deps.access()),
      deps.exchange,
    );
    if (!exchanged.ok) return deny(exchanged.error);
    const { identity, grant, accessToken } = exchanged.value;
    const { userId, email, sid, issuer } = identity;
    const provider = deps.providerOf(issuer);
    deps.audit.record(
      auditEvent({ ...facts, outcome: "allowed", reason: "provider token", userId, email, sid, provider }),
    );
    const socketOrigin = deps.publicUrl.replace(/^http/, "ws");
    response.set("cache-control", "no-store").json({
      accessToken: accessToken.token,
      tokenType: "Bearer",
      expiresIn: accessToken.expiresInSeconds,
      agents: grant.agents.map(({ id }) => ({ id, url: `${socketOrigin}/agents/${id}/ws` })),
    } satisfies TokenAnswer);
  };
}
