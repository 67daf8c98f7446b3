// Renaming and deleting the open session, each in a dialog of its own; deleting asks first.
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";

type Props = {
  readonly title: string;
  /** False: nothing can be changed now. A dialog that is open stays, with what is written in it. */
  readonly offered: boolean;
  /** Resolve to the words of a refusal, null when it is done. */
  readonly rename: (label: string) => Promise<string | null>;
  readonly remove: () => Promise<string | null>;
  /** It is gone, and with it the button that had the focus. */
  readonly onRemoved: () => void;
};

/** Characters, as the gateway takes them. */
const LONGEST_LABEL = 120;

export function SessionActions({ title, offered, rename, remove, onRemoved }: Props) {
  const [asked, setAsked] = useState<"rename" | "delete" | null>(null);
  const field = useRef<HTMLInputElement>(null);
  const close = () => setAsked(null);
  return (
    <>
      {offered && (
        <>
          <button type="button" class="small" onClick={() => setAsked("rename")}>
            Rename
          </button>
          <button type="button" class="small" onClick={() => setAsked("delete")}>
            Delete
          </button>
        </>
      )}
      {asked === "rename" && (
        <ActionDialog
          title="Rename this session"
          action="Rename"
          act={() => rename(field.current?.value ?? "")}
          done={() => {}}
          close={close}
          isFinal={false}
        >
          <label>
            Name
            <input ref={field} type="text" dir="auto" maxLength={LONGEST_LABEL} defaultValue={title} />
          </label>
          <p class="quiet">Without a name, it is called by how it began.</p>
        </ActionDialog>
      )}
      {asked === "delete" && (
        <ActionDialog
          title="Delete this session?"
          action="Delete"
          act={remove}
          done={onRemoved}
          close={close}
          isFinal
        >
          <p>
            “<bdi>{title}</bdi>” and everything said in it will be gone. This cannot be undone.
          </p>
        </ActionDialog>
      )}
    </>
  );
}

type DialogProps = {
  readonly title: string;
  readonly action: string;
  readonly act: () => Promise<string | null>;
  /** It was acted, and the dialog is closed. */
  readonly done: () => void;
  readonly close: () => void;
  /** It cannot be undone: Enter alone must not do it. */
  readonly isFinal: boolean;
  readonly children: ComponentChildren;
};

function ActionDialog({ title, action, act, done, close, isFinal, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [refusal, setRefusal] = useState<string | null>(null);
  // Modal: the browser keeps the focus inside, closes on Escape, and gives the focus back.
  useLayoutEffect(() => dialog.current?.showModal(), []);
  const onSubmit = async (event: Event) => {
    event.preventDefault();
    const words = await act();
    setRefusal(words);
    if (words !== null) return;
    dialog.current?.close();
    done();
  };
  return (
    <dialog ref={dialog} class="panel" aria-labelledby="dialog-title" onClose={close}>
      <form onSubmit={onSubmit}>
        <h2 id="dialog-title">{title}</h2>
        {children}
        {refusal !== null && (
          <p class="notice" role="alert">
            That did not work: <bdi>{refusal}</bdi>
          </p>
        )}
        <div class="actions">
          <button type="submit" class={isFinal ? "danger" : "primary"}>
            {action}
          </button>
          <button type="button" autofocus={isFinal} onClick={() => dialog.current?.close()}>
            Cancel
          </button>
        </div>
      </form>
    </dialog>
  );
}
