// Where a message is written: Enter sends, Shift+Enter starts a new line; on a keyboard on the screen, which has no
// Shift+Enter, Enter does. What is not sent yet is kept as a draft of its session.
import { useLayoutEffect, useRef } from "preact/hooks";
import type { Drafts } from "../page/drafts.ts";
import { focusAfterPress, MESSAGE_ID, pointsFinely, TITLE_ID } from "./focus-place.ts";

type Props = {
  readonly agentName: string;
  readonly userId: string | null;
  readonly sessionKey: string;
  readonly drafts: Drafts;
  /** Nothing can be sent any more: signed out, or refused. */
  readonly disabled: boolean;
  /** What a stop would stop: the answer that is given, and the questions in line behind it. */
  readonly stoppable: number;
  readonly send: (text: string) => void;
  readonly stop: () => void;
};

/** Behind what is written there already. */
export function putIntoMessage(text: string): void {
  const field = document.getElementById(MESSAGE_ID);
  if (!(field instanceof HTMLTextAreaElement)) return;
  field.value = field.value.trim() === "" ? text : `${field.value}\n\n${text}`;
  // Keeps it as a draft, as if it had been typed.
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.focus();
}

export function Composer({ agentName, userId, sessionKey, drafts, disabled, stoppable, send, stop }: Props) {
  const field = useRef<HTMLTextAreaElement>(null);
  const shown = useRef({ userId, sessionKey });
  useLayoutEffect(() => {
    const written = field.current;
    if (written === null) return;
    const before = shown.current;
    shown.current = { userId, sessionKey };
    // Typed before the gateway had said who is speaking: it stays. In another session, or by another person, not.
    const stays = before.sessionKey === sessionKey && (before.userId === null || before.userId === userId);
    if (!stays || written.value === "") written.value = drafts.read(sessionKey);
    else drafts.keep(sessionKey, written.value);
  }, [userId, sessionKey, drafts]);
  const onInput = () => drafts.keep(sessionKey, field.current?.value ?? "");
  const onSubmit = (event: Event) => {
    event.preventDefault();
    const written = field.current;
    if (disabled || written === null || written.value.trim() === "") return;
    send(written.value);
    written.value = "";
    drafts.keep(sessionKey, "");
    written.focus();
  };
  const enterSends = pointsFinely();
  const hint = disabled
    ? "Nothing can be sent now. What you write is kept."
    : enterSends
      ? "Enter sends, Shift+Enter starts a new line."
      : null;
  const onStop = () => {
    stop();
    focusAfterPress();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    // While an input method composes, Enter accepts its suggestion.
    if (!enterSends || event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    field.current?.form?.requestSubmit();
  };
  return (
    <form class="composer" onSubmit={onSubmit}>
      <label class="visually-hidden" for={MESSAGE_ID}>
        Message to {agentName}
      </label>
      <textarea
        id={MESSAGE_ID}
        ref={field}
        rows={2}
        dir="auto"
        autocomplete="off"
        aria-describedby={hint === null ? TITLE_ID : `${TITLE_ID} message-keys`}
        placeholder="Write a message"
        onInput={onInput}
        onKeyDown={onKeyDown}
      />
      {hint !== null && (
        <p id="message-keys" class="quiet">
          {hint}
        </p>
      )}
      <div class="actions">
        {stoppable > 0 && (
          <button type="button" onClick={onStop}>
            {stoppable === 1 ? "Stop" : `Stop all ${stoppable}`}
          </button>
        )}
        <button type="submit" class="primary" disabled={disabled}>
          Send
        </button>
      </div>
    </form>
  );
}
