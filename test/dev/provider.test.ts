import { createHash, randomBytes } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { request } from "undici";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../core/clock.ts";
import { userIdOf } from "../../core/ids.ts";
import { verifyJwt } from "../../core/jwt.ts";
import { createLog } from "../../core/log.ts";
import { PEOPLE } from "../../dev/people.ts";
import { type DevProvider, startDevProvider } from "../../dev/provider/start.ts";
import { identityFromClaims } from "../../token-exchange/identity-from-claims.ts";
import {
  createProviderMetadata,
  type ProviderMetadataSource,
} from "../../token-exchange/provider-metadata.ts";
import { createProviderTokenVerifier } from "../../token-exchange/verify-provider-token.ts";
import { claimRules } from "../support/claim-rules.ts";
import {
  createScriptedBrowser,
  formsOf,
  type PageAnswer,
  redirectOf,
  type ScriptedBrowser,
} from "../support/scripted-browser.ts";
import { providerTokensFor, signIn } from "../support/sign-in.ts";

const DOOR = { clientId: "front-door", clientSecret: "a-secret-of-the-test" };
const CALLBACK = "http://localhost:1/auth/callback";
const HOME = "http://localhost:1/";
const atCallback = (next: URL) => next.href.startsWith(CALLBACK);
const verifier = randomBytes(32).toString("base64url");
let provider: DevProvider;
let metadata: ProviderMetadataSource;
let logoutTokens: string[];
const backchannel = createServer((incoming, response) => {
  incoming.setEncoding("utf8").on("data", (text: string) => {
    logoutTokens.push(new URLSearchParams(text).get("logout_token") ?? "");
    response.end();
  });
});

beforeAll(async () => {
  await new Promise<void>((resolve) => backchannel.listen(0, "127.0.0.1", resolve));
  const { port } = backchannel.address() as AddressInfo;
  provider = await startDevProvider({
    port: 0,
    people: PEOPLE,
    audience: "gatehouse",
    clients: [
      {
        ...DOOR,
        name: "The <front> door",
        redirectUris: [CALLBACK],
        postLogoutRedirectUris: [HOME],
        backchannelLogoutUri: `http://127.0.0.1:${port}/backchannel`,
      },
    ],
    clock: systemClock,
    log: createLog("demonstration provider", "silent"),
  });
  const { issuer } = provider;
  metadata = createProviderMetadata({ issuer, name: "Demo", timeoutMs: 8_000, fetch, clock: systemClock });
  logoutTokens = [];
});

afterAll(async () => {
  await provider.close();
  await new Promise((resolve) => backchannel.close(resolve));
});

function authorizationUrl(changes: Record<string, string | undefined> = {}): string {
  const parameters = {
    client_id: DOOR.clientId,
    redirect_uri: CALLBACK,
    response_type: "code",
    scope: "openid profile email",
    state: "the-state",
    nonce: "the-nonce",
    code_challenge: createHash("sha256").update(verifier).digest("base64url"),
    code_challenge_method: "S256",
    ...changes,
  };
  const given = Object.entries(parameters).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return `${provider.issuer}/auth?${new URLSearchParams(given)}`;
}

async function askForTokens(parameters: Record<string, string>) {
  const credentials = Buffer.from(`${DOOR.clientId}:${DOOR.clientSecret}`).toString("base64");
  const answer = await request(`${provider.issuer}/token`, {
    method: "POST",
    headers: {
      authorization: `Basic ${credentials}`,
      "content-type": "application/x-www-form-urlencoded",
    },
    body: new URLSearchParams(parameters).toString(),
  });
  return { status: answer.statusCode, body: (await answer.body.json()) as Record<string, unknown> };
}

function codeOf(page: PageAnswer): string {
  const code = redirectOf(page)?.searchParams.get("code");
  if (code === null || code === undefined) throw new Error(`no code in ${redirectOf(page)}`);
  return code;
}

function exchangeCode(code: string) {
  return askForTokens({
    grant_type: "authorization_code",
    redirect_uri: CALLBACK,
    code,
    code_verifier: verifier,
  });
}

async function signedInAs(email: string, browser: ScriptedBrowser = createScriptedBrowser()) {
  const { page } = await signIn(authorizationUrl(), email, { browser, stopAt: atCallback });
  const { body } = await exchangeCode(codeOf(page));
  return { browser, tokens: body };
}

