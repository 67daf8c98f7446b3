// Two real providers beside each other: people choose one, each session stays with its own, and neither takes the
// other down. What a hostile one tries is in test/attack/several-providers.test.ts.
import type { ServerResponse } from "node:http";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Clock, systemClock } from "../../core/clock.ts";
import { PEOPLE } from "../../dev/people.ts";
import { type RealFaultProvider, startRealFaultProvider } from "../support/fault-provider-real.ts";
import { type FrontDoorFixture, startTestFrontDoor } from "../support/front-door-fixture.ts";
import { createScriptedBrowser, type PageAnswer, type ScriptedBrowser } from "../support/scripted-browser.ts";
import { signIn } from "../support/sign-in.ts";

const MINUTE = 60_000;
const API = { accept: "application/json", "sec-fetch-mode": "cors" };
const hangUp = (response: ServerResponse) => void response.destroy();

let company: RealFaultProvider;
let partner: RealFaultProvider;
let door: FrontDoorFixture;
/** How far the front door's clock has been moved. */
let shiftMs: number;

function settings() {
  const client = { clientId: "gatehouse", clientSecret: "a-client-secret", timeout: "2s" };
  return {
    company: { ...client, name: "Company", issuer: company.issuer, emailDomains: ["example.com"] },
    partner: {
      ...client,
      name: "<b>Partner</b> & Söhne\u202e",
      issuer: partner.issuer,
      emailDomains: ["partner.example"],
      groups: { prefix: "partner/" },
    },
  };
}

beforeEach(async () => {
  shiftMs = 0;
  // People of the partner with the subjects, e-mails and groups of the company's.
  [company, partner] = await Promise.all([
    startRealFaultProvider(),
    startRealFaultProvider({ host: "127.0.0.1", people: PEOPLE }),
  ]);
  const clock: Clock = {
    ...systemClock,
    now: () => systemClock.now() + shiftMs,
    monotonic: () => systemClock.monotonic() + shiftMs,
  };
  door = await startTestFrontDoor({
    gateways: {
      cloud: { endpoints: { "cloud-1": "http://127.0.0.1:9", "cloud-2": "http://127.0.0.1:7" } },
      berlin: { endpoints: { "berlin-1": "http://127.0.0.1:11" } },
    },
    routes: [{ users: ["alice@example.com"], to: "berlin" }, { to: "cloud" }],
    access: {
      agents: {
        assistant: { name: "Assistant" },
        analyst: { name: "Analyst" },
        coder: { name: "Coder" },
      },
      groups: {
        finance: { agents: ["coder"] },
        "partner/finance": { agents: ["coder"] },
        engineering: { agents: ["assistant"] },
        "partner/engineering": { agents: ["assistant", "analyst"] },
      },
      users: { "alice@example.com": { roles: ["ops"] } },
    },
    clock,
    config: { providers: settings() },
  });
  company.serve(door.publicUrl, "company");
  partner.serve(door.publicUrl, "partner");
});
afterEach(async () => {
  await door.close();
  await Promise.all([company.close(), partner.close()]);
});

