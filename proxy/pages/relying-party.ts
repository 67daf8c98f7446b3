// express-openid-connect, set up: authorization code, PKCE S256, state and nonce in a signed cookie of the
// browser. It gets a store that writes new sessions and reads none, so that sessions are read in one place
// (identify/) and every login has a new handle, whatever cookie the browser brought (S51).
import { hkdfSync } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { CookieOptions, RequestHandler, Response } from "express";
import openidConnect, { type ConfigParams, type Session } from "express-openid-connect";
import type { FrontDoorConfig } from "../../config/front-door.ts";
import type { ProviderConfig } from "../../config/provider.ts";
import { newSessionHandle, parseSessionHandle, type SessionHandle } from "../../core/ids.ts";
import type { LoginState } from "./login-state.ts";

/** What the token endpoint answered. */
export type AnsweredTokens = {
  readonly idToken: string;
  readonly refreshToken: string | null;
  /** Seconds since 1970; null when the provider did not say. */
  readonly expiresAt: number | null;
};

export type RelyingPartyDeps = {
  readonly config: Pick<FrontDoorConfig, "publicUrl" | "session" | "encryptionKey">;
  readonly provider: ProviderConfig;
  /** Where the provider sends people back to. */
  readonly callbackPath: string;
  readonly cookieName: string;
  /** Sends the library's requests to the provider. */
  readonly fetch: typeof fetch;
  readonly stateFor: (incoming: IncomingMessage, returnTo: string) => LoginState;
  /**
   * Called when the provider's answer belongs to this browser's login: state, nonce and PKCE fit. The ID token's
   * signature is not verified yet. Rejects to refuse the login.
   * @returns what stores the session under the handle that its browser gets
   */
  readonly onAnswer: (
    incoming: IncomingMessage,
    response: Response,
    tokens: AnsweredTokens,
    state: LoginState,
  ) => Promise<StoreSession>;
};

/** Rejects to refuse the login. */
export type StoreSession = (handle: SessionHandle) => Promise<void>;

export function createRelyingParty(deps: RelyingPartyDeps): RequestHandler {
  const { config, provider } = deps;
  const params: ConfigParams = {
    baseURL: config.publicUrl,
    issuerBaseURL: provider.issuer,
    clientID: provider.clientId,
    clientSecret: provider.clientSecret,
    secret: transactionSecret(config.encryptionKey),
    authRequired: false,
    enableTelemetry: false,
    idTokenSigningAlg: provider.idTokenSigningAlg,
    clockTolerance: 30,
    httpTimeout: provider.timeout,
    customFetch: deps.fetch,
    authorizationParams: { response_type: "code", scope: provider.scopes.join(" ") },
    routes: { login: false, logout: false, callback: deps.callbackPath },
    transactionCookie: { name: transactionCookieName(config.publicUrl), sameSite: "Lax" },
    legacySameSiteCookie: false,
    session: {
      name: deps.cookieName,
      rolling: false,
      absoluteDuration: Math.floor(config.session.absolute / 1000),
      genid: newSessionHandle,
      cookie: { httpOnly: true, secure: isHttps(config.publicUrl), sameSite: "Lax", path: "/" },
      store: WRITE_ONLY_STORE as never,
    },
    getLoginState: (incoming, options) => deps.stateFor(incoming, options.returnTo ?? "/"),
    afterCallback: async (incoming, response, session, state) => {
      const tokens: AnsweredTokens = {
        idToken: session.id_token,
        refreshToken: session.refresh_token ?? null,
        expiresAt: Number(session.expires_at) || null,
      };
      const storeSession = await deps.onAnswer(
        incoming,
        response as Response,
        tokens,
        state as unknown as LoginState,
      );
      // The library takes a session without an ID token for nobody's.
      return { id_token: session.id_token, storeSession } as unknown as Session;
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

type Done = (error?: unknown, session?: null) => void;

const WRITE_ONLY_STORE = {
  get: (_id: string, done: Done) => done(null, null),
  set(id: string, { data }: { data: { storeSession: StoreSession } }, done: Done) {
    const handle = parseSessionHandle(id);
    if (handle === undefined) return done(new TypeError("not a session handle"));
    data.storeSession(handle).then(() => done(), done);
  },
  destroy: (_id: string, done: Done) => done(),
};