async function claimsOfIdToken(token: unknown) {
  return verifiedClaims(String(token), undefined, DOOR.clientId);
}

async function verifiedClaims(token: string, type: string | undefined, audience: string) {
  const { kid } = JSON.parse(Buffer.from(token.split(".")[0] ?? "", "base64url").toString()) as {
    kid: string;
  };
  const key = await metadata.key(kid);
  if (!key.ok) throw new Error(key.error.code);
  const verified = verifyJwt(token, key.value.key, {
    types: [type],
    algorithms: ["RS256"],
    issuer: provider.issuer,
    audience,
    now: systemClock.now(),
    skewSeconds: 5,
  });
  if (!verified.ok) throw new Error(verified.error);
  return verified.value.claims;
}

describe("discovery", () => {
  it("is what the front door expects of a provider", async () => {
    expect(await metadata.get()).toEqual({
      ok: true,
      value: {
        issuer: provider.issuer,
        jwksUri: `${provider.issuer}/jwks`,
        tokenEndpoint: `${provider.issuer}/token`,
        endSessionEndpoint: `${provider.issuer}/session/end`,
      },
    });
    const document = await request(`${provider.issuer}/.well-known/openid-configuration`);
    expect(await document.body.json()).toMatchObject({
      issuer: provider.issuer,
      response_types_supported: ["code"],
      code_challenge_methods_supported: ["S256"],
      grant_types_supported: ["authorization_code", "refresh_token"],
      backchannel_logout_supported: true,
      backchannel_logout_session_supported: true,
    });
  });
});

describe("signing in", () => {
  it.each(PEOPLE)("tells the application who $email is, in the ID token", async (person) => {
    const { tokens } = await signedInAs(person.email);
    expect(await claimsOfIdToken(tokens["id_token"])).toMatchObject({
      sub: person.sub,
      email: person.email,
      email_verified: true,
      name: person.name,
      groups: person.groups,
      nonce: "the-nonce",
      sid: expect.any(String),
    });
  });

  it("goes back with the state and the issuer (RFC 9207)", async () => {
    const { page } = await signIn(authorizationUrl(), "alice@example.com", { stopAt: atCallback });
    const { searchParams } = redirectOf(page) ?? new URL("about:blank");
    expect([searchParams.get("state"), searchParams.get("iss")]).toEqual(["the-state", provider.issuer]);
  });

  it("is remembered by the browser until it signs out", async () => {
    const { browser } = await signedInAs("bob@example.com");
    const again = await browser.open(authorizationUrl(), {}, atCallback);
    const { body } = await exchangeCode(codeOf(again));
    expect(await claimsOfIdToken(body["id_token"])).toMatchObject({ email: "bob@example.com" });
  });

  it("may be asked for anew, and then be somebody else", async () => {
    const { browser } = await signedInAs("bob@example.com");
    const start = authorizationUrl({ prompt: "login" });
    // The library first signs bob out, by a page that sends itself.
    const { page } = await signIn(start, "dana@example.com", { browser });
    const [form] = formsOf(page);
    if (form === undefined) throw new Error(`no form at ${page.url}`);
    const end = await browser.open(form.action, { form: form.fields, from: page.url }, atCallback);
    const { body } = await exchangeCode(codeOf(end));
    expect(await claimsOfIdToken(body["id_token"])).toMatchObject({ email: "dana@example.com" });
  });

  it("does not stop for consent, even when asked to", async () => {
    const start = authorizationUrl({ prompt: "consent", scope: "openid offline_access" });
    const { page } = await signIn(start, "alice@example.com", { stopAt: atCallback });
    expect((await exchangeCode(codeOf(page))).status).toBe(200);
  });

  it("needs PKCE", async () => {
    const start = authorizationUrl({ code_challenge: undefined, code_challenge_method: undefined });
    const page = await createScriptedBrowser().open(start, {}, atCallback);
    expect(redirectOf(page)?.searchParams.get("error")).toBe("invalid_request");
  });

  it("shows an application's mistake as a page, and does not redirect to an address it does not know", async () => {
    const start = authorizationUrl({ redirect_uri: "https://evil.example/<script>" });
    const page = await createScriptedBrowser().open(start);
    expect([page.status, page.headers.location]).toEqual([400, undefined]);
    expect(page.body).toContain("<code>invalid_redirect_uri</code>");
    expect(page.body).not.toContain("<script>");
  });
});

