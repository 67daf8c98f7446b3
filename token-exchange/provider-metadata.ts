// What the OpenID provider says about itself: its discovery document and its signing keys. The only place that
// sends requests to it from here; what a token says (jku, x5u, iss) never chooses an address (RFC 8725 §3.10).
import type { Clock } from "../core/clock.ts";
import type { Denial } from "../core/denial.ts";
import { err, ok, type Result } from "../core/result.ts";
import { createCachedDocument, type DocumentState } from "./cached-document.ts";
import { type Fetch, fetchCappedJson } from "./capped-json.ts";
import { type ProviderKey, parseProviderKeys } from "./provider-keys.ts";

export type ProviderMetadata = {
  readonly issuer: string;
  readonly jwksUri: string;
  /** Where sessions are refreshed; null when the provider says none. */
  readonly tokenEndpoint: string | null;
  /** RP-Initiated Logout; null when the provider has none. */
  readonly endSessionEndpoint: string | null;
};

export type ProviderMetadataSource = {
  get(): Promise<Result<ProviderMetadata, Denial>>;
  /** The same, and that the provider answered a few seconds ago at most: nobody is to be sent to one that is away. */
  confirm(): Promise<Result<ProviderMetadata, Denial>>;
  /** The signing key of that id. An unknown id causes at most one request per cooldown (S82). */
  key(kid: string): Promise<Result<ProviderKey, Denial>>;
  /** How the newest requests went; no request is made. */
  state(): DocumentState;
};

export type ProviderMetadataDeps = {
  /** Exactly as the provider writes it: the discovery document's `issuer` must be the same bytes. */
  readonly issuer: string;
  /** What people call the provider, for denials. */
  readonly name: string;
  /** For each request. */
  readonly timeoutMs: number;
  readonly fetch: Fetch;
  readonly clock: Clock;
};

export function createProviderMetadata(deps: ProviderMetadataDeps): ProviderMetadataSource {
  const { issuer, name, clock } = deps;
  // OpenID Connect Discovery §4: a terminating "/" of the issuer is removed first.
  const discoveryUrl = `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;

  const discovery = createCachedDocument(async () => {
    const document = await fetchCappedJson(discoveryUrl, deps);
    return document.ok ? parseMetadata(document.value, issuer) : document;
  }, clock);

  const keys = createCachedDocument(async () => {
    const metadata = await discovery.get();
    if (!metadata.ok) return metadata;
    const document = await fetchCappedJson(metadata.value.jwksUri, deps);
    return document.ok ? parseProviderKeys(document.value) : document;
  }, clock);

  function unavailable(what: string): Denial {
    return { code: "provider_unavailable", provider: name, what };
  }

  return {
    async get() {
      const metadata = await discovery.get();
      return metadata.ok ? metadata : err(unavailable(metadata.error));
    },

    async confirm() {
      const metadata = await discovery.confirm();
      return metadata.ok ? metadata : err(unavailable(metadata.error));
    },

    async key(kid) {
      const known = await keys.get();
      if (!known.ok) return err(unavailable(known.error));
      const found = known.value.get(kid);
      if (found !== undefined) return ok(found);
      await keys.refetch();
      const renewed = await keys.get();
      const appeared = renewed.ok ? renewed.value.get(kid) : undefined;
      return appeared === undefined ? err({ code: "bearer_invalid", fault: "unknown_key" }) : ok(appeared);
    },

    state() {
      return keys.state() === "down" ? "down" : discovery.state();
    },
  };
}

function parseMetadata(document: unknown, issuer: string): Result<ProviderMetadata, string> {
  if (typeof document !== "object" || document === null)
    return err("the discovery document is not an object");
  const {
    issuer: stated,
    jwks_uri,
    token_endpoint,
    end_session_endpoint,
  } = document as Record<string, unknown>;
  // Discovery §4.3: exactly equal, or another issuer could speak for this one.
  if (stated !== issuer) {
    return err(`the discovery document is of issuer ${JSON.stringify(stated)}, configured is "${issuer}"`);
  }
  if (!isSafeUrl(jwks_uri, issuer)) return err("the discovery document has no usable jwks_uri");
  const tokenEndpoint = isSafeUrl(token_endpoint, issuer) ? token_endpoint : null;
  const endSessionEndpoint = isSafeUrl(end_session_endpoint, issuer) ? end_session_endpoint : null;
  return ok({ issuer, jwksUri: jwks_uri, tokenEndpoint, endSessionEndpoint });
}

// A provider on https must not send us, or a browser, to plain http.
function isSafeUrl(value: unknown, issuer: string): value is string {
  if (typeof value !== "string" || !URL.canParse(value)) return false;
  const { protocol } = new URL(value);
  return protocol === "https:" || (protocol === "http:" && issuer.startsWith("http:"));
}
