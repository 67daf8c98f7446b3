// Signs a demonstration person in through the embedded provider's real pages, as a browser or as a command line.
import { createHash, randomBytes } from "node:crypto";
import { request } from "undici";
import { DEMONSTRATION_PASSWORD } from "../../dev/people.ts";
import { CLI_CLIENT_ID } from "../../dev/provider/configuration.ts";
import {
  createScriptedBrowser,
  formsOf,
  type PageAnswer,
  redirectOf,
  type ScriptedBrowser,
} from "./scripted-browser.ts";

export type SignedIn = {
  readonly browser: ScriptedBrowser;
  /** The answer at the end of all redirects. */
  readonly page: PageAnswer;
};

/**
 * Opens `startUrl`, follows it to the provider's sign-in page, and from there back.
 * @param stopAt ends the way before a redirect is followed, such as the one to a callback nobody listens at
 */
export async function signIn(
  startUrl: string,
  email: string,
  options: { readonly browser?: ScriptedBrowser; readonly stopAt?: (next: URL) => boolean } = {},
): Promise<SignedIn> {
  const { browser = createScriptedBrowser(), stopAt } = options;
  const asking = await browser.open(startUrl);
  const form = formsOf(asking).find(({ fields }) => "login" in fields && "password" in fields);
  if (form === undefined) throw new Error(`no sign-in form at ${asking.url}, status ${asking.status}`);
  const credentials = { login: email, password: DEMONSTRATION_PASSWORD };
  const page = await browser.open(form.action, { form: credentials, from: asking.url }, stopAt);
  return { browser, page };
}

export type ProviderTokens = {
  readonly accessToken: string;
  readonly idToken: string;
  readonly refreshToken: string;
};

const CLI_CALLBACK = "http://127.0.0.1:49152/callback";

/** What `gatehouse-cli` gets for a person: code flow with PKCE, as RFC 8252 says. */
export async function providerTokensFor(issuer: string, email: string): Promise<ProviderTokens> {
  const verifier = randomBytes(32).toString("base64url");
  const authorization = new URL(`${issuer}/auth`);
  authorization.search = new URLSearchParams({
    client_id: CLI_CLIENT_ID,
    redirect_uri: CLI_CALLBACK,
    response_type: "code",
    scope: "openid profile email",
    state: "cli",
    code_challenge: createHash("sha256").update(verifier).digest("base64url"),
    code_challenge_method: "S256",
  }).toString();
  const stopAt = (next: URL) => next.href.startsWith(CLI_CALLBACK);
  const { page } = await signIn(authorization.href, email, { stopAt });
  const code = redirectOf(page)?.searchParams.get("code");
  if (code === null || code === undefined) throw new Error(`no code after signing in, status ${page.status}`);
  const answer = await request(`${issuer}/token`, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({
      grant_type: "authorization_code",
      client_id: CLI_CLIENT_ID,
      redirect_uri: CLI_CALLBACK,
      code,
      code_verifier: verifier,
    }).toString(),
  });
  const tokens = (await answer.body.json()) as Record<string, unknown>;
  return {
    accessToken: String(tokens["access_token"]),
    idToken: String(tokens["id_token"]),
    refreshToken: String(tokens["refresh_token"]),
  };
}
