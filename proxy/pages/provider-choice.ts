// The page on which people choose where to sign in, when there are several providers. Links alone: it needs no script,
// and each tab keeps its own way back. A script adds that the address's fragment comes back too, and that who has signed
// in meanwhile goes on.
import { plainName } from "../../core/plain-name.ts";
import { escapeHtml, page } from "../refuse/page.ts";

export type Choice = {
  readonly id: string;
  /** From the configuration, shown as text. */
  readonly name: string;
  /** Path of ours that leads there. */
  readonly href: string;
  /** The newest request to it failed. */
  readonly silent: boolean;
};

/**
 * @param last id of the one last used in this browser: untrusted, and passed over when there is none of that id
 * @param contact whom to ask
 */
export function providerChoicePage(
  choices: readonly Choice[],
  last: string | undefined,
  contact: string,
): string {
  const isLast = ({ id }: Choice) => id === last;
  const ordered = [...choices.filter(isLast), ...choices.filter((choice) => !isLast(choice))];
  const items = ordered.map((choice) => itemOf(choice, isLast(choice)));
  const main = `<article class="panel refusal">
<h1>Sign in</h1>
<p id="choice">Where is your account?</p>
<ul class="choices" role="list" aria-labelledby="choice">
${items.join("\n")}
</ul>
<p class="quiet">If you do not know, ask <bdi>${escapeHtml(contact)}</bdi>.</p>
</article>`;
  return page("Sign in", main, { script: "/assets/choice.js" });
}

function itemOf({ name, href, silent }: Choice, last: boolean): string {
  const notes = [last && "last used", silent && "not answering at the moment"].filter(Boolean).join(", ");
  const note = notes === "" ? "" : ` <span class="note">${notes}</span>`;
  const look = last ? "button primary" : "button";
  return `<li><a class="${look}" href="${escapeHtml(href)}"><bdi>${escapeHtml(plainName(name))}</bdi>${note}</a></li>`;
}
