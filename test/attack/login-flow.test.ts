// Attacks on the way to the provider and back: a callback that belongs to somebody else, came too late, came twice
// or says too much (rows S45, S52 to S54, S61; checklist 1 to 4, 8 to 11).
import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../core/clock.ts";
import { type DemoFixture, startTestDemo } from "../support/demo-fixture.ts";
import { type FaultProvider, startFaultProvider } from "../support/fault-provider.ts";
import {
  ALICE,
  type FrontDoorFixture,
  type FrontDoorOptions,
  startTestFrontDoor,
} from "../support/front-door-fixture.ts";
import {
  type BegunLogin,
  beginLogin,
  callbackQuery,
  comeBack,
  cookiesSetBy,
  expectRefused,
  loginsIn,
  navigate,
  setCookieLines,
  truthOf,
} from "../support/login-walk.ts";
import { createManualClock } from "../support/manual-clock.ts";
import { head, rawExchange } from "../support/raw-client.ts";
import { createScriptedBrowser, formsOf } from "../support/scripted-browser.ts";
import { signIn } from "../support/sign-in.ts";

const NOWHERE = { cloud: { endpoints: { "cloud-1": "http://127.0.0.1:9" } } };

let provider: FaultProvider;
beforeAll(async () => {
  provider = await startFaultProvider();
});
afterAll(() => provider.close());

function startDoor(options: Partial<FrontDoorOptions> = {}): Promise<FrontDoorFixture> {
  return startTestFrontDoor({ gateways: NOWHERE, issuer: provider.issuer, ...options });
}

/** Some other character of base64url: one put in by name would be the right one in one run of 64. */
function otherByte(byte: string): string {
  return byte === "A" ? "B" : "A";
}

