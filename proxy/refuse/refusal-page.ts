// A refusal as a page: what happened, the way forward, and what to hand to IT. Complete without JavaScript; the script
// adds a button that copies, and tries again by itself what is only down for now. Everything from outside is escaped.
import type { DenialAnswer } from "../../core/answer-shape.ts";
import type { DenialNames } from "../../core/denial-names.ts";
import type { RequestId } from "../../core/ids.ts";
import { type NextStep, nextStep } from "./next-step.ts";
import { escapeHtml, page } from "./page.ts";

export type RefusalContext = {
  readonly requestId: RequestId;
  /** Whom to ask. */
  readonly contact: string;
  readonly names: DenialNames;
  /** Path and query that asked; null when asking again could do something twice. */
  readonly address: string | null;
  /** Path of the choice between providers; null where there is none, or it is no help. */
  readonly choice: string | null;
  /** Who is signed in, as they know themselves; null when nobody is, or nobody knows. */
  readonly signedInAs: string | null;
  /** Through which of several providers; null when there is one, or nobody is known. */
  readonly signedInWith: string | null;
};

export function refusalPage(answer: DenialAnswer, context: RefusalContext): string {
  const step = nextStep(answer, context.address);
  const retry = step.again === null ? undefined : answer.retryAfterSeconds;
  const waits = retry === undefined ? "" : ` data-retry-after="${retry}"`;
  const main = `<article class="panel refusal"${waits}>
<h1>${escapeHtml(answer.title)}</h1>
<p id="message"><bdi>${escapeHtml(answer.message)}</bdi></p>
<p id="retry" class="quiet" role="status"></p>
${actions(step, context.choice)}
<section class="for-it" aria-labelledby="for-it">
<h2 id="for-it">If this seems wrong</h2>
<p>Ask <bdi>${escapeHtml(context.contact)}</bdi> and pass this on:</p>
<dl class="facts" id="report">
${facts(answer, context)}
</dl>
<button type="button" id="copy" hidden>Copy for IT</button>
</section>
</article>`;
  return page(answer.title, main, { script: "/assets/refusal.js" });
}

function actions({ again, start, otherAccount }: NextStep, choice: string | null): string {
  const shown = [
    again && `<a class="button primary" id="again" href="${escapeHtml(again.href)}">${again.label}</a>`,
    choice !== null && `<a class="button" href="${escapeHtml(choice)}">Sign in another way</a>`,
    // Without a choice to go back to: whoever is signing in has no agents yet.
    start && choice === null && `<a class="button" href="/">Your agents</a>`,
    otherAccount &&
      `<form method="post" action="/auth/logout"><button type="submit">Sign out</button></form>`,
  ];
  return `<div class="actions">\n${shown.filter(Boolean).join("\n")}\n</div>`;
}

function facts(
  { code }: DenialAnswer,
  { requestId, address, signedInAs, signedInWith }: RefusalContext,
): string {
  const rows: readonly (readonly [string, string | null])[] = [
    ["Code", code],
    ["Request id", requestId],
    // Without its query: a query may hold a code.
    ["Address", address?.replace(/\?.*$/s, "") ?? null],
    ["Signed in as", signedInAs],
    ["Signed in with", signedInWith],
  ];
  return rows
    .flatMap(([name, value]) =>
      value === null ? [] : [`<dt>${name}</dt><dd><bdi>${escapeHtml(value)}</bdi></dd>`],
    )
    .join("\n");
}
