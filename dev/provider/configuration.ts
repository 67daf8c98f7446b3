// How the embedded provider behaves: like a company's, with code flow, PKCE, JWT access tokens for the front
// door, refresh tokens, sign-out from either side, and no question about consent.
import { randomBytes } from "node:crypto";
import {
  type ClientMetadata,
  type Configuration,
  interactionPolicy,
  type JWK,
  type KoaContextWithOIDC,
} from "oidc-provider";
import type { Person } from "../people.ts";
import { errorPage } from "./error-page.ts";
import { createMemoryRecords } from "./memory-records.ts";
import { showPage } from "./page.ts";
import { signedOutPage, signOutPage } from "./sign-out-page.ts";
import type { DevProviderOptions } from "./start.ts";

/** A confidential client: a front door. */
export type DevClient = {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly name: string;
  readonly redirectUris: readonly string[];
  readonly postLogoutRedirectUris: readonly string[];
  readonly backchannelLogoutUri?: string;
};

/** A public client for command lines and scripts: any port of `http://127.0.0.1:<port>/callback` (RFC 8252 §7.3). */
export const CLI_CLIENT_ID = "gatehouse-cli";

const HOUR = 3600;
/** The one protected resource; its tokens carry the configured audience instead. */
const FRONT_DOOR = "urn:gatehouse:front-door";

/** @param options with the port that it listens on */
export function providerConfiguration(
  { port, people, audience, clients, clock }: DevProviderOptions,
  signingKey: JWK,
): Configuration {
  const policy = interactionPolicy.base();
  // Else every sign-in of a command line would stop at a page for consent.
  policy.get("consent")?.checks.remove("native_client_prompt");

  return {
    adapter: createMemoryRecords(clock),
    clients: [CLI_CLIENT, ...clients.map(clientMetadata)],
    jwks: { keys: [signingKey] },
    // Cookies do not know ports: names of its own keep them apart from the front door's, and from those of another
    // such provider, on the same host.
    cookies: {
      keys: [randomBytes(32).toString("hex")],
      names: {
        session: `demo_provider_${port}_session`,
        interaction: `demo_provider_${port}_sign_in`,
        resume: `demo_provider_${port}_resume`,
      },
    },
    pkce: { required: () => true },
    responseTypes: ["code"],
    scopes: ["openid", "offline_access"],
    claims: {
      openid: ["sub"],
      profile: ["name", "groups"],
      groups: ["groups"],
      email: ["email", "email_verified"],
    },
    // The person's claims are in the ID token, as companies' providers do it.
    conformIdTokenClaims: false,
    findAccount: (_context, sub) => {
      const person = people.find((each) => each.sub === sub);
      return person && { accountId: sub, claims: () => ({ sub, ...claimsOf(person) }) };
    },
    extraTokenClaims: (_context, token) => {
      const person = "accountId" in token ? people.find((each) => each.sub === token.accountId) : undefined;
      return person && claimsOf(person);
    },
    interactions: { policy, url: (_context, { uid }) => `/sign-in/${uid}` },
    loadExistingGrant: grantEverything,
    issueRefreshToken: (_context, client) => client.grantTypeAllowed("refresh_token"),
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      // Access tokens are for the front door, so that none could be used at a userinfo endpoint.
      userinfo: { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => FRONT_DOOR,
        getResourceServerInfo: () => ({
          scope: "",
          audience,
          accessTokenFormat: "jwt",
          accessTokenTTL: HOUR,
        }),
      },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (context, form) => showPage(context, signOutPage(form, afterSignOut(context))),
        postLogoutSuccessSource: (context) => showPage(context, signedOutPage()),
      },
    },
    renderError: (context, out) => showPage(context, errorPage(out)),
    ttl: {
      AccessToken: HOUR,
      AuthorizationCode: 60,
      Grant: 24 * HOUR,
      IdToken: HOUR,
      Interaction: HOUR,
      RefreshToken: 24 * HOUR,
      Session: 24 * HOUR,
    },
    fetch: fetchAnywhere,
  };
}

// The library brings a dispatcher that refuses loopback, where the front door of a demonstration is.
function fetchAnywhere(url: string | URL | Request, init: RequestInit = {}): Promise<Response> {
  const { dispatcher: _, ...rest } = init as RequestInit & { dispatcher?: unknown };
  return fetch(url, rest);
}

const CLI_CLIENT: ClientMetadata = {
  client_id: CLI_CLIENT_ID,
  client_name: "Gatehouse command line",
  application_type: "native",
  token_endpoint_auth_method: "none",
  redirect_uris: ["http://127.0.0.1/callback"],
  grant_types: ["authorization_code", "refresh_token"],
  response_types: ["code"],
};

function clientMetadata(client: DevClient): ClientMetadata {
  return {
    client_id: client.clientId,
    client_secret: client.clientSecret,
    client_name: client.name,
    redirect_uris: [...client.redirectUris],
    post_logout_redirect_uris: [...client.postLogoutRedirectUris],
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    ...(client.backchannelLogoutUri === undefined
      ? {}
      : { backchannel_logout_uri: client.backchannelLogoutUri, backchannel_logout_session_required: true }),
  };
}

function claimsOf({ email, name, groups }: Person) {
  return { email, email_verified: true, name, groups };
}

async function grantEverything(context: KoaContextWithOIDC) {
  const { client, session, provider, params } = context.oidc;
  if (client === undefined || session?.accountId === undefined) return undefined;
  const before = session.grantIdFor(client.clientId);
  const known = before === undefined ? undefined : await provider.Grant.find(before);
  const grant = known ?? new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
  grant.addOIDCScope(String(params?.["scope"] ?? "openid"));
  await grant.save();
  return grant;
}

function afterSignOut({ oidc }: KoaContextWithOIDC) {
  const { client, params } = oidc;
  const target = params?.["post_logout_redirect_uri"];
  return { clientKnown: client !== undefined, returnTo: typeof target === "string" ? target : undefined };
}