describe("a callback", () => {
  it("checklist 1, S54: the code is bound by PKCE S256, at the provider and in the exchange", async () => {
    const door = await startDoor();
    const begun = await beginLogin(door);
    expect(Object.fromEntries(begun.asked)).toEqual({
      client_id: "gatehouse",
      redirect_uri: `${door.publicUrl}/auth/callback`,
      response_type: "code",
      scope: "openid profile email",
      state: expect.stringMatching(/^[A-Za-z0-9_-]{40,}$/),
      nonce: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/),
      code_challenge: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/),
      code_challenge_method: "S256",
    });
    provider.give(truthOf(provider, begun));
    await comeBack(door, callbackQuery(begun), begun.cookie);
    const exchange = provider.requests.findLast(({ path }) => path === "/token")?.form;
    const challenge = createHash("sha256")
      .update(exchange?.get("code_verifier") ?? "")
      .digest("base64url");
    expect([exchange?.get("code"), exchange?.get("redirect_uri"), challenge]).toEqual([
      "a-code",
      `${door.publicUrl}/auth/callback`,
      begun.asked.get("code_challenge"),
    ]);
    await door.close();
  });

  it("S53: with somebody else's code and state, and no record of a login, gives no session", async () => {
    const door = await startDoor();
    const theirs = await beginLogin(door);
    provider.give(truthOf(provider, theirs));
    const exchanges = provider.requests.length;
    const answer = await comeBack(door, callbackQuery(theirs));
    // The victim starts a login of their own; the attacker's code is never exchanged.
    expect([answer.status, answer.headers.get("location"), cookiesSetBy(answer).has("gatehouse")]).toEqual([
      303,
      `${door.publicUrl}/auth/login?return_to=%2F&restarts=1`,
      false,
    ]);
    expect(provider.requests.slice(exchanges).filter(({ path }) => path === "/token")).toEqual([]);
    await door.close();
  });

  it("S53: with somebody else's code and state over one's own record gives no session", async () => {
    const door = await startDoor();
    const theirs = await beginLogin(door);
    const mine = await beginLogin(door);
    provider.give(truthOf(provider, theirs));
    const exchanges = provider.requests.length;
    const answer = await comeBack(door, callbackQuery(theirs), mine.cookie);
    expect([answer.status, setCookieLines(answer)]).toEqual([200, []]);
    expect(provider.requests.slice(exchanges).filter(({ path }) => path === "/token")).toEqual([]);
    await door.close();
  });

  it("of a tab that another one has overtaken waits for it, and takes nothing from it", async () => {
    const door = await startDoor();
    const mine = await beginLogin(door, "/auth/login?return_to=/chat/coder");
    const other = await beginLogin(door);
    const waits = await comeBack(door, callbackQuery(mine), other.cookie);
    const onwards = `${door.publicUrl}/auth/login?return_to=%2Fchat%2Fcoder&restarts=1`;
    expect([waits.status, waits.headers.get("refresh"), waits.headers.get("cache-control")]).toEqual([
      200,
      `2;url=${onwards}`,
      "no-store",
    ]);
    expect(waits.body).toContain(`href="${onwards.replace("&", "&amp;")}"`);
    provider.give(truthOf(provider, other));
    const arrived = await comeBack(door, callbackQuery(other), other.cookie);
    expect(cookiesSetBy(arrived).has("gatehouse")).toBe(true);
    await door.close();
  });

  it("that is overtaken again and again waits longer, and says in the end that it did not work", async () => {
    const door = await startDoor();
    const again = async (restarts: number) => {
      const mine = await beginLogin(door, `/auth/login?restarts=${restarts}`);
      return comeBack(door, callbackQuery(mine), (await beginLogin(door)).cookie);
    };
    expect((await again(1)).headers.get("refresh")).toMatch(/^5;url=.*restarts=2$/);
    const last = await again(2);
    expectRefused(last, 400, "This sign-in link works no more");
    expect(last.body).toContain('href="/auth/login?return_to=%2F">Sign in again</a>');
    await door.close();
  });

  it("restarts at most twice, then says that it did not work", async () => {
    const door = await startDoor();
    const third = await beginLogin(door, "/auth/login?restarts=2");
    expectRefused(await comeBack(door, callbackQuery(third)), 400, "This sign-in link works no more");
    await door.close();
  });

  it.each([
    ["S52: two codes", (b: BegunLogin) => `${callbackQuery(b)}&code=other`],
    ["S52: two codes, ours last", (b: BegunLogin) => `code=other&${callbackQuery(b)}`],
    ["S52: two states", (b: BegunLogin) => `${callbackQuery(b)}&state=other`],
    ["S52: two states, ours last", (b: BegunLogin) => `state=other&${callbackQuery(b)}`],
    ["S52: one state twice", (b: BegunLogin) => `${callbackQuery(b)}&state=${b.asked.get("state")}`],
    ["no state", (b: BegunLogin) => callbackQuery(b, { state: undefined })],
    ["an empty state", (b: BegunLogin) => callbackQuery(b, { state: "" })],
    ["a state of another form", (b: BegunLogin) => callbackQuery(b, { state: "abc" })],
    ["no code", (b: BegunLogin) => callbackQuery(b, { code: undefined })],
    ["an error beside the code", (b: BegunLogin) => callbackQuery(b, { error: "access_denied" })],
    [
      "checklist 3: an issuer that is another",
      (b: BegunLogin) => callbackQuery(b, { iss: "https://evil.example" }),
    ],
    ["checklist 3: two issuers", (b: BegunLogin) => `${callbackQuery(b, { iss: provider.issuer })}&iss=x`],
    [
      "an ID token in the address",
      (b: BegunLogin) => callbackQuery(b, { id_token: truthOf(provider, b), code: undefined }),
    ],
    ["a code list in brackets", (b: BegunLogin) => callbackQuery(b, { code: undefined, "code[]": "a" })],
  ])("with %s gives no session and a clear page", async (_name, queryOf) => {
    const door = await startDoor();
    const begun = await beginLogin(door);
    provider.give(truthOf(provider, begun));
    const answer = await comeBack(door, queryOf(begun), begun.cookie);
    expectRefused(answer, 400, /Signing in did not work|This sign-in link works no more/);
    await door.close();
  });

  it("checklist 3: without the issuer that the provider says it always sends gives no session", async () => {
    provider.describe({ authorization_response_iss_parameter_supported: true });
    const door = await startDoor();
    const begun = await beginLogin(door);
    provider.give(truthOf(provider, begun));
    expectRefused(await comeBack(door, callbackQuery(begun), begun.cookie), 400, "Signing in did not work");
    const again = await beginLogin(door);
    provider.give(truthOf(provider, again));
    const withIssuer = await comeBack(door, callbackQuery(again, { iss: provider.issuer }), again.cookie);
    expect(cookiesSetBy(withIssuer).has("gatehouse")).toBe(true);
    provider.describe({});
    await door.close();
  });

  it.each([
    [
      "S45: with a byte of its state changed",
      (cookie: string) => cookie.replace(/(?<=state%22%3A%22)./, otherByte),
    ],
    [
      "S45: with a byte of its nonce changed",
      (cookie: string) => cookie.replace(/(?<=nonce%22%3A%22)./, otherByte),
    ],
    [
      "S45: with a byte of its signature changed",
      (cookie: string) => cookie.replace(/(?<=\.).(?=[^.]*$)/, otherByte),
    ],
    ["S45: without its signature", (cookie: string) => cookie.replace(/\.[^.]*$/, "")],
    ["S64: twice, the other one first", (cookie: string) => `gatehouse-login=x.y; ${cookie}`],
  ])("a browser's record %s gives no session", async (_name, change) => {
    const door = await startDoor();
    const begun = await beginLogin(door);
    provider.give(truthOf(provider, begun));
    const answer = await comeBack(door, callbackQuery(begun), change(begun.cookie));
    expect([[200, 303, 400].includes(answer.status), cookiesSetBy(answer).has("gatehouse")]).toEqual([
      true,
      false,
    ]);
    await door.close();
  });

  it("of a record signed by another front door gives no session", async () => {
    const door = await startDoor();
    const stranger = await startDoor({ config: { encryptionKey: "ab".repeat(32) } });
    const begun = await beginLogin(stranger);
    provider.give(truthOf(provider, begun));
    const answer = await comeBack(door, callbackQuery(begun), begun.cookie);
    expect([answer.status, cookiesSetBy(answer).has("gatehouse")]).toEqual([400, false]);
    await door.close();
    await stranger.close();
  });

  it.each(["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])(
    "S61: as %s is refused, with or without a body",
    async (method) => {
      const door = await startDoor();
      const begun = await beginLogin(door);
      provider.give(truthOf(provider, begun));
      for (const body of ["", callbackQuery(begun)]) {
        const lines = [
          `${method} /auth/callback?${callbackQuery(begun)} HTTP/1.1`,
          `Host: ${door.host}`,
          `Cookie: ${begun.cookie}`,
          "Content-Type: application/x-www-form-urlencoded",
          `Content-Length: ${body.length}`,
        ];
        const answer = await rawExchange(door.port, `${head(...lines)}${body}`);
        expect([answer.status, answer.headers.get("allow"), setCookieLines(answer)]).toEqual([
          405,
          "GET",
          [],
        ]);
      }
      await door.close();
    },
  );

  it("checklist 2: begun more than ten minutes ago starts once more", async () => {
    const clock = createManualClock(systemClock.now());
    const door = await startDoor({ clock });
    const begun = await beginLogin(door, "/auth/login?return_to=/chat/coder");
    clock.advance(10 * 60_000 + 1);
    provider.give(truthOf(provider, begun));
    const late = await comeBack(door, callbackQuery(begun), begun.cookie);
    expect([late.status, late.headers.get("location"), cookiesSetBy(late).has("gatehouse")]).toEqual([
      303,
      `${door.publicUrl}/auth/login?return_to=%2Fchat%2Fcoder&restarts=1`,
      false,
    ]);
    expect(loginsIn(await door.closeAndReadAudit())).toEqual([["denied", "login_expired", "login_expired"]]);
  });

  it("checklist 2: begun just ten minutes ago signs in", async () => {
    const clock = createManualClock(systemClock.now());
    const door = await startDoor({ clock });
    const begun = await beginLogin(door);
    clock.advance(10 * 60_000);
    provider.give(truthOf(provider, begun));
    const answer = await comeBack(door, callbackQuery(begun), begun.cookie);
    expect(cookiesSetBy(answer).has("gatehouse")).toBe(true);
    await door.close();
  });

  it("replayed by who is signed in goes on, and makes no other session", async () => {
    const door = await startDoor();
    const begun = await beginLogin(door, "/auth/login?return_to=/chat/coder");
    provider.give(truthOf(provider, begun));
    const first = await comeBack(door, callbackQuery(begun), begun.cookie);
    const session = `gatehouse=${cookiesSetBy(first).get("gatehouse")}`;
    const exchanges = provider.requests.length;
    const again = await comeBack(door, callbackQuery(begun), `${begun.cookie}; ${session}`);
    expect([again.status, again.headers.get("location"), setCookieLines(again)]).toEqual([
      303,
      `${door.publicUrl}/chat/coder`,
      [],
    ]);
    expect(provider.requests.length).toBe(exchanges);
    await door.close();
  });

  it("replayed with the code used up gives no session", async () => {
    const door = await startDoor();
    const begun = await beginLogin(door);
    provider.answer("token", (response) =>
      response.writeHead(400, { "content-type": "application/json" }).end('{"error":"invalid_grant"}'),
    );
    const answer = await comeBack(door, callbackQuery(begun), begun.cookie);
    provider.answer("token", undefined);
    expectRefused(answer, 400, "This sign-in link works no more");
    expect(answer.body).toContain('id="again" href="/auth/login?return_to=%2F">Sign in again</a>');
    expect(loginsIn(await door.closeAndReadAudit())).toEqual([
      ["denied", "login_link_used", "invalid_grant"],
    ]);
  });

  it("of a provider whose clock is far from ours says so, and blames nobody's device", async () => {
    const clock = createManualClock(systemClock.now() - 95_000);
    const door = await startDoor({ clock });
    const begun = await beginLogin(door);
    provider.give(truthOf(provider, begun));
    const answer = await comeBack(door, callbackQuery(begun), begun.cookie);
    expectRefused(answer, 503, "Two clocks do not agree");
    expect(answer.body).toMatch(/are 9[456] seconds apart/);
    expect(loginsIn(await door.closeAndReadAudit())).toEqual([
      [
        "denied",
        "clock_skew",
        expect.stringMatching(/^clock_skew provider=Example SSO offsetSeconds=9[456]$/),
      ],
    ]);
  });

  it("checklist 10: its code goes nowhere but to the provider: no Referer, no cache, no echo", async () => {
    const door = await startDoor();
    const begun = await beginLogin(door);
    const error = await comeBack(
      door,
      callbackQuery(begun, { code: "SECRET-CODE", error: "x" }),
      begun.cookie,
    );
    provider.give(truthOf(provider, begun));
    const success = await comeBack(door, callbackQuery(begun, { code: "SECRET-CODE" }), begun.cookie);
    for (const answer of [error, success, begun.answer]) {
      expect(answer.headers.get("cache-control")).toBe("no-store");
      expect(["no-referrer", "same-origin"]).toContain(answer.headers.get("referrer-policy"));
      expect(answer.text).not.toContain("SECRET-CODE");
    }
    await door.close();
  });

  it("checklist 11: no page of the way can be framed", async () => {
    const door = await startDoor();
    const begun = await beginLogin(door);
    const answers = [
      begun.answer,
      await comeBack(door, callbackQuery(begun, { error: "x" }), begun.cookie),
      await navigate(door, "/"),
      await navigate(door, "/signed-out"),
      await navigate(door, "/nothing-here"),
      await navigate(door, "/", `Cookie: ${await door.signIn(ALICE)}`),
    ];
    for (const answer of answers) {
      expect(answer.headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
      expect(answer.headers.get("x-frame-options")).toBe("DENY");
    }
    await door.close();
  });
});

