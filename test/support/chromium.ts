// Debian's Chromium, driven as a person would use it.
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";

const EXECUTABLE = "/usr/bin/chromium";
export const hasChromium = existsSync(EXECUTABLE);

export function startChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: EXECUTABLE,
    args: [
      "--no-sandbox",
      "--disable-quic",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--no-first-run",
    ],
  });
}

/** Goes to `url` and through the provider's sign-in form. */
export async function signInByForm(page: Page, url: string, email: string): Promise<void> {
  await page.goto(url);
  await fillSignInForm(page, email);
}

export async function fillSignInForm(page: Page, email: string): Promise<void> {
  await page.locator('input[name="login"]:not([type="hidden"])').fill(email);
  await page.locator('input[name="password"]:not([type="hidden"])').fill("demo");
  await page.locator('form:has(input[name="login"]:not([type="hidden"])) button[type="submit"]').click();
}

/** Errors that the page itself reports: none is expected on any page. */
export function collectErrors(context: BrowserContext): string[] {
  const errors: string[] = [];
  context.on("weberror", (error) => errors.push(error.error().message));
  context.on("console", (message) => {
    // A refused fetch or upgrade is logged by the browser; the page's own handling is what is tested.
    if (message.type() === "error" && !/Failed to load resource|WebSocket connection/.test(message.text())) {
      errors.push(message.text());
    }
  });
  return errors;
}

/** Written to the ignored folder `screenshots/`, to be looked at. */
export async function screenshot(page: Page, name: string): Promise<void> {
  const folder = new URL("../../screenshots", import.meta.url).pathname;
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
}
