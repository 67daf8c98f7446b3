// A "no" with a way forward: what it is, whom to ask, and what to pass on to them.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { Refusal } from "../client/ask-me.ts";
import { readContact } from "./contact.ts";
import { canCopy, copyText } from "./copy-text.ts";

type Props = {
  readonly title: string;
  readonly refusal: Refusal;
  /** Buttons and links of the next step. */
  readonly children?: ComponentChildren;
};

export function RefusalPanel({ title, refusal, children }: Props) {
  const contact = refusal.contact ?? readContact();
  const report = [title, refusal.message, `Request id: ${refusal.requestId ?? "none"}`].join("\n");
  return (
    <section class="panel refusal" aria-labelledby="refusal-title">
      <h1 id="refusal-title">{title}</h1>
      <p>
        <bdi>{refusal.message}</bdi>
      </p>
      {children !== undefined && <div class="actions">{children}</div>}
      <div class="for-it">
        <p>
          If that is wrong, ask <bdi>{contact}</bdi>.
        </p>
        {refusal.requestId !== null && (
          <dl class="facts">
            <dt>Request id</dt>
            <dd>
              <bdi>{refusal.requestId}</bdi>
            </dd>
          </dl>
        )}
        {canCopy() && <CopyButton text={report} />}
      </div>
    </section>
  );
}

function CopyButton({ text }: { readonly text: string }) {
  const [label, setLabel] = useState("Copy for IT");
  const copy = async () => setLabel((await copyText(text)) ? "Copied" : "The browser did not allow it");
  return (
    <button type="button" onClick={() => void copy()}>
      {label}
    </button>
  );
}