describe("the provider's own documents", () => {
  const discover = (changes: Record<string, unknown>) => provider.describe(changes);

  it.each([
    ["checklist 4: another issuer", { issuer: "https://evil.example" }],
    ["checklist 4: the issuer with a slash more", { issuer: "ISSUER/" }],
    ["checklist 4: no issuer", { issuer: undefined }],
  ])("%s: nobody is sent there", async (_name, changes) => {
    discover(
      Object.fromEntries(
        Object.entries(changes).map(([name, value]) => [name, value?.replace("ISSUER", provider.issuer)]),
      ),
    );
    const door = await startDoor();
    const answer = await navigate(door, "/auth/login");
    discover({});
    expectRefused(answer, 503, "Example SSO is not answering");
    expect([answer.headers.get("location"), answer.headers.get("retry-after")]).toEqual([undefined, "5"]);
    await door.close();
  });

  it("checklist 9: a token endpoint that redirects gets no second request with the code", async () => {
    const door = await startDoor();
    const begun = await beginLogin(door);
    const seen = provider.requests.length;
    provider.answer("token", (response) => response.writeHead(307, { location: "/elsewhere" }).end());
    const answer = await comeBack(door, callbackQuery(begun), begun.cookie);
    provider.answer("token", undefined);
    expect([answer.status, cookiesSetBy(answer).has("gatehouse")]).toEqual([503, false]);
    expect(provider.requests.slice(seen).map(({ path }) => path)).toEqual(["/token"]);
    await door.close();
  });

  it("checklist 9: no answer of the door is a 307 or 308", async () => {
    const door = await startDoor();
    const cookie = await door.signIn(ALICE);
    const logout = await rawExchange(
      door.port,
      head(
        "POST /auth/logout HTTP/1.1",
        `Host: ${door.host}`,
        `Origin: ${door.publicUrl}`,
        "Accept: text/html",
        `Cookie: ${cookie}`,
        "Content-Length: 0",
      ),
    );
    expect([logout.status, logout.headers.get("location")]).toEqual([303, `${door.publicUrl}/signed-out`]);
    await door.close();
  });
});

