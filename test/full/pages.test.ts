// Real Chromium on the pages for employees: portals of the demonstration's people and every refusal, by mouse, by
// keyboard, by ear, wide and narrow, light and dark. Screenshots go into the ignored folder screenshots/.
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { newRequestId } from "../../core/ids.ts";
import { DENIAL_SAMPLES } from "../../dev/denial-samples.ts";
import { PEOPLE } from "../../dev/people.ts";
import { pageRefusal } from "../../proxy/refuse/refusal.ts";
import { violations } from "../support/axe.ts";
import { collectErrors, hasChromium, screenshot, signInByForm, startChromium } from "../support/chromium.ts";
import { type DemoFixture, startTestDemo } from "../support/demo-fixture.ts";

const WIDE = { width: 1280, height: 800 };
const NARROW = { width: 390, height: 844 };

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
      for (const viewport of [WIDE, NARROW]) {
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
      await look(page, "portal-told");
    });
  });

  describe("every refusal", () => {
    it.each(Object.values(DENIAL_SAMPLES))("$code", async (denial) => {
      const page = await context.newPage();
      await page.route(`${origin}/refused`, async (route) => {
        const { status, headers, body } = pageRefusal(denial, {
          requestId: newRequestId(),
          contact: "IT (it@example.com)",
          address: "/refused",
          signedInAs: "alice@example.com",
        });
        await route.fulfill({ status, headers, body });
      });
      await page.goto(`${origin}/refused`);
      await look(page, `refused-${denial.code}`);
    });
  });
});
