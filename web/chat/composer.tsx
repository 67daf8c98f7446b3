// Where a message is written: Enter sends, Shift+Enter starts a new line. What is not sent yet is kept as a draft of
// its session.
import { useLayoutEffect, useRef } from "preact/hooks";
import type { Drafts } from "../page/drafts.ts";

/** For whoever takes away the element that has the focus, and must give the focus a place. */
export const COMPOSER_ID = "message";

type Props = {
  readonly agentName: string;
  readonly userId: string | null;
  readonly sessionKey: string;
  readonly drafts: Drafts;
  /** Nothing can be sent any more: signed out, or refused. */
  readonly disabled: boolean;
  readonly canStop: boolean;
  readonly send: (text: string) => void;
  readonly stop: () => void;
};

export function Composer({ agentName, userId, sessionKey, drafts, disabled, canStop, send, stop }: Props) {
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
  // The button goes away once the answer has stopped: the focus must not go with it.
  const onStop = () => {
    stop();
    field.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    // While an input method composes, Enter accepts its suggestion.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    field.current?.form?.requestSubmit();
  };
  return (
    <form class="composer" onSubmit={onSubmit}>
      <label class="visually-hidden" for={COMPOSER_ID}>
        Message to {agentName}
      </label>
      <textarea
        id={COMPOSER_ID}
        ref={field}
        rows={2}
        dir="auto"
        autocomplete="off"
        aria-describedby="message-keys"
        placeholder="Write a message"
        onInput={onInput}
        onKeyDown={onKeyDown}
      />
      <p id="message-keys" class="quiet">
        Enter sends, Shift+Enter starts a new line.
      </p>
      <div class="actions">
        {canStop && (
          <button type="button" onClick={onStop}>
            Stop
          </button>
        )}
        <button type="submit" class="primary" disabled={disabled}>
          Send
        </button>
      </div>
    </form>
  );
}