describe("with the embedded provider", () => {
  let demo: DemoFixture;
  beforeAll(async () => {
    demo = await startTestDemo();
  });
  afterAll(() => demo.close());

  it("two tabs that begin a login both arrive, each where it wanted to go", async () => {
    const origin = demo.demo.publicUrl;
    const browser = createScriptedBrowser();
    const one = await browser.open(`${origin}/auth/login?return_to=/chat/assistant`);
    const two = await browser.open(`${origin}/auth/login?return_to=/chat/coder`);
    const submit = async (page: typeof one) => {
      const form = formsOf(page).find(({ fields }) => "login" in fields);
      return browser.open(form?.action ?? "", {
        form: { login: "alice@example.com", password: "demo" },
        from: page.url,
      });
    };
    const first = await submit(one);
    const second = await submit(two);
    expect([first.status, first.url.href, second.status, second.url.href]).toEqual([
      200,
      `${origin}/chat/assistant`,
      200,
      `${origin}/chat/coder`,
    ]);
  });

  it("S53: eve cannot sign alice's browser in as eve by handing over her callback", async () => {
    const origin = demo.demo.publicUrl;
    const isCallback = (next: URL) => next.pathname === "/auth/callback";
    const attackers = await signIn(`${origin}/auth/login`, "bob@example.com", { stopAt: isCallback });
    const trap = String(attackers.page.headers.location);
    const victim = createScriptedBrowser();
    const landed = await victim.open(trap);
    // The victim stands before the provider's own sign-in page, nobody's session in the jar.
    expect(landed.url.origin).toBe(demo.demo.issuer);
    expect(victim.jar.all().map(({ name }) => name)).not.toContain("gatehouse");
  });
});
