// A "no" with a way forward: what it is, whom to ask, and the number to quote.
import type { ComponentChildren } from "preact";
import type { Refusal } from "../client/ask-me.ts";
import { readContact } from "./contact.ts";

type Props = {
  readonly title: string;
  readonly refusal: Refusal;
  /** Buttons and links of the next step. */
  readonly children?: ComponentChildren;
};

export function RefusalPanel({ title, refusal, children }: Props) {
  const contact = refusal.contact ?? readContact();
  return (
    <section class="panel" aria-labelledby="refusal-title">
      <h1 id="refusal-title">{title}</h1>
      <p>
        <bdi>{refusal.message}</bdi>
      </p>
      <p>
        If that is wrong, ask <bdi>{contact}</bdi>.
      </p>
      {refusal.requestId !== null && (
        <dl class="facts">
          <dt>Request id</dt>
          <dd>
            <code>{refusal.requestId}</code>
          </dd>
        </dl>
      )}
      {children !== undefined && <div class="actions">{children}</div>}
    </section>
  );
}
