// What script adds to a refusal that the server has written: a button that copies the report for IT, trying again by
// itself what is only down for now, and the address's fragment when that succeeds. Without it the page says the same.
import { browserAfter, browserFetch } from "../page/browser-deps.ts";
import { canCopy, copyText } from "../page/copy-text.ts";
import { keepFragmentFor } from "../page/kept-fragment.ts";
import { createRetry } from "./retry.ts";

const refusal = document.querySelector<HTMLElement>(".refusal");
if (refusal !== null) {
  offerCopy(refusal);
  tryAgainByItself(refusal);
}

function offerCopy(page: HTMLElement): void {
  const button = page.querySelector<HTMLButtonElement>("#copy");
  if (button === null || !canCopy()) return;
  button.hidden = false;
  const label = button.textContent;
  button.addEventListener("click", async () => {
    button.textContent = (await copyText(reportOf(page))) ? "Copied" : "Select the lines above and copy them";
    browserAfter(4_000, () => {
      button.textContent = label;
    });
  });
}

function reportOf(page: HTMLElement): string {
  const text = (selector: string) => page.querySelector(selector)?.textContent?.trim() ?? "";
  const facts = Array.from(page.querySelectorAll("#report dt"), (name) => {
    return `${name.textContent}: ${name.nextElementSibling?.textContent ?? ""}`;
  });
  return [text("h1"), text("#message"), ...facts].join("\n");
}

function tryAgainByItself(page: HTMLElement): void {
  const again = page.querySelector<HTMLAnchorElement>("#again");
  const words = page.querySelector("#retry");
  if (again !== null) keepFragmentFor(again.href);
  const seconds = Number(page.dataset["retryAfter"]);
  if (again === null || words === null || !(seconds > 0)) return;
  const retry = createRetry({
    href: again.href,
    firstMs: seconds * 1_000,
    fetch: browserFetch,
    after: browserAfter,
    arrived: () => location.replace(again.href),
    // Said once: a count-down would have a screen reader speak every second.
    waiting: () => {
      words.textContent = "This page tries again by itself and goes on when it can.";
    },
  });
  retry.start();
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") retry.now();
    else retry.pause();
  });
}
