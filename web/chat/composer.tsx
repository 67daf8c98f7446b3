// Where a message is written: Enter sends, Shift+Enter starts a new line.
import { useRef } from "preact/hooks";

type Props = {
  readonly agentName: string;
  /** Nothing can be sent any more: signed out, or refused. */
  readonly disabled: boolean;
  readonly canStop: boolean;
  readonly send: (text: string) => void;
  readonly stop: () => void;
};

export function Composer({ agentName, disabled, canStop, send, stop }: Props) {
  const field = useRef<HTMLTextAreaElement>(null);
  const onSubmit = (event: Event) => {
    event.preventDefault();
    const written = field.current;
    if (disabled || written === null || written.value.trim() === "") return;
    send(written.value);
    written.value = "";
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
      <label class="visually-hidden" for="message">
        Message to {agentName}
      </label>
      <textarea
        id="message"
        ref={field}
        rows={2}
        dir="auto"
        autocomplete="off"
        aria-describedby="message-keys"
        placeholder="Write a message"
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
