// Real Chromium does what the README says: the table of people, a chat, a stop, a reload, a sign-out elsewhere.
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { collectErrors, hasChromium, screenshot, signInByForm, startChromium } from "../support/chromium.ts";
import { type DemoFixture, startTestDemo } from "../support/demo-fixture.ts";

describe.skipIf(!hasChromium)("in Chromium", () => {
  let fixture: DemoFixture;
  let browser: Browser;
  let origin: string;
  let context: BrowserContext;
  let errors: string[];
  beforeAll(async () => {
    [fixture, browser] = await Promise.all([startTestDemo(), startChromium()]);
    origin = fixture.demo.publicUrl;
  });
  afterAll(async () => {
    await browser.close();
    await fixture.close();
  });
  beforeEach(async () => {
    context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    errors = collectErrors(context);
  });
  afterEach(async () => {
    await context.close();
    expect(errors).toEqual([]);
  });

  async function signIn(email: string, path = "/"): Promise<Page> {
    const page = await context.newPage();
    await signInByForm(page, `${origin}${path}`, email);
    return page;
  }

  async function ask(page: Page, message: string): Promise<string> {
    const answers = page.locator('.answer[aria-busy="false"] .text');
    const before = await answers.count();
    await page.locator("#message").fill(message);
    await page.getByRole("button", { name: "Send", exact: true }).click();
    await answers.nth(before).waitFor();
    return (await answers.nth(before).textContent()) ?? "";
  }

  it.each([
    ["alice@example.com", ["Assistant", "Coder"]],
    ["bob@example.com", ["Assistant", "Analyst"]],
    ["dana@example.com", ["Assistant"]],
    ["ivy@example.com", ["Assistant", "Coder", "Analyst"]],
  ])("shows %s exactly their agents", async (email, names) => {
    const page = await signIn(email);
    await page.locator(".card").first().waitFor();
    expect(await page.locator(".card h3, .card h2").allTextContents()).toEqual(names);
    await screenshot(page, `portal-${email.split("@")[0]}`);
  });

  it.each(["omar@example.com", "zoe@example.com"])(
    "tells %s that there is no agent, and whom to ask",
    async (email) => {
      const page = await signIn(email);
      await page.getByText("IT (it@example.com)").first().waitFor();
      expect(await page.locator(".card").count()).toBe(0);
      await screenshot(page, `portal-${email.split("@")[0]}`);
    },
  );

  it("tells eve that she is refused, whom to ask, and lets her sign out", async () => {
    const page = await signIn("eve@example.com");
    await page.getByRole("heading", { name: "You may not use this front door" }).waitFor();
    await screenshot(page, "refused-eve");
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("heading", { name: "You are signed out" }).waitFor();
  });

  it("streams an answer, stops one, and keeps both over a reload", async () => {
    const page = await signIn("alice@example.com", "/chat/coder");
    await page.locator(".state-word", { hasText: "Connected" }).waitFor();
    expect(await ask(page, "whoami")).toContain("alice@example.com");
    await page.locator("#message").fill("slow");
    await page.keyboard.press("Enter");
    await page.locator(".answer .text").nth(1).waitFor();
    await page.getByRole("button", { name: "Stop", exact: true }).click();
    await page.getByRole("button", { name: "Stop", exact: true }).waitFor({ state: "detached" });
    const before = await page.locator(".turn .text").allTextContents();
    await page.reload();
    await page.locator(".answer .text").nth(1).waitFor();
    expect(await page.locator(".turn .text").allTextContents()).toEqual(before);
    await screenshot(page, "chat-alice");
  });

  it("ends the chat of one tab at once when another signs out, and says so", async () => {
    const chat = await signIn("alice@example.com", "/chat/coder");
    await chat.locator(".state-word", { hasText: "Connected" }).waitFor();
    const portal = await context.newPage();
    await portal.goto(origin);
    await portal.getByRole("banner").getByRole("button", { name: "Sign out" }).click();
    await chat.locator(".state-word", { hasText: "Signed out" }).waitFor();
    await chat.getByText("Signed out in another tab or window.").waitFor();
    await portal.getByRole("heading", { name: "You are signed out" }).waitFor();
    await screenshot(chat, "chat-signed-out");
  });

  it("lists where one is signed in, and ends another session with its chat", async () => {
    const chat = await signIn("ivy@example.com", "/chat/analyst");
    await chat.locator(".state-word", { hasText: "Connected" }).waitFor();
    const elsewhere = await browser.newContext({
      viewport: { width: 390, height: 800 },
      colorScheme: "dark",
    });
    const portal = await elsewhere.newPage();
    await signInByForm(portal, `${origin}/`, "ivy@example.com");
    const sessions = portal.getByRole("region", { name: "Where you are signed in" });
    await sessions.getByText("Analyst", { exact: true }).waitFor();
    await screenshot(portal, "portal-sessions-phone-dark");
    await sessions.getByRole("button", { name: /everywhere else/i }).click();
    await chat.getByText("You signed out everywhere else.").waitFor();
    await elsewhere.close();
  });

  it("signs two tabs in that were both opened signed out", async () => {
    const [one, two] = [await context.newPage(), await context.newPage()];
    await one.goto(`${origin}/chat/coder`);
    await two.goto(`${origin}/chat/assistant`);
    for (const [page, path] of [
      [one, "/chat/coder"],
      [two, "/chat/assistant"],
    ] as const) {
      await page.locator('input[name="login"]:not([type="hidden"])').fill("alice@example.com");
      await page.locator('input[name="password"]:not([type="hidden"])').fill("demo");
      await page.locator('form:has(input[name="login"]:not([type="hidden"])) button[type="submit"]').click();
      await page.waitForURL(`${origin}${path}`);
    }
  });

  it("comes back to the chat after a restart of everything, with its history", async () => {
    const page = await signIn("dana@example.com", "/chat/assistant");
    await page.locator(".state-word", { hasText: "Connected" }).waitFor();
    const answer = await ask(page, "where");
    await fixture.restart();
    await page.locator(".state-word", { hasText: "Connected" }).waitFor();
    expect(await page.locator(".answer .text").allTextContents()).toEqual([answer]);
    expect(await ask(page, "whoami")).toContain("dana@example.com");
  });

  it("needs no script to sign in and out", async () => {
    const plain = await browser.newContext({ javaScriptEnabled: false });
    const page = await plain.newPage();
    await signInByForm(page, `${origin}/`, "alice@example.com");
    await page.waitForURL(`${origin}/`);
    await page.getByRole("banner").getByRole("button", { name: "Sign out" }).click();
    await page.waitForURL(/signed-out|session\/end/);
    await plain.close();
  });
});
