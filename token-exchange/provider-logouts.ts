// What the provider has signed out lately: so that a login which was under way then does not survive it, and a
// logout token counts once. Kept in the store, for every replica; names are hashed.
import type { Clock } from "../core/clock.ts";
import type { UserId } from "../core/ids.ts";
import type { Store, StoreWrite } from "../core/store.ts";
import { hashOf } from "./session-index.ts";

export type ProviderLogouts = {
  /** Whether a logout token of this `jti` was acted on before. */
  seen(jti: string): Promise<boolean>;
  /**
   * Says that it was acted on; false if somebody said so before.
   * @param until milliseconds since 1970 from which on the token is refused anyway
   */
  remember(jti: string, until: number): Promise<boolean>;
  /** To be called before the sessions to end are looked up: what is not found yet then finds this. */
  mark(who: SignedOut): Promise<void>;
  /**
   * Writes to be committed with a new session: they conflict when a sign-out comes in between.
   * @param begunAt milliseconds since 1970 at which the login began
   * @returns undefined when the provider has signed this login out since it began
   */
  guarding(
    user: UserId,
    providerSid: string | null,
    begunAt: number,
  ): Promise<readonly StoreWrite[] | undefined>;
};

/** All of a person's sessions, or those of one session of the provider. */
export type SignedOut = { readonly user: UserId } | { readonly providerSid: string };

/** Longer than a login may take. */
const KEEP_MS = 15 * 60_000;

export function createProviderLogouts(store: Store, clock: Clock): ProviderLogouts {
  return {
    seen: async (jti) => (await store.get(tokenKey(jti))) !== undefined,

    async remember(jti, until) {
      const write: StoreWrite = {
        kind: "put",
        key: tokenKey(jti),
        value: "seen",
        ifVersion: 0,
        expiresAt: until,
      };
      return (await store.commit([write])).ok;
    },

    async mark(who) {
      const key = "user" in who ? userKey(who.user) : sessionKey(who.providerSid);
      const at = clock.now();
      await store.commit([{ kind: "put", key, value: String(at), expiresAt: at + KEEP_MS }]);
    },

    async guarding(user, providerSid, begunAt) {
      const writes: StoreWrite[] = [];
      for (const key of [userKey(user), ...(providerSid === null ? [] : [sessionKey(providerSid)])]) {
        const mark = await store.get(key);
        if (mark !== undefined && Number(mark.value) >= begunAt) return undefined;
        // Written back as it was found: a mark made meanwhile has another version.
        writes.push({
          kind: "put",
          key,
          value: mark?.value ?? "0",
          ifVersion: mark?.version ?? 0,
          expiresAt: mark?.expiresAt ?? clock.now() + KEEP_MS,
        });
      }
      return writes;
    },
  };
}

function tokenKey(jti: string): string {
  return `logout-token/${hashOf(jti)}`;
}

function userKey(user: UserId): string {
  return `provider-logout/user/${user}`;
}

function sessionKey(providerSid: string): string {
  return `provider-logout/session/${hashOf(providerSid)}`;
}