describe("the sign-in page", () => {
  it("says what it is and lists the people, each with a form that signs in", async () => {
    const page = await createScriptedBrowser().open(authorizationUrl());
    expect(page.status).toBe(200);
    expect(page.body).toContain("<title>Demonstration sign-in</title>");
    expect(page.body).toContain("This is not a real identity provider.");
    expect(page.body).toContain("The &lt;front&gt; door asks who you are.");
    const credentials = PEOPLE.map(({ email }) => ({ login: email, password: "demo" }));
    const forms = formsOf(page);
    expect(forms.map(({ fields }) => fields)).toEqual([...credentials, { login: "", password: "" }]);
    for (const { action } of forms) expect(action.href).toBe(page.url.href);
    for (const { name, gets, groups } of PEOPLE)
      for (const text of [name, gets, ...groups]) expect(page.body).toContain(text);
  });

  it("loads nothing, runs nothing, and may only be sent to itself and back to its application", async () => {
    const page = await createScriptedBrowser().open(authorizationUrl());
    const style = createHash("sha256").update(/<style>(.*?)<\/style>/s.exec(page.body)?.[1] ?? "");
    expect(page.headers["content-security-policy"]).toBe(
      `default-src 'none'; style-src 'sha256-${style.digest("base64")}'; script-src 'none'; ` +
        "form-action 'self' http://localhost:1; frame-ancestors 'none'; base-uri 'none'",
    );
    expect(page.headers["cache-control"]).toBe("no-store");
    expect(page.body).not.toMatch(/<script|<img|<link|\sstyle=|\son[a-z]+=|https?:/);
  });

  it.each([
    ["a wrong password", "alice@example.com", "nope"],
    ["an unknown person", "mallory@example.com", "demo"],
    ["nothing", "", ""],
    ["markup", '"><script>alert(1)</script>', "demo"],
  ])("comes again with a clear word after %s, and then still works", async (_, login, password) => {
    const browser = createScriptedBrowser();
    const first = await browser.open(authorizationUrl());
    const page = await browser.open(first.url, { form: { login, password }, from: first.url });
    expect([page.status, page.url.href]).toEqual([401, first.url.href]);
    expect(page.body).toContain("That e-mail and password do not belong together.");
    expect(page.body).not.toContain("<script>");
    expect(formsOf(page).at(-1)?.fields).toEqual({ login, password: "" });
    const form = { login: " Alice@Example.com", password: "demo" };
    const end = await browser.open(page.url, { form, from: page.url }, atCallback);
    expect(codeOf(end)).not.toBe("");
  });

  it("is of one browser: another one that knows its address gets a page that says to start again", async () => {
    const asking = await createScriptedBrowser().open(authorizationUrl());
    const form = { login: "alice@example.com", password: "demo" };
    const page = await createScriptedBrowser().open(asking.url, { form });
    expect(page.status).toBe(400);
    expect(page.body).toContain("<code>sign_in_expired</code>");
  });

  it("takes no form larger than one of its own", async () => {
    const browser = createScriptedBrowser();
    const asking = await browser.open(authorizationUrl());
    const page = await browser.open(asking.url, { form: { login: "x".repeat(5_000), password: "demo" } });
    expect(page.status).toBe(413);
  });
});

