// The choice between several providers, in real Chromium: by keyboard, by ear, wide and narrow, light and dark, without
// JavaScript, and in tabs that a browser has restored. Screenshots go into the ignored folder screenshots/.
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { violations } from "../support/axe.ts";
import { emailLines, waitForState } from "../support/chat-page.ts";
import {
  collectErrors,
  fillSignInForm,
  hasChromium,
  screenshot,
  startChromium,
} from "../support/chromium.ts";
import { type RealFaultProvider, startRealFaultProvider } from "../support/fault-provider-real.ts";
import { type FrontDoorFixture, startTestFrontDoor } from "../support/front-door-fixture.ts";

const PATHS = ["/chat/coder", "/", "/chat/assistant?x=1", "/?y=2"];

describe.skipIf(!hasChromium)("the choice between providers, in Chromium", () => {
  let company: RealFaultProvider;
  let partner: RealFaultProvider;
  let door: FrontDoorFixture;
  let browser: Browser;
  let context: BrowserContext;
  let errors: string[];
  beforeAll(async () => {
    [company, partner, browser] = await Promise.all([
      startRealFaultProvider(),
      startRealFaultProvider({ host: "127.0.0.1" }),
      startChromium(),
    ]);
    const client = { clientId: "gatehouse", clientSecret: "a-client-secret" };
    door = await startTestFrontDoor({
      gateways: { cloud: { endpoints: { "cloud-1": "http://127.0.0.1:9" } } },
      access: {
        agents: { assistant: { name: "Assistant" }, coder: { name: "Coder" } },
        groups: { engineering: { agents: ["*"] }, "partner/engineering": { agents: ["*"] } },
      },
      config: {
        contact: "IT (it@example.com)",
        providers: {
          company: { ...client, name: "Example Ltd", issuer: company.issuer, emailDomains: ["example.com"] },
          partner: {
            ...client,
            name: "Partner & Söhne, Überseehandelsgesellschaft <b>mbH</b> \u202eGmbH",
            issuer: partner.issuer,
            emailDomains: [],
            groups: { prefix: "partner/" },
          },
          // Nobody listens there.
          third: {
            ...client,
            name: "Third party",
            issuer: "http://127.0.0.1:9",
            emailDomains: [],
            groups: { prefix: "third/" },
          },
        },
      },
    });
    company.serve(door.publicUrl, "company");
    partner.serve(door.publicUrl, "partner");
  });
  afterAll(async () => {
    await browser.close();
    await door.close();
    await Promise.all([company.close(), partner.close()]);
  });
  beforeEach(async () => {
    context = await browser.newContext({ locale: "en-GB" });
    errors = collectErrors(context);
  });
  afterEach(async () => {
    await context.close();
    expect(errors).toEqual([]);
  });

  /** Nothing is wrong, and nothing is wider than the window, in light and dark, wide and narrow. */
  async function look(page: Page, name: string): Promise<void> {
    for (const colorScheme of ["light", "dark"] as const)
      for (const width of [1280, 390, 360]) {
        await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
        await page.setViewportSize({ width, height: 800 });
        await screenshot(page, `${name}-${width}-${colorScheme}`);
        expect(await violations(page)).toEqual([]);
        expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(width);
      }
  }

  const PARTNER = /^Partner & Söhne/;

  async function signInWith(page: Page, name: string | RegExp): Promise<void> {
    await page.getByRole("link", { name }).click();
    await fillSignInForm(page, "alice@example.com");
  }

  it("is read as a heading and a named list of links, and says who does not answer", async () => {
    const page = await context.newPage();
    await page.goto(`${door.publicUrl}/`);
    expect(await page.title()).toBe("Sign in · Gatehouse");
    expect(await page.getByRole("article").ariaSnapshot()).toBe(
      [
        "- article:",
        '  - heading "Sign in" [level=1]',
        "  - paragraph: Where is your account?",
        '  - list "Where is your account?":',
        "    - listitem:",
        '      - link "Example Ltd":',
        "        - /url: /auth/login?return_to=%2F&provider=company",
        "    - listitem:",
        '      - link "Partner & Söhne, Überseehandelsgesellschaft <b>mbH</b> [U+202E]GmbH":',
        "        - /url: /auth/login?return_to=%2F&provider=partner",
        "    - listitem:",
        '      - link "Third party not answering at the moment":',
        "        - /url: /auth/login?return_to=%2F&provider=third",
        "  - paragraph: If you do not know, ask IT (it@example.com).",
      ].join("\n"),
    );
    await look(page, "choice");
  });

  it("is worked by the keyboard, and leads to where the person was going", async () => {
    const page = await context.newPage();
    await page.goto(`${door.publicUrl}/chat/coder`);
    const focused = () => page.evaluate("document.activeElement?.textContent?.trim()");
    const visited: unknown[] = [];
    for (let press = 0; press < 3; press += 1) {
      await page.keyboard.press("Tab");
      visited.push(await focused());
    }
    expect(visited).toEqual(["Gatehouse", "Example Ltd", expect.stringMatching(PARTNER)]);
    await page.keyboard.press("Enter");
    await fillSignInForm(page, "alice@example.com");
    await page.waitForURL(`${door.publicUrl}/chat/coder`);
  });

  it("names the one last used first, after a sign-out", async () => {
    const page = await context.newPage();
    await page.goto(`${door.publicUrl}/`);
    await signInWith(page, PARTNER);
    await page.waitForURL(`${door.publicUrl}/`);
    await context.clearCookies({ name: "gatehouse" });
    await page.goto(`${door.publicUrl}/`);
    const links = page.getByRole("list").getByRole("link");
    expect(await links.allInnerTexts()).toEqual([
      expect.stringMatching(/^Partner & Söhne.*\n*last used$/s),
      "Example Ltd",
      expect.stringContaining("Third party"),
    ]);
    await look(page, "choice-last-used");
  });

  it("is said afterwards, with who one is, at the portal and at the chat", async () => {
    const page = await context.newPage();
    await page.goto(`${door.publicUrl}/`);
    await signInWith(page, PARTNER);
    const name = "Partner & Söhne, Überseehandelsgesellschaft <b>mbH</b> \u202eGmbH";
    const person = page.locator(".who p");
    await person.waitFor();
    expect(await person.textContent()).toBe(`Signed in as Alice Archer, alice@example.com, with ${name}`);
    await look(page, "portal-of-partner");
    await page.goto(`${door.publicUrl}/chat/coder`);
    const account = page.locator(".account");
    await account.waitFor();
    expect(await account.textContent()).toBe(`Signed in as Alice Archer, with ${name}, alice@example.com`);
    // Its gateway has told nothing.
    await waitForState(page, "Gateway down");
    await page.getByRole("heading", { name: "Coder", exact: true }).waitFor();
    await look(page, "chat-of-partner");
    // Under the provider's name, however long that is, and broken nowhere in a word: narrow, as it was looked at last.
    expect(await page.locator(".account-email").isVisible()).toBe(true);
    expect(await emailLines(page)).toEqual(["alice@", "example.com"]);
  });

  it("of a provider that does not answer leads to a page with the way back to it", async () => {
    const page = await context.newPage();
    await page.goto(`${door.publicUrl}/chat/assistant`);
    await page.getByRole("link", { name: "Third party" }).click();
    await page.getByRole("heading", { name: "Third party is not answering" }).waitFor();
    await look(page, "choice-silent-provider");
    await page.getByRole("link", { name: "Sign in another way" }).click();
    await signInWith(page, "Example Ltd");
    await page.waitForURL(`${door.publicUrl}/chat/assistant`);
  });

  it("keeps the address's fragment, which names the session of a chat, over the sign-in", async () => {
    const page = await context.newPage();
    await page.goto(`${door.publicUrl}/chat/coder?x=1#plans`);
    await signInWith(page, PARTNER);
    await page.waitForURL(`${door.publicUrl}/chat/coder?x=1#plans`);
    expect(await page.evaluate("sessionStorage.length")).toBe(0);
  });

  it("goes on by itself when its tab comes back after a sign-in in another one", async () => {
    const [one, other] = [await context.newPage(), await context.newPage()];
    await other.goto(`${door.publicUrl}/chat/coder#plans`);
    await one.goto(`${door.publicUrl}/`);
    await other.evaluate("document.dispatchEvent(new Event('visibilitychange'))");
    await signInWith(one, "Example Ltd");
    await one.waitForURL(`${door.publicUrl}/`);
    expect(await other.title()).toBe("Sign in · Gatehouse");
    await other.evaluate("document.dispatchEvent(new Event('visibilitychange'))");
    await other.waitForURL(`${door.publicUrl}/chat/coder#plans`);
  });

  it.each([true, false])(
    "in restored tabs leads each to its own address, with JavaScript: %s",
    async (javaScriptEnabled) => {
      await context.close();
      context = await browser.newContext({ javaScriptEnabled, locale: "en-GB" });
      const pages = await Promise.all(
        PATHS.map(async (path) => {
          const page = await context.newPage();
          await page.goto(`${door.publicUrl}${path}`);
          return page;
        }),
      );
      const [first, ...others] = pages;
      if (first === undefined) throw new Error("no tab");
      await signInWith(first, "Example Ltd");
      await first.waitForURL(`${door.publicUrl}${PATHS[0]}`);
      for (const [index, page] of others.entries()) {
        await page.getByRole("link", { name: "Example Ltd" }).click();
        await page.waitForURL(`${door.publicUrl}${PATHS[index + 1]}`);
      }
    },
  );

  it("made in two tabs at once, of two providers, signs in with one, and says so in the other", async () => {
    const [one, other] = [await context.newPage(), await context.newPage()];
    await one.goto(`${door.publicUrl}/chat/coder`);
    await other.goto(`${door.publicUrl}/chat/assistant#plans`);
    await one.getByRole("link", { name: "Example Ltd" }).click();
    await one.locator('input[name="password"]:not([type="hidden"])').first().waitFor();
    await other.getByRole("link", { name: PARTNER }).click();
    await fillSignInForm(one, "alice@example.com");
    await one.waitForURL(`${door.publicUrl}/chat/coder`, { timeout: 15_000 });
    await fillSignInForm(other, "alice@example.com");
    await other.getByRole("heading", { name: "You are already signed in" }).waitFor();
    await other
      .getByText(
        "You are signed in with Example Ltd, and that has not changed. To sign in with Partner & Söhne",
      )
      .waitFor();
    expect(await other.locator("#report").innerText()).toContain("Signed in with\nExample Ltd");
    await look(other, "signed-in-otherwise");
    await other.getByRole("link", { name: "Go on" }).click();
    await other.waitForURL(`${door.publicUrl}/chat/assistant#plans`);
    expect(await other.locator(".account").textContent()).toContain(", with Example Ltd");
  });

  it("of another provider comes after the sign-out that the page offers", async () => {
    const page = await context.newPage();
    await page.goto(`${door.publicUrl}/`);
    const stale = await context.newPage();
    await stale.goto(`${door.publicUrl}/`);
    await signInWith(page, "Example Ltd");
    await page.waitForURL(`${door.publicUrl}/`);
    await stale.getByRole("link", { name: PARTNER }).click();
    await stale.getByRole("heading", { name: "You are already signed in" }).waitFor();
    await stale.getByRole("button", { name: "Sign out" }).click();
    await stale.getByRole("heading", { name: "You are signed out" }).waitFor();
    await stale.getByRole("link", { name: "Sign in again" }).click();
    await signInWith(stale, PARTNER);
    await stale.getByText(/^Signed in as Alice Archer, alice@example.com, with Partner/).waitFor();
  });
});