/** The links of the choice, in their order. */
function choicesOf({ url, body }: PageAnswer): readonly { readonly href: URL; readonly text: string }[] {
  return [...body.matchAll(/<li><a class="[^"]*" href="([^"]*)">(.*?)<\/a><\/li>/g)].map(
    ([, href = "", text = ""]) => ({ href: new URL(href.replaceAll("&amp;", "&"), url), text }),
  );
}

async function choose(browser: ScriptedBrowser, path: string, provider: string): Promise<PageAnswer> {
  const choice = await browser.open(`${door.publicUrl}${path}`);
  const link = choicesOf(choice).find(({ href }) => href.searchParams.get("provider") === provider);
  if (link === undefined) throw new Error(`no choice of ${provider} at ${choice.url}: ${choice.body}`);
  const { page } = await signIn(link.href.href, "alice@example.com", { browser });
  return page;
}

async function signedIn(provider: string): Promise<ScriptedBrowser> {
  const browser = createScriptedBrowser();
  const page = await choose(browser, "/", provider);
  expect([page.url.href, page.status]).toEqual([`${door.publicUrl}/`, 200]);
  return browser;
}

async function me(browser: ScriptedBrowser): Promise<{ status: number; body: Record<string, unknown> }> {
  const { status, body } = await browser.send(`${door.publicUrl}/api/me`, { headers: API });
  return { status, body: JSON.parse(body) };
}

describe("signing in", () => {
  it("offers the providers by name, as text, and leads each tab to where it was going", async () => {
    const browser = createScriptedBrowser();
    const choice = await browser.open(`${door.publicUrl}/chat/assistant?x=1`);
    expect({ status: choice.status, cache: choice.headers["cache-control"] }).toEqual({
      status: 200,
      cache: "no-store",
    });
    expect(choicesOf(choice)).toEqual([
      {
        href: new URL(`${door.publicUrl}/auth/login?return_to=%2Fchat%2Fassistant%3Fx%3D1&provider=company`),
        text: "<bdi>Company</bdi>",
      },
      {
        href: new URL(`${door.publicUrl}/auth/login?return_to=%2Fchat%2Fassistant%3Fx%3D1&provider=partner`),
        text: "<bdi>&lt;b&gt;Partner&lt;/b&gt; &amp; Söhne[U+202E]</bdi>",
      },
    ]);
    const page = await choose(browser, "/chat/assistant?x=1", "partner");
    expect([page.url.href, page.status]).toEqual([`${door.publicUrl}/chat/assistant?x=1`, 200]);
    // Another tab, still at its choice: who is signed in goes on, to this tab's own address.
    for (const named of ["", "&provider=partner", "&provider=gone"]) {
      const other = await browser.open(`${door.publicUrl}/auth/login?return_to=%2F%3Ftab%3D2${named}`);
      expect(other.url.href).toBe(`${door.publicUrl}/?tab=2`);
    }
  });

  it("with another provider than one is signed in with changes nothing, and says so", async () => {
    const browser = await signedIn("partner");
    const state = { provider: "company", returnTo: `${door.publicUrl}/chat/assistant`, startedAt: 1 };
    const query = new URLSearchParams({
      code: "a-code",
      state: Buffer.from(JSON.stringify({ ...state, restarts: 0, id: "x" })).toString("base64url"),
    });
    const before = company.requests.filter((path) => path === "/token").length;
    for (const address of [
      "/auth/login?return_to=%2Fchat%2Fassistant&provider=company",
      `/auth/callback/company?${query}`,
    ]) {
      const { status, body } = await browser.open(`${door.publicUrl}${address}`);
      expect(status).toBe(409);
      for (const part of [
        "<h1>You are already signed in</h1>",
        "You are signed in with &lt;b&gt;Partner&lt;/b&gt; &amp; Söhne[U+202E], and that has not changed. To sign in with Company instead, sign out first.",
        '<a class="button primary" id="again" href="/chat/assistant">Go on</a>',
        '<form method="post" action="/auth/logout">',
        "<dt>Signed in as</dt><dd><bdi>alice@example.com</bdi></dd>",
      ])
        expect(body).toContain(part);
    }
    expect(company.requests.filter((path) => path === "/token").length).toBe(before);
    expect((await me(browser)).body["provider"]).toBe("<b>Partner</b> & Söhne\u202e");
    const lines = (await door.closeAndReadAudit()).filter(({ kind }) => kind === "login");
    const refused = {
      outcome: "denied",
      code: "signed_in_otherwise",
      reason: "signed_in_otherwise provider=Company signedInWith=<b>Partner</b> & Söhne\u202e",
      provider: "company",
      email: "alice@example.com",
    };
    expect(lines).toEqual([
      expect.objectContaining({ outcome: "allowed", provider: "partner" }),
      expect.objectContaining({ ...refused, path: "/auth/login" }),
      expect.objectContaining({ ...refused, path: "/auth/callback/company" }),
    ]);
  });

  it.each(["/auth/login/", "/AUTH/login", "/auth/callback/company/"])(
    "is at addresses of one spelling: %s is none",
    async (path) => {
      const browser = await signedIn("partner");
      const { status } = await browser.open(`${door.publicUrl}${path}?return_to=%2F&provider=company`);
      expect(status).toBe(404);
    },
  );

  it("offers the provider last used first, by a cookie that holds nothing but its id", async () => {
    const browser = await signedIn("partner");
    const [cookie, ...more] = browser.jar.all().filter(({ name }) => name === "gatehouse-provider");
    expect([cookie?.value, more]).toEqual(["partner", []]);
    expect(Object.fromEntries(cookie?.attributes ?? [])).toMatchObject({
      path: "/",
      httponly: "",
      samesite: "Lax",
      "max-age": String(365 * 24 * 60 * 60),
    });
    await browser.send(`${door.publicUrl}/auth/logout`, { method: "POST", from: new URL(door.publicUrl) });
    const choice = await browser.open(`${door.publicUrl}/`);
    expect(choicesOf(choice).map(({ text }) => text)).toEqual([
      '<bdi>&lt;b&gt;Partner&lt;/b&gt; &amp; Söhne[U+202E]</bdi> <span class="note">last used</span>',
      "<bdi>Company</bdi>",
    ]);
  });

  it.each([
    "gatehouse-provider=gone",
    "gatehouse-provider=partner; gatehouse-provider=company",
    'gatehouse-provider="><b>',
  ])("passes over a cookie that says %s", async (cookie) => {
    const choice = await createScriptedBrowser().send(`${door.publicUrl}/auth/login`, {
      headers: { cookie },
    });
    expect(choicesOf(choice).map(({ href }) => href.searchParams.get("provider"))).toEqual([
      "company",
      "partner",
    ]);
    expect(choice.body).not.toContain("last used");
  });

  it.each([
    "",
    "&provider=",
    "&provider=gone",
    "&provider=company&provider=partner",
    "&provider=constructor",
  ])("asks for a choice when the address says %j", async (more) => {
    const { status, body } = await createScriptedBrowser().send(
      `${door.publicUrl}/auth/login?return_to=//evil.example${more}`,
    );
    expect([status, body.includes("Where is your account?"), body.includes("evil")]).toEqual([
      200,
      true,
      false,
    ]);
  });

  it("answers programs as ever: 401, and no choice", async () => {
    const { status, body } = await me(createScriptedBrowser());
    expect([status, body["error"]]).toEqual([401, expect.objectContaining({ code: "session_missing" })]);
  });
});

describe("two people of one subject, one e-mail and one group name at two providers", () => {
  it("never meet: neither in rights, nor in places, nor in sessions", async () => {
    const [ours, theirs] = [await signedIn("company"), await signedIn("partner")];
    const [one, other] = [(await me(ours)).body, (await me(theirs)).body];
    expect(one["id"]).not.toBe(other["id"]);
    expect([one["email"], other["email"]]).toEqual(["alice@example.com", "alice@example.com"]);
    expect([one["groups"], other["groups"]]).toEqual([["engineering"], ["partner/engineering"]]);
    expect([one["roles"], other["roles"]]).toEqual([["ops"], []]);
    const places = ({ agents }: Record<string, unknown>) =>
      (agents as { id: string; gateway: string }[]).map(({ id, gateway }) => [id, gateway]);
    expect(places(one)).toEqual([["assistant", "berlin"]]);
    expect(places(other)).toEqual([
      ["assistant", "cloud"],
      ["analyst", "cloud"],
    ]);
    expect([one["provider"], other["provider"]]).toEqual(["Company", "<b>Partner</b> & Söhne\u202e"]);
    for (const browser of [ours, theirs]) {
      const { body } = await browser.send(`${door.publicUrl}/api/me/sessions`, { headers: API });
      expect(JSON.parse(body).sessions.length).toBe(1);
    }
  });

  it("are told of groups of their own provider alone, with its name to pass on", async () => {
    const grants = async (browser: ScriptedBrowser) => {
      const { body } = await browser.send(`${door.publicUrl}/chat/coder`, {
        headers: { accept: "text/html", "sec-fetch-mode": "navigate" },
      });
      return [
        /<p id="message"><bdi>(.*?)<\/bdi>/.exec(body)?.[1],
        /<dt>Signed in with<\/dt><dd><bdi>(.*?)<\/bdi>/.exec(body)?.[1],
      ];
    };
    expect(await grants(await signedIn("company"))).toEqual([
      "None of your groups grants it. Groups that do: finance.",
      "Company",
    ]);
    expect(await grants(await signedIn("partner"))).toEqual([
      "None of your groups grants it. Groups that do: partner/finance.",
      "&lt;b&gt;Partner&lt;/b&gt; &amp; Söhne\u202e",
    ]);
  });

  it("signed out at one provider, by its back channel or from here, stay signed in at the other", async () => {
    const [ours, theirs] = [await signedIn("company"), await signedIn("partner")];
    const out = await ours.send(`${door.publicUrl}/auth/logout`, {
      method: "POST",
      from: new URL(door.publicUrl),
    });
    const location = new URL(String(out.headers.location));
    expect([location.origin, location.searchParams.get("post_logout_redirect_uri")]).toEqual([
      company.issuer,
      `${door.publicUrl}/signed-out`,
    ]);
    expect([(await me(ours)).status, (await me(theirs)).status]).toEqual([401, 200]);
    const again = await theirs.send(`${door.publicUrl}/auth/logout`, {
      method: "POST",
      from: new URL(door.publicUrl),
    });
    expect(new URL(String(again.headers.location)).origin).toBe(partner.issuer);
    // Nobody knows any more where this browser was signed in.
    const third = await theirs.send(`${door.publicUrl}/auth/logout`, {
      method: "POST",
      from: new URL(door.publicUrl),
    });
    expect(third.headers.location).toBe(`${door.publicUrl}/signed-out`);
  });
});

describe("a provider that is away", () => {
  it("says so on its button, names the way to the others, and takes nobody down with it", async () => {
    const browser = createScriptedBrowser();
    const checks = async () => {
      const { status, body } = await browser.send(`${door.publicUrl}/readyz`, { headers: API });
      return [
        status,
        JSON.parse(body).checks["provider.company"],
        JSON.parse(body).checks["provider.partner"],
      ];
    };
    await expect.poll(checks).toEqual([200, "up", "up"]);
    company.answer("*", hangUp);
    // What is known of it, from when it was there, counts no more.
    shiftMs += MINUTE;
    const refused = await browser.open(
      `${door.publicUrl}/auth/login?return_to=%2Fchat%2Fassistant&provider=company`,
    );
    expect([refused.status, refused.body]).toEqual([
      503,
      expect.stringContaining("Company is not answering"),
    ]);
    expect(refused.body).toContain(
      '<a class="button" href="/auth/login?return_to=%2Fchat%2Fassistant">Sign in another way</a>',
    );
    const choice = await browser.open(`${door.publicUrl}/chat/assistant`);
    expect(choicesOf(choice)[0]?.text).toBe(
      '<bdi>Company</bdi> <span class="note">not answering at the moment</span>',
    );
    expect(await checks()).toEqual([200, "down", "up"]);
    const page = await choose(browser, "/chat/assistant", "partner");
    expect([page.url.href, page.status]).toEqual([`${door.publicUrl}/chat/assistant`, 200]);
  });

  it("is not asked about another provider's session, nor the other about its own", async () => {
    const shortLived = (body: object) => ({ ...body, expires_in: 30 });
    company.change("/token", shortLived);
    partner.change("/token", shortLived);
    const [ours, theirs] = [await signedIn("company"), await signedIn("partner")];
    const tokens = ({ requests }: RealFaultProvider) => requests.filter((path) => path === "/token").length;
    const before = [tokens(company), tokens(partner)];
    company.answer("/token", hangUp);
    shiftMs = 5 * MINUTE;
    expect([(await me(ours)).status, (await me(theirs)).status]).toEqual([200, 200]);
    await expect.poll(() => [tokens(company), tokens(partner)]).toEqual(before.map((count) => count + 1));
    // Past the grace only the answer of its own provider opens a session: the partner's has been given.
    shiftMs = 13 * MINUTE;
    expect([(await me(ours)).status, (await me(theirs)).status]).toEqual([503, 200]);
  });
});

describe("when the configuration's providers change", () => {
  const reasons = async () =>
    (await door.auditLines())
      .filter(({ reason }) => reason === "provider_changed")
      .map(({ kind, userId, email }) => [kind, userId, email]);

  it("the sessions of one that is gone end before anybody can use them", async () => {
    const [ours, theirs] = [await signedIn("company"), await signedIn("partner")];
    const { id } = (await me(theirs)).body;
    const { company: only } = settings();
    await door.restart({}, { providers: { company: only } });
    expect([(await me(ours)).status, (await me(theirs)).status]).toEqual([200, 401]);
    await expect.poll(reasons).toEqual([["logout", id, "alice@example.com"]]);
  });

  it("sessions end that hold what their provider may no longer say, and nobody else's", async () => {
    const [ours, theirs] = [await signedIn("company"), await signedIn("partner")];
    const { id } = (await me(theirs)).body;
    const { partner: theirsBefore, company: oursBefore } = settings();
    await door.restart(
      {},
      { providers: { company: oursBefore, partner: { ...theirsBefore, groups: { prefix: "p/" } } } },
    );
    expect([(await me(ours)).status, (await me(theirs)).status]).toEqual([200, 401]);
    await expect.poll(reasons).toEqual([["logout", id, "alice@example.com"]]);
  });

  it("sessions of before go on when a provider is added to the one there was", async () => {
    const { company: only, partner: added } = settings();
    const { emailDomains: _, ...alone } = only;
    await door.restart({}, { providers: { company: alone } });
    const browser = createScriptedBrowser();
    const { page } = await signIn(`${door.publicUrl}/`, "alice@example.com", { browser });
    expect(page.url.href).toBe(`${door.publicUrl}/`);
    await door.restart({}, { providers: { company: only, partner: added } });
    expect((await me(browser)).status).toBe(200);
  });
});
