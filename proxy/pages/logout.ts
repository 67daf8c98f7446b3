// POST /auth/logout: the session and its sockets end first; only then is anybody sent anywhere.
import type { Response } from "express";
import type { ProviderConfig } from "../../config/provider.ts";
import type { LogoutAnswer } from "../../core/api.ts";
import { type Audit, auditEvent } from "../../core/audit.ts";
import type { Denial } from "../../core/denial.ts";
import type { ProviderMetadataSource } from "../../token-exchange/provider-metadata.ts";
import type { Identify } from "../identify/identify.ts";
import type { SessionEndings } from "../identify/session-endings.ts";
import type { Sessions } from "../identify/sessions.ts";
import type { ParsedRequest } from "../request/parsed-request.ts";
import { cookieAttributes } from "./relying-party.ts";

export const SIGNED_OUT_PATH = "/signed-out";
/** Longer ID tokens do not fit into a URL everywhere; the provider then asks before it signs out. */
const MAX_HINT = 4_096;

/** Of a provider. */
type Side = {
  readonly metadata: Pick<ProviderMetadataSource, "get">;
  readonly config: Pick<ProviderConfig, "clientId">;
};

export type LogoutDeps = {
  readonly sessions: Pick<Sessions, "placeOf" | "recordAt">;
  readonly endings: Pick<SessionEndings, "endOne">;
  readonly providers: { readonly all: readonly Side[]; readonly byIssuer: ReadonlyMap<string, Side> };
  readonly publicUrl: string;
  readonly audit: Audit;
  readonly cookieName: string;
  readonly identify: Identify;
  readonly refuse: (request: ParsedRequest, response: Response, denial: Denial) => void;
};

export function createLogout(deps: LogoutDeps) {
  return async (request: ParsedRequest, response: Response): Promise<void> => {
    const { credential } = request;
    // Not by its limits: a session that is past them is ended all the same.
    const place = credential.kind === "session" ? deps.sessions.placeOf(credential.handle) : undefined;
    const session = place === undefined ? undefined : (await deps.sessions.recordAt(place))?.record;
    const bearer = credential.kind === "bearer" ? await deps.identify(request) : undefined;
    if (bearer?.ok === false) return deps.refuse(request, response, bearer.error);
    const identity = session?.identity ?? bearer?.value;
    if (identity !== undefined) {
      const { userId, email, sid } = identity;
      const { eventNumber } = await deps.endings.endOne(sid, "signed_out");
      const { id: requestId, peer, method, path } = request;
      const facts = { requestId, peer, method, path, userId, email, sid, event: eventNumber };
      deps.audit.record(auditEvent({ kind: "logout", outcome: "allowed", reason: "signed_out", ...facts }));
    }
    response.clearCookie(deps.cookieName, cookieAttributes(deps.publicUrl));
    response.set("cache-control", "no-store");
    const redirect = await endSessionUrl(identity?.issuer, session?.details.tokens.idToken, deps);
    if (request.kind === "navigation" || acceptsHtml(request)) response.redirect(303, redirect);
    else response.json({ redirect } satisfies LogoutAnswer);
  };
}

/**
 * OpenID Connect RP-Initiated Logout §2, at the provider that the person signed in with; the signed-out page when it
 * has none, does not answer, or nobody knows which it was.
 */
async function endSessionUrl(
  issuer: string | undefined,
  idToken: string | undefined,
  { providers, publicUrl }: LogoutDeps,
): Promise<string> {
  const home = `${publicUrl}${SIGNED_OUT_PATH}`;
  const only = providers.all.length === 1 ? providers.all[0] : undefined;
  const provider = issuer === undefined ? only : providers.byIssuer.get(issuer);
  const metadata = await provider?.metadata.get();
  if (provider === undefined || !metadata?.ok || metadata.value.endSessionEndpoint === null) return home;
  const url = new URL(metadata.value.endSessionEndpoint);
  if (idToken !== undefined && idToken.length <= MAX_HINT) url.searchParams.set("id_token_hint", idToken);
  url.searchParams.set("client_id", provider.config.clientId);
  url.searchParams.set("post_logout_redirect_uri", home);
  return url.href;
}

function acceptsHtml(request: ParsedRequest): boolean {
  return (request.headers.get("accept") ?? "").includes("text/html");
}
