// What the provider has signed out lately: so that a login which was under way then does not survive it, and a
// logout token counts once. Kept in the store, for every replica; names are hashed, each with its issuer: what one
// provider calls a session or a token says nothing of another provider's of that name.
import type { Clock } from "../core/clock.ts";
import type { UserId } from "../core/ids.ts";
import type { Store, StoreWrite } from "../core/store.ts";
import type { ClaimedIdentity } from "./identity-from-claims.ts";
import { hashOf } from "./session-index.ts";

export type ProviderLogouts = {
  /** Whether a logout token of this `jti` was acted on before. */
  seen(issuer: string, jti: string): Promise<boolean>;
  /**
   * Says that it was acted on; false if somebody said so before.
   * @param until milliseconds since 1970 from which on the token is refused anyway
   */
  remember(issuer: string, jti: string, until: number): Promise<boolean>;
  /** To be called before the sessions to end are looked up: what is not found yet then finds this. */
  mark(who: SignedOut): Promise<void>;
  /**
   * Writes to be committed with a new session: they conflict when a sign-out comes in between.
   * @param begunAt milliseconds since 1970 at which the login began
   * @returns undefined when the provider has signed this login out since it began
   */
  guarding(
    login: Pick<ClaimedIdentity, "userId" | "issuer">,
    providerSid: string | null,
    begunAt: number,
  ): Promise<readonly StoreWrite[] | undefined>;
};

/** All of a person's sessions, or those of one session of the provider. */
export type SignedOut = { readonly user: UserId } | { readonly issuer: string; readonly providerSid: string };

/** Longer than a login may take. */
const KEEP_MS = 15 * 60_000;

export function createProviderLogouts(store: Store, clock: Clock): ProviderLogouts {
  return {
    seen: async (issuer, jti) => (await store.get(tokenKey(issuer, jti))) !== undefined,

    async remember(issuer, jti, until) {
      const write: StoreWrite = {
        kind: "put",
        key: tokenKey(issuer, jti),
        value: "seen",
        ifVersion: 0,
        expiresAt: until,
      };
      return (await store.commit([write])).ok;
    },

    async mark(who) {
      const key = "user" in who ? userKey(who.user) : sessionKey(who.issuer, who.providerSid);
      const at = clock.now();
      await store.commit([{ kind: "put", key, value: String(at), expiresAt: at + KEEP_MS }]);
    },

    async guarding({ userId, issuer }, providerSid, begunAt) {
      const writes: StoreWrite[] = [];
      const ofSession = providerSid === null ? [] : [sessionKey(issuer, providerSid)];
      for (const key of [userKey(userId), ...ofSession]) {
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

function tokenKey(issuer: string, jti: string): string {
  return `logout-token/${hashOf(`${issuer}\0${jti}`)}`;
}

function userKey(user: UserId): string {
  return `provider-logout/user/${user}`;
}

function sessionKey(issuer: string, providerSid: string): string {
  return `provider-logout/session/${hashOf(`${issuer}\0${providerSid}`)}`;
}
