// Signing in with real Chromium: tabs that a browser has restored, and without JavaScript.
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { hasChromium, signInByForm, startChromium } from "../support/chromium.ts";
import { type DemoFixture, startTestDemo } from "../support/demo-fixture.ts";

const PATHS = [
  "/chat/coder",
  "/chat/assistant",
  "/",
  "/chat/coder?x=1",
  "/chat/assistant?y=2",
  "/?z=3",
  "/chat/coder?x=4",
  "/chat/coder?x=5",
];

describe.skipIf(!hasChromium)("signing in, in Chromium", () => {
  let fixture: DemoFixture;
  let browser: Browser;
  let origin: string;
  let context: BrowserContext;
  beforeAll(async () => {
    [fixture, browser] = await Promise.all([startTestDemo(), startChromium()]);
    origin = fixture.demo.publicUrl;
  });
  afterAll(async () => {
    await browser.close();
    await fixture.close();
  });
  beforeEach(async () => {
    context = await browser.newContext();
  });
  afterEach(() => context.close());

  const open = (): Promise<Page[]> =>
    Promise.all(
      PATHS.map(async (path) => {
        const page = await context.newPage();
        await page.goto(`${origin}${path}`, { waitUntil: "commit" });
        return page;
      }),
    );

  const arrive = (pages: readonly Page[]) =>
    Promise.all(pages.map((page, index) => page.waitForURL(`${origin}${PATHS[index]}`, { timeout: 10_000 })));

  it("restored tabs that the provider lets in at once all arrive where they were", async () => {
    await signInByForm(await context.newPage(), `${origin}/`, "alice@example.com");
    await context.pages()[0]?.waitForURL(`${origin}/`);
    // The door's session is gone, the provider's is not: every tab goes there and back at the same moment.
    await context.clearCookies({ name: "gatehouse" });
    await arrive(await open());
  });

  it("tabs opened signed out all arrive after one sign-in, made in the oldest of them", async () => {
    const pages = await open();
    for (const page of pages)
      await page.locator('input[name="password"]:not([type="hidden"])').first().waitFor();
    const [oldest, ...others] = pages;
    if (oldest === undefined) throw new Error("no tab");
    await fillIn(oldest, "alice@example.com");
    await oldest.waitForURL(`${origin}${PATHS[0]}`, { timeout: 15_000 });
    // What a browser does with a tab that it wakes up, or its person who has signed in already.
    await Promise.all(others.map((page, index) => page.goto(`${origin}${PATHS[index + 1]}`)));
    await arrive(pages);
  });

  it("needs no JavaScript, also for a tab that another one overtakes", async () => {
    await context.close();
    context = await browser.newContext({ javaScriptEnabled: false });
    const [first, second] = [await context.newPage(), await context.newPage()];
    await first.goto(`${origin}/chat/coder`);
    await second.goto(`${origin}/chat/assistant`);
    await fillIn(first, "alice@example.com");
    await first.getByRole("heading", { name: "Signing you in" }).waitFor();
    await first.waitForURL(`${origin}/chat/coder`, { timeout: 15_000 });
    await second.goto(`${origin}/chat/assistant`);
    expect(second.url()).toBe(`${origin}/chat/assistant`);
  });
});

/** Fills in the provider's form, which already is in view. */
async function fillIn(page: Page, email: string): Promise<void> {
  await page.locator('input[name="login"]:not([type="hidden"])').fill(email);
  await page.locator('input[name="password"]:not([type="hidden"])').fill("demo");
  await page.locator('form:has(input[name="login"]:not([type="hidden"])) button[type="submit"]').click();
}
