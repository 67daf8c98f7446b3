// Messages that no gateway has taken, kept beside the drafts and by their rules, so that a reload or a new
// sign-in sends them after all: under the same key, so once.
import type { Outbox, Unsent } from "../client/index.ts";
import { draftsOf } from "./drafts.ts";

/** @param agent whose page this is: another agent's page sends its own */
export function outboxOf(agent: string, storage: Storage = sessionStorage): Outbox {
  // No session's key has a space.
  const name = `unsent ${agent}`;
  return {
    read: (userId) => unsentIn(draftsOf(userId, storage).read(name)),
    keep: (userId, unsent) =>
      draftsOf(userId, storage).keep(name, unsent.length === 0 ? "" : JSON.stringify(unsent)),
  };
}

function unsentIn(text: string): readonly Unsent[] {
  try {
    const kept: unknown = JSON.parse(text);
    return Array.isArray(kept) ? kept.filter(isUnsent) : [];
  } catch {
    return [];
  }
}

function isUnsent(kept: Partial<Unsent> | null): kept is Unsent {
  const texts = [kept?.sessionKey, kept?.runId, kept?.text, kept?.refusal ?? ""];
  return kept?.refusal !== undefined && texts.every((text) => typeof text === "string");
}
