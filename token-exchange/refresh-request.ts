// Asks the provider whether a login still stands, with its refresh token (RFC 6749 §6, OpenID Connect Core §12).
// Written out instead of taken from a library, because the three outcomes must be told apart exactly: "no" ends
// a session, "not now" does not. What is answered is parsed here and trusted nowhere yet.
import type { ProviderConfig } from "../config/provider.ts";
import type { Clock } from "../core/clock.ts";
import { type Err, err, ok, type Result } from "../core/result.ts";
import type { ProviderMetadataSource } from "./provider-metadata.ts";

/** What the token endpoint answered: its ID token is not verified. */
export type RefreshedTokens = {
  readonly idToken: string | null;
  /** Null: the one that was used stays. */
  readonly refreshToken: string | null;
  /** Of the access token, seconds since 1970; null when the provider did not say. */
  readonly expiresAt: number | null;
};

export type RefreshFault = {
  /** `refused`: `invalid_grant`. `unclear`: another answer of OAuth. `unreachable`: none, or none of OAuth. */
  readonly kind: "refused" | "unclear" | "unreachable";
  /** For log and audit: no part of it is a secret. */
  readonly what: string;
};

export type RefreshRequest = (refreshToken: string) => Promise<Result<RefreshedTokens, RefreshFault>>;

export type RefreshRequestDeps = {
  readonly provider: Pick<ProviderConfig, "clientId" | "clientSecret">;
  readonly metadata: Pick<ProviderMetadataSource, "get">;
  /** Follows no redirect, and bounds the time and size of an answer. */
  readonly fetch: typeof fetch;
  readonly clock: Clock;
};

export function createRefreshRequest(deps: RefreshRequestDeps): RefreshRequest {
  const { provider, metadata, clock } = deps;
  const authorization = basicCredentials(provider.clientId, provider.clientSecret);

  return async (refreshToken) => {
    const found = await metadata.get();
    if (!found.ok) {
      return fault(
        "unreachable",
        found.error.code === "provider_unavailable" ? found.error.what : found.error.code,
      );
    }
    const { tokenEndpoint } = found.value;
    if (tokenEndpoint === null) return fault("unclear", "the discovery document has no token_endpoint");
    try {
      const answer = await deps.fetch(tokenEndpoint, {
        method: "POST",
        headers: { authorization, accept: "application/json" },
        body: new URLSearchParams({ grant_type: "refresh_token", refresh_token: refreshToken }),
      });
      return readAnswer(answer.status, await answer.text(), clock.now());
    } catch (error) {
      return fault("unreachable", `the token endpoint cannot be reached (${reasonOf(error)})`);
    }
  };
}

/** RFC 6749 §2.3.1: both parts are form-encoded before they are joined. */
function basicCredentials(clientId: string, clientSecret: string): string {
  const pair = `${formEncoded(clientId)}:${formEncoded(clientSecret)}`;
  return `Basic ${Buffer.from(pair).toString("base64")}`;
}

function formEncoded(text: string): string {
  return new URLSearchParams({ "": text }).toString().slice(1);
}

function readAnswer(status: number, text: string, now: number): Result<RefreshedTokens, RefreshFault> {
  const body = parseObject(text);
  if (body === undefined || status >= 500 || status === 429) {
    return fault(
      "unreachable",
      `the token endpoint answered ${status}${body === undefined ? ", no JSON" : ""}`,
    );
  }
  if (status !== 200) {
    const { error } = body;
    // RFC 6749 §5.2: the grant is invalid, expired or revoked. Any other error is about this client, not the person.
    if (error === "invalid_grant") return fault("refused", "invalid_grant");
    const code = typeof error === "string" && /^[\w-]{1,40}$/.test(error) ? ` ${error}` : "";
    return fault("unclear", `the token endpoint answered ${status}${code}`);
  }
  const { access_token, id_token, refresh_token, expires_in } = body;
  if (typeof access_token !== "string") return fault("unclear", "the token endpoint answered no token");
  const seconds = typeof expires_in === "number" || typeof expires_in === "string" ? Number(expires_in) : 0;
  return ok({
    idToken: textOrNull(id_token),
    refreshToken: textOrNull(refresh_token),
    expiresAt: seconds > 0 && Number.isFinite(seconds) ? Math.floor(now / 1000 + seconds) : null,
  });
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function textOrNull(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

// The message of fetch is always "fetch failed"; its cause has the code, such as ECONNREFUSED.
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return "unknown error";
  const { cause } = error as { cause?: { code?: unknown } };
  return typeof cause?.code === "string" ? cause.code : error.message;
}

function fault(kind: RefreshFault["kind"], what: string): Err<RefreshFault> {
  return err({ kind, what });
}
