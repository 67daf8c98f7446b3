// Real Chromium on the pages for employees: portals of the demonstration's people and every refusal, by mouse, by
// keyboard, by ear, wide and narrow, light and dark. Screenshots go into the ignored folder screenshots/.
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { MeAnswer, MySessionsAnswer } from "../../core/api.ts";
import { newRequestId } from "../../core/ids.ts";
import { DENIAL_SAMPLES } from "../../dev/denial-samples.ts";
import { PEOPLE } from "../../dev/people.ts";
import { pageRefusal } from "../../proxy/refuse/refusal.ts";
import { violations } from "../support/axe.ts";
import { collectErrors, hasChromium, screenshot, signInByForm, startChromium } from "../support/chromium.ts";
import { type DemoFixture, startTestDemo } from "../support/demo-fixture.ts";
import { WORDING } from "../support/wording-fixture.ts";

/** Of `/api/me` or `/api/me/sessions`. */
type Answer = MeAnswer & MySessionsAnswer;

const WIDE = { width: 1280, height: 800 };
const NARROW = { width: 390, height: 844 };
const NARROWEST = { width: 360, height: 740 };

describe.skipIf(!hasChromium)("the pages for employees, in Chromium", () => {
  let fixture: DemoFixture;
  let browser: Browser;
  let origin: string;
  let context: BrowserContext;
  let errors: string[];
  let foreign: string[];
  beforeAll(async () => {
    [fixture, browser] = await Promise.all([startTestDemo(), startChromium()]);
    origin = fixture.demo.publicUrl;
  });
  afterAll(async () => {
    await browser.close();
    await fixture.close();
  });
  beforeEach(async () => {
    context = await browser.newContext({ viewport: WIDE, locale: "en-GB" });
    errors = collectErrors(context);
    foreign = [];
    const own = [origin, fixture.demo.issuer, origin.replace("http", "ws")];
    context.on("request", (request) => {
      if (!own.some((start) => request.url().startsWith(start))) foreign.push(request.url());
    });
  });
  afterEach(async () => {
    await context.close();
    expect({ errors, foreign }).toEqual({ errors: [], foreign: [] });
  });

  async function signIn(email: string, path = "/"): Promise<Page> {
    const page = await context.newPage();
    await signInByForm(page, `${origin}${path}`, email);
    return page;
  }

  /** Nothing is wrong in light and dark, nothing is wider than the window, wide and narrow; with a picture of each. */
  async function look(page: Page, name: string): Promise<void> {
    for (const colorScheme of ["light", "dark"] as const)
      for (const viewport of [WIDE, NARROW, NARROWEST]) {
        await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
        await page.setViewportSize(viewport);
        await screenshot(page, `${name}-${viewport.width}-${colorScheme}`);
        expect(await violations(page)).toEqual([]);
        expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(
          viewport.width,
        );
      }
    await page.setViewportSize(WIDE);
  }

  describe("the portal", () => {
    it.each(PEOPLE.map(({ email }) => email))("of %s", async (email) => {
      const page = await signIn(email);
      await page.locator("h1").first().waitFor();
      if (email !== "eve@example.com") await page.getByText("This session").waitFor();
      await look(page, `portal-${email.split("@")[0]}`);
    });

    it("shows what a gateway is told", async () => {
      const page = await signIn("bob@example.com");
      await page
        .getByRole("region", { name: "What gateways are told about you" })
        .getByText("Analyst")
        .click();
      await page.getByText("x-user-email").waitFor();
      expect(await page.locator(".way li").last().innerText()).toMatch(
        /^Gateway\s+Box in the Berlin office\s+berlin\/berlin-1\s+believes the front door alone$/,
      );
      await look(page, "portal-told");
    });

    it("is gone through by keyboard in the order that is seen", async () => {
      const page = await signIn("dana@example.com");
      await page.getByText("This session").waitFor();
      // Without the sessions of the tests before.
      await answerWith(page, "/api/me/sessions", ({ sessions }) => ({
        sessions: sessions.filter(({ current }) => current),
      }));
      await page.reload();
      await page.getByText("This session").waitFor();
      const reached: string[] = [];
      for (let presses = 0; presses < 5; presses += 1) {
        await page.keyboard.press("Tab");
        reached.push(
          await page.evaluate("document.activeElement.ariaLabel ?? document.activeElement.innerText.trim()"),
        );
        expect(await page.evaluate("document.activeElement.matches(':focus-visible')")).toBe(true);
      }
      expect(reached).toEqual([
        "Gatehouse",
        "Sign out",
        "Assistant",
        "Assistant",
        expect.stringMatching(/^Sign out: Chrome on Linux, since /),
      ]);
      await page.locator("summary").focus();
      await page.keyboard.press("Enter");
      await page.getByText("x-user-id").waitFor();
      await page.getByRole("link", { name: "Assistant" }).focus();
      await page.keyboard.press("Enter");
      await page.waitForURL(`${origin}/chat/assistant`);
    });

    it("has names and roles for who listens to it", async () => {
      const page = await signIn("zoe@example.com");
      await page.getByText("This session").waitFor();
      expect(await page.locator("main").ariaSnapshot()).toMatch(
        /^- main:\n {2}- heading "Your agents" \[level=1\]\n {2}- paragraph: Signed in as Zoë Zander, zoe@example.com\n {2}- region "You have no agents yet":/,
      );
      const bob = await (await browser.newContext()).newPage();
      await signInByForm(bob, `${origin}/`, "bob@example.com");
      await bob.getByText("This session").waitFor();
      const tree = await bob.locator("main").ariaSnapshot();
      for (const part of [
        '- heading "Analyst" [level=2]:\n        - link "Analyst":',
        "- term: Runs on\n      - definition: Box in the Berlin office\n      - term: State\n      - definition: Up",
        '- region "What gateways are told about you":',
        '- region "Where you are signed in":',
      ])
        expect(tree).toContain(part);
      await bob.context().close();
    });

    it("shows hostile names as text that keeps to itself", async () => {
      const hostile = "<img src=x onerror=alert(1)>\u202egnp.exe\0👩‍👩‍👧‍👦";
      const page = await signIn("ivy@example.com");
      await page.getByText("This session").waitFor();
      await answerWith(page, "/api/me", (me) => ({
        ...me,
        name: hostile,
        email: null,
        groups: [hostile],
        agents: [
          {
            ...me.agents[0],
            name: hostile,
            description: `${hostile} ${"w".repeat(4_000)}`,
            gatewayLabel: hostile,
          },
          { ...me.agents[1], name: "ا".repeat(80), description: "\u202e".repeat(50) },
        ],
      }));
      await page.reload();
      await page.locator(".card").first().waitFor();
      expect(await page.locator("main img").count()).toBe(0);
      expect(await page.locator(".card h2").first().textContent()).toBe(hostile);
      // An isolated name turns nothing around that stands beside it.
      expect(await page.evaluate("getComputedStyle(document.querySelector('.who bdi')).unicodeBidi")).toBe(
        "isolate",
      );
      await look(page, "portal-hostile");
    });

    it("lists a thousand sessions, and lays out those that are seen", async () => {
      const page = await signIn("ivy@example.com");
      await page.getByText("This session").waitFor();
      await answerWith(page, "/api/me/sessions", ({ sessions }) => ({
        sessions: Array.from({ length: 1_000 }, (_, index) => ({
          ...sessions[0],
          sid: `s_${index}`,
          current: index === 0,
        })),
      }));
      await page.reload();
      await page.getByRole("button", { name: "Sign out everywhere else (999)" }).waitFor();
      const laidOut = await page.evaluate(
        "[...document.querySelectorAll('.sessions li > div')].filter(row => row.checkVisibility({ contentVisibilityAuto: true })).length",
      );
      expect(laidOut).toBeGreaterThan(0);
      expect(laidOut).toBeLessThan(200);
      await page.locator(".sessions li").last().scrollIntoViewIfNeeded();
      await page.locator(".sessions li button").last().waitFor({ state: "visible" });
    });

    it("says that the session is over when its tab comes back, and where to sign in", async () => {
      const page = await signIn("dana@example.com");
      await page.getByText("This session").waitFor();
      const elsewhere = await browser.newContext();
      const other = await elsewhere.newPage();
      await signInByForm(other, `${origin}/`, "dana@example.com");
      await other.getByRole("button", { name: /everywhere else/ }).click();
      await other.getByRole("button", { name: /everywhere else/ }).waitFor({ state: "detached" });
      await elsewhere.close();
      expect(await page.getByRole("heading", { name: "Your agents" }).isVisible()).toBe(true);
      await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))");
      await page.getByRole("heading", { name: "You are signed out" }).waitFor();
      const signOut = page.getByRole("banner").getByRole("button", { name: "Sign out" });
      expect(await signOut.isVisible()).toBe(false);
      await look(page, "portal-signed-out");
      await page.getByRole("link", { name: "Sign in again" }).click();
      await page.getByRole("heading", { name: "Your agents" }).waitFor();
      expect(await signOut.isVisible()).toBe(true);
    });

    it("says when the front door does not answer, and keeps what it showed", async () => {
      const page = await signIn("dana@example.com");
      await page.getByText("This session").waitFor();
      await context.setOffline(true);
      await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))");
      await page.getByRole("alert").waitFor();
      expect(await page.getByRole("link", { name: "Assistant" }).isVisible()).toBe(true);
      await look(page, "portal-offline");
      await context.setOffline(false);
      await page.getByRole("button", { name: "Try again" }).click();
      await page.getByRole("alert").waitFor({ state: "detached" });
    });
  });

  describe("every refusal", () => {
    it.each(Object.values(DENIAL_SAMPLES))("$code", async (denial) => {
      const page = await context.newPage();
      await page.route(`${origin}/refused`, async (route) => {
        const { status, headers, body } = pageRefusal(denial, {
          requestId: newRequestId(),
          ...WORDING,
          address: "/refused",
          choice: null,
          signedInAs: "alice@example.com",
          signedInWith: "Example Ltd",
        });
        await route.fulfill({ status, headers, body });
      });
      await page.goto(`${origin}/refused`);
      await look(page, `refused-${denial.code}`);
    });

    it("says which group would grant an agent, and hands IT what it needs", async () => {
      await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin });
      const page = await signIn("bob@example.com", "/chat/coder?x=1");
      await page.getByRole("heading", { name: 'You may not use the agent "Coder"' }).waitFor();
      await page.getByRole("button", { name: "Copy for IT" }).click();
      await page.getByRole("button", { name: "Copied" }).waitFor();
      const id = await page.locator("#report dd").nth(1).textContent();
      expect(await page.evaluate("navigator.clipboard.readText()")).toBe(
        [
          'You may not use the agent "Coder"',
          "None of your groups grants it. Groups that do: engineering, it.",
          "Code: agent_not_allowed",
          `Request id: ${id}`,
          "Address: /chat/coder",
          "Signed in as: bob@example.com",
        ].join("\n"),
      );
      await page.getByRole("link", { name: "Your agents" }).click();
      await page.waitForURL(`${origin}/`);
    });

    it("says everything without JavaScript, and offers no button that could not work", async () => {
      const plain = await browser.newContext({ javaScriptEnabled: false });
      const page = await plain.newPage();
      await signInByForm(page, `${origin}/chat/analyst`, "alice@example.com");
      await page.getByText("Groups that do: finance, it.").waitFor();
      expect(await page.locator("#report").innerText()).toContain("agent_not_allowed");
      expect(await page.getByRole("button", { name: "Copy for IT" }).isVisible()).toBe(false);
      await page.getByRole("button", { name: "Sign out" }).click();
      await page.waitForURL(/signed-out|session\/end/);
      await plain.close();
    });

    it("goes on by itself when what was down is up again", async () => {
      const page = await context.newPage();
      let down = true;
      const asked: string[] = [];
      await page.route(`${origin}/refused`, async (route) => {
        asked.push(route.request().method());
        if (!down) return route.fulfill({ contentType: "text/html", body: "<title>Back</title>" });
        const { status, headers, body } = pageRefusal(
          { code: "too_many_attempts", retryAfterSeconds: 1 },
          {
            requestId: newRequestId(),
            ...WORDING,
            address: "/refused",
            choice: null,
            signedInAs: null,
            signedInWith: null,
          },
        );
        await route.fulfill({ status, headers, body });
      });
      await page.goto(`${origin}/refused`);
      await page.getByText("This page tries again by itself").waitFor();
      await expect.poll(() => asked, { timeout: 10_000 }).toEqual(["GET", "HEAD"]);
      down = false;
      await expect.poll(() => page.title(), { timeout: 10_000 }).toBe("Back");
      expect(asked.slice(-2)).toEqual(["HEAD", "GET"]);
    });
  });

  it("a sign-out ends on a page that leads back in", async () => {
    const page = await context.newPage();
    await page.goto(`${origin}/signed-out`);
    await look(page, "signed-out");
    await page.getByRole("link", { name: "Sign in again" }).click();
    await page.waitForURL((url) => url.origin === new URL(fixture.demo.issuer).origin);
  });

  it("axe finds what is wrong where something is", async () => {
    const page = await context.newPage();
    await page.route(`${origin}/wrong`, (route) =>
      route.fulfill({
        contentType: "text/html",
        body: '<html lang="en"><title>x</title><main><h1>x</h1><button></button></main>',
      }),
    );
    await page.goto(`${origin}/wrong`);
    expect(await violations(page)).toEqual([expect.stringMatching(/^button-name: /)]);
  });

  /** Changes what the front door answers to this page. */
  async function answerWith(page: Page, path: string, change: (answer: Answer) => unknown): Promise<void> {
    await page.route(`${origin}${path}`, async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, json: change(await response.json()) });
    });
  }
});
