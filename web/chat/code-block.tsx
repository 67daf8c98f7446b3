// A block of code, as it was written, with a button that copies it.
import { useRef, useState } from "preact/hooks";
import { browserAfter } from "../page/browser-deps.ts";

type Props = {
  readonly text: string;
  /** As the answer names it; may be anything, or nothing. */
  readonly language: string;
};

const COPIED_FOR_MS = 2_000;

export function CodeBlock({ text, language }: Props) {
  const [said, setSaid] = useState("Copy");
  const cancelReset = useRef(() => {});
  // Only a page of a secure origin may write the clipboard, and the person may forbid it.
  const copy = async () => {
    const done = await navigator.clipboard.writeText(text).then(
      () => "Copied",
      () => "Not allowed",
    );
    setSaid(done);
    cancelReset.current();
    cancelReset.current = browserAfter(COPIED_FOR_MS, () => setSaid("Copy"));
  };
  const name = /^\S{1,30}/.exec(language)?.[0];
  return (
    <div class="code-block">
      <div class="code-head">
        <span class="quiet">
          <bdi>{name ?? "code"}</bdi>
        </span>
        <button type="button" class="small" onClick={copy} aria-label={`${said} code`}>
          {said}
        </button>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <pre tabIndex={0} dir="ltr">
        <code>{text}</code>
      </pre>
    </div>
  );
}
