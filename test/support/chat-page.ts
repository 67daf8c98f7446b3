// The chat page in Chromium, as tests use it: waiting for what a person would wait for.
import type { Page } from "playwright-core";

/** Resolves once the state line says this. */
export async function waitForState(page: Page, word: string): Promise<void> {
  await page.locator(".state-word", { hasText: new RegExp(`^${word}$`) }).waitFor();
}

/** Sends by the keyboard; does not wait for the answer. */
export async function say(page: Page, message: string): Promise<void> {
  await page.locator("#message").fill(message);
  await page.locator("#message").press("Enter");
}

/** Sends, waits for the whole answer, and gives it as it is read. */
export async function ask(page: Page, message: string): Promise<string> {
  const done = page.locator(".usage");
  const before = await done.count();
  await say(page, message);
  await done.nth(before).waitFor();
  return await page.locator(".answer .text").last().innerText();
}

/** The lines of the e-mail in the header as they are broken. */
export function emailLines(page: Page): Promise<readonly string[]> {
  return page.evaluate<readonly string[]>(`(() => {
    const lines = new Map();
    const range = document.createRange();
    for (const node of document.querySelector(".account-email").childNodes)
      for (let at = 0; at < (node.data ?? "").length; at += 1) {
        range.setStart(node, at);
        range.setEnd(node, at + 1);
        const { top } = range.getBoundingClientRect();
        lines.set(top, (lines.get(top) ?? "") + node.data[at]);
      }
    return [...lines.values()];
  })()`);
}

/** What has the focus: its element and its name. */
export function focused(page: Page): Promise<string> {
  return page.evaluate<string>(`(() => {
    const element = document.activeElement;
    const label = document.querySelector('label[for="' + element.id + '"]');
    const name = element.getAttribute("aria-label") ?? (label ?? element).textContent;
    return element.tagName.toLowerCase() + " " + name.replace(/\\s+/g, " ").trim().slice(0, 60);
  })()`);
}