describe("access tokens", () => {
  const rules = { audience: "gatehouse", types: ["at+jwt" as const], algorithms: ["RS256" as const] };

  it.each(PEOPLE)("of the command line prove who $email is to the front door", async (person) => {
    const { issuer } = provider;
    const { accessToken, idToken } = await providerTokensFor(issuer, person.email);
    const clientId = DOOR.clientId;
    const verify = createProviderTokenVerifier({
      provider: { issuer, clientId },
      rules,
      metadata,
      clock: systemClock,
    });
    const token = await verify(accessToken);
    if (!token.ok) throw new Error(JSON.stringify(token.error));
    expect([token.value.subject, token.value.clientId]).toEqual([person.sub, "gatehouse-cli"]);
    expect(token.value.expiresAt - token.value.issuedAt).toBe(3_600_000);
    expect(identityFromClaims(person.sub, token.value.claims, claimRules(issuer))).toEqual({
      ok: true,
      value: {
        userId: userIdOf(issuer, person.sub),
        issuer,
        email: person.email,
        emailVerified: true,
        emailTrusted: true,
        name: person.name,
        groups: person.groups,
      },
    });
    expect(await verify(idToken)).toEqual({
      ok: false,
      error: { code: "bearer_invalid", fault: "wrong_type" },
    });
  });

  it("are renewed by a refresh token, until the person signs out", async () => {
    const { browser, tokens } = await signedInAs("alice@example.com");
    const refresh = { grant_type: "refresh_token", refresh_token: String(tokens["refresh_token"]) };
    const renewed = await askForTokens(refresh);
    expect(await verifiedClaims(String(renewed.body["access_token"]), "at+jwt", "gatehouse")).toMatchObject({
      sub: "demo-alice",
      groups: ["engineering"],
    });
    await signOut(browser, { id_token_hint: String(tokens["id_token"]) });
    const refused = await askForTokens({ ...refresh, refresh_token: String(renewed.body["refresh_token"]) });
    expect([refused.status, refused.body["error"]]).toEqual([400, "invalid_grant"]);
  });
});

async function signOut(browser: ScriptedBrowser, parameters: Record<string, string>) {
  const asking = await browser.open(`${provider.issuer}/session/end?${new URLSearchParams(parameters)}`);
  const [form] = formsOf(asking);
  if (form === undefined) throw new Error(`no form at ${asking.url}, status ${asking.status}`);
  const atHome = (next: URL) => next.href.startsWith(HOME);
  return { asking, end: await browser.open(form.action, { form: form.fields, from: asking.url }, atHome) };
}

describe("signing out", () => {
  it("for an application ends the session, tells the application, and goes back to it", async () => {
    const { browser, tokens } = await signedInAs("alice@example.com");
    const idToken = await claimsOfIdToken(tokens["id_token"]);
    logoutTokens = [];
    const { asking, end } = await signOut(browser, {
      id_token_hint: String(tokens["id_token"]),
      post_logout_redirect_uri: HOME,
      state: "bye",
    });
    expect(asking.body).toContain("<script>document.forms[0].submit();</script>");
    expect(asking.headers["content-security-policy"]).toContain("form-action 'self' http://localhost:1;");
    expect(redirectOf(end)?.href).toBe(`${HOME}?state=bye`);
    expect(logoutTokens).toHaveLength(1);
    const logoutToken = await verifiedClaims(logoutTokens[0] ?? "", "logout+jwt", DOOR.clientId);
    expect(logoutToken).toMatchObject({
      sub: "demo-alice",
      sid: idToken["sid"],
      events: { "http://schemas.openid.net/event/backchannel-logout": {} },
    });
    const next = await browser.open(authorizationUrl());
    expect(next.body).toContain("Demonstration sign-in");
  });

  it("for nobody in particular is asked about first, and ends on a page that says so", async () => {
    const { browser } = await signedInAs("alice@example.com");
    const { asking, end } = await signOut(browser, {});
    expect(asking.body).not.toContain("<script");
    expect(asking.body).toContain('<button class="submit" type="submit">Sign out</button>');
    expect(end.status).toBe(200);
    expect(end.body).toContain("<title>Signed out</title>");
  });

  it("never goes on to an address that the application has not registered", async () => {
    const { browser, tokens } = await signedInAs("alice@example.com");
    const parameters = new URLSearchParams({
      id_token_hint: String(tokens["id_token"]),
      post_logout_redirect_uri: "https://evil.example/",
    });
    const page = await browser.open(`${provider.issuer}/session/end?${parameters}`);
    expect([page.status, page.headers.location]).toEqual([400, undefined]);
  });
});

describe("starting", () => {
  it("names a port that is taken", async () => {
    const again = startDevProvider({
      port: provider.port,
      people: PEOPLE,
      audience: "gatehouse",
      clients: [],
      clock: systemClock,
      log: createLog("demonstration provider", "silent"),
    });
    await expect(again).rejects.toMatchObject({ code: "EADDRINUSE", port: provider.port });
  });
});
