// express-openid-connect, set up: authorization code, PKCE S256, state and nonce in a signed cookie of the
// browser. It gets a store that writes new sessions and reads none, so that sessions are read in one place
// (identify/) and every login has a new handle, whatever cookie the browser brought (S51).
import { hkdfSync } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { CookieOptions, RequestHandler } from "express";
import openidConnect, { type ConfigParams, type Session } from "express-openid-connect";
import type { FrontDoorConfig } from "../../config/front-door.ts";
import { newSessionHandle, parseSessionHandle } from "../../core/ids.ts";
import type { ClaimedIdentity } from "../../token-exchange/identity-from-claims.ts";
import type { Sessions } from "../identify/sessions.ts";
import type { LoginState } from "./login-state.ts";

export const CALLBACK_PATH = "/auth/callback";

export type RelyingPartyDeps = {
  readonly config: Pick<FrontDoorConfig, "publicUrl" | "provider" | "session" | "encryptionKey">;
  readonly cookieName: string;
  readonly sessions: Pick<Sessions, "create">;
  /** Sends the library's requests to the provider. */
  readonly fetch: typeof fetch;
  readonly stateFor: (incoming: IncomingMessage, returnTo: string) => LoginState;
  /**
   * Called with verified claims of the ID token, its nonce included. Throws to refuse the login.
   * @returns who signed in
   */
  readonly onProved: (
    incoming: IncomingMessage,
    claims: Readonly<Record<string, unknown>>,
    state: LoginState,
  ) => ClaimedIdentity;
};

export function createRelyingParty(deps: RelyingPartyDeps): RequestHandler {
  const { config } = deps;
  const params: ConfigParams = {
    baseURL: config.publicUrl,
    issuerBaseURL: config.provider.issuer,
    clientID: config.provider.clientId,
    clientSecret: config.provider.clientSecret,
    secret: transactionSecret(config.encryptionKey),
    authRequired: false,
    enableTelemetry: false,
    idTokenSigningAlg: config.provider.idTokenSigningAlg,
    clockTolerance: 30,
    httpTimeout: config.provider.timeout,
    customFetch: deps.fetch,
    authorizationParams: { response_type: "code", scope: config.provider.scopes.join(" ") },
    routes: { login: false, logout: false, callback: CALLBACK_PATH },
    transactionCookie: { name: transactionCookieName(config.publicUrl), sameSite: "Lax" },
    legacySameSiteCookie: false,
    session: {
      name: deps.cookieName,
      rolling: false,
      absoluteDuration: Math.floor(config.session.absolute / 1000),
      genid: newSessionHandle,
      cookie: { httpOnly: true, secure: isHttps(config.publicUrl), sameSite: "Lax", path: "/" },
      store: writeOnlyStore(deps.sessions) as never,
    },
    getLoginState: (incoming, options) => deps.stateFor(incoming, options.returnTo ?? "/"),
    afterCallback: (incoming, _response, session, state) => {
      const login = deps.onProved(incoming, claimsOf(session.id_token), state as unknown as LoginState);
      return { id_token: session.id_token, login } as unknown as Session;
    },
  };
  return openidConnect.auth(params);
}

/** Not `__Host-` on loopback http, where browsers refuse it. */
export function transactionCookieName(publicUrl: string): string {
  return isHttps(publicUrl) ? "__Host-gatehouse-login" : "gatehouse-login";
}

export function cookieAttributes(publicUrl: string): CookieOptions {
  return { httpOnly: true, secure: isHttps(publicUrl), sameSite: "lax", path: "/" };
}

function isHttps(publicUrl: string): boolean {
  return publicUrl.startsWith("https:");
}

function transactionSecret(encryptionKey: Buffer): string {
  return Buffer.from(hkdfSync("sha256", encryptionKey, "", "gatehouse login-transaction v1", 32)).toString(
    "hex",
  );
}

// The library has verified signature, issuer, audience, times and nonce of this very token.
function claimsOf(idToken: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(idToken.split(".")[1] ?? "", "base64url").toString("utf8")) as Record<
    string,
    unknown
  >;
}

type Done = (error?: unknown, session?: null) => void;

function writeOnlyStore(sessions: Pick<Sessions, "create">) {
  return {
    get: (_id: string, done: Done) => done(null, null),
    set(id: string, written: { data: { id_token: string; login: ClaimedIdentity } }, done: Done) {
      const handle = parseSessionHandle(id);
      if (handle === undefined) return done(new TypeError("not a session handle"));
      sessions.create(handle, written.data.login, written.data.id_token).then(() => done(), done);
    },
    destroy: (_id: string, done: Done) => done(),
  };
}
