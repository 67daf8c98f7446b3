// What a person has written and not yet sent, kept while this tab is open so that a reload loses nothing. Their own
// words only, never a secret of ours; gone when they sign out here, or when somebody else signs in.

export type Drafts = {
  read(sessionKey: string): string;
  /** Blank text is forgotten. */
  keep(sessionKey: string, text: string): void;
};

const PREFIX = "draft ";
/** Characters; a longer one would not fit beside others. */
const LONGEST = 200_000;

/** @param userId whose; null while nobody is known, when nothing is kept */
export function draftsOf(userId: string | null, storage: Storage = sessionStorage): Drafts {
  const nameOf = (sessionKey: string) => `${PREFIX}${userId} ${sessionKey}`;
  if (userId !== null) forget(storage, (name) => !name.startsWith(nameOf("")));
  return {
    read: (sessionKey) => (userId === null ? "" : (storage.getItem(nameOf(sessionKey)) ?? "")),
    keep(sessionKey, text) {
      if (userId === null) return;
      if (text.trim() === "" || text.length > LONGEST) return storage.removeItem(nameOf(sessionKey));
      try {
        storage.setItem(nameOf(sessionKey), text);
      } catch {
        // Full: the draft is still in its field.
      }
    },
  };
}

/** Forgets every draft when this page's own form signs out. */
export function forgetDraftsAtSignOut(): void {
  document.addEventListener("submit", ({ target }) => {
    if (target instanceof HTMLFormElement && target.action.endsWith("/auth/logout"))
      forget(sessionStorage, () => true);
  });
}

function forget(storage: Storage, which: (name: string) => boolean): void {
  const names = Array.from({ length: storage.length }, (_, index) => storage.key(index) ?? "");
  for (const name of names) if (name.startsWith(PREFIX) && which(name)) storage.removeItem(name);
}
