// Identities proved a moment ago, so that the store is not read and no signature is verified on every request. By
// the hash of the credential, never the credential itself. An entry counts only until something happens to its
// session, and never for long: what one process has missed must not live on here.
import { hash } from "node:crypto";
import { LRUCache } from "lru-cache";
import type { Clock } from "../../core/clock.ts";
import type { Proof, VerifiedIdentity } from "../../core/identity.ts";
import type { SessionId } from "../../core/ids.ts";
import type { AccessEvent } from "../live/access-event.ts";

export type VerifiedCache = {
  /** @param credential untrusted text of the kind that the entry was put under */
  get(kind: CredentialKind, credential: string): VerifiedIdentity | undefined;
  /** Takes a proof only if no event has been applied since it was begun (`asOfEvent`): its reading may be older. */
  put(kind: CredentialKind, credential: string, proof: Proof): void;
  /** Forgets whom the event concerns. To be called for each event, before connections are ended by it. */
  apply(event: AccessEvent): void;
  /** For an event that nobody understands. */
  clear(): void;
};

export type CredentialKind = "session" | "bearer";

type Entry = { readonly proof: Proof /** Monotonic milliseconds. */; readonly keptUntil: number };

const MAX_ENTRIES = 50_000;
/** A front door that no longer hears of events, such as one cut off from its store, believes itself for this long. */
const MAX_AGE_MS = 15_000;

export function createVerifiedCache(deps: { clock: Clock; appliedEvent: () => number }): VerifiedCache {
  const { clock } = deps;
  const bySession = new Map<SessionId, Set<string>>();
  const entries = new LRUCache<string, Entry>({
    max: MAX_ENTRIES,
    dispose: ({ proof }, key) => forgetKey(proof.identity.sid, key),
  });

  function forgetKey(sid: SessionId, key: string) {
    const keys = bySession.get(sid);
    if (keys?.delete(key) && keys.size === 0) bySession.delete(sid);
  }

  function forgetSession(sid: SessionId) {
    for (const key of [...(bySession.get(sid) ?? [])]) entries.delete(key);
  }

  return {
    get(kind, credential) {
      const key = keyOf(kind, credential);
      const entry = entries.get(key);
      if (entry === undefined) return undefined;
      if (clock.now() < entry.proof.freshUntil && clock.monotonic() < entry.keptUntil)
        return entry.proof.identity;
      entries.delete(key);
      return undefined;
    },

    put(kind, credential, proof) {
      const { sid, asOfEvent } = proof.identity;
      if (asOfEvent !== deps.appliedEvent() || clock.now() >= proof.freshUntil) return;
      const key = keyOf(kind, credential);
      entries.set(key, { proof, keptUntil: clock.monotonic() + MAX_AGE_MS });
      const keys = bySession.get(sid);
      if (keys === undefined) bySession.set(sid, new Set([key]));
      else keys.add(key);
    },

    apply(event) {
      switch (event.kind) {
        case "sessions_ended":
          return event.sids.forEach(forgetSession);
        case "groups_changed":
        case "identity_changed":
          return forgetSession(event.sid);
        case "keys_replaced":
          // What replaced keys have signed proves nothing any more.
          return entries.clear();
        case "policy_changed":
        case "group_ended":
        case "gateway_ended":
          // Who somebody is stays the same; what they may do is decided on every request.
          return;
      }
    },

    clear: () => entries.clear(),
  };
}

function keyOf(kind: CredentialKind, credential: string): string {
  return `${kind} ${hash("sha256", credential, "base64url")}`;
}
