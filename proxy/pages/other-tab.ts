// What a tab is answered whose login was overtaken by another tab of the same browser, as when a browser restores many
// at once: to come back in a moment, when the other one has signed in. Coming back at once would overtake that one in
// turn, and none would arrive. Works without JavaScript.
import type { Response } from "express";
import { escapeHtml, page } from "../refuse/page.ts";

/** By how often this login was restarted already. Longer than a provider needs that asks nothing. */
const WAIT_SECONDS: readonly number[] = [2, 5];
const LONGEST_SECONDS = 10;

/** @param url where this tab goes on: our own login, which passes on who is signed in by then */
export function waitForOtherTab(response: Response, restarts: number, url: string): void {
  response
    .set("refresh", `${WAIT_SECONDS[restarts] ?? LONGEST_SECONDS};url=${url}`)
    .type("html")
    .send(
      page(
        "Signing you in",
        `<article class="panel refusal">
<h1>Signing you in</h1>
<p role="status">Another tab of this browser is signing in at the same moment. This one follows in a few seconds.</p>
<p class="actions"><a class="button" href="${escapeHtml(url)}">Go on now</a></p>
</article>`,
      ),
    );
}
