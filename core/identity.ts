// Who is asking, once proved. Only two places may vouch: proxy/identify (a live session) and
// token-exchange (a verified bearer). test/architecture.test.ts holds that.
import type { SessionId, UserId } from "./ids.ts";

export type Identity = {
  readonly userId: UserId;
  readonly issuer: string;
  /** As the provider asserted it, lower-cased; null when it asserted none. */
  readonly email: string | null;
  /** The provider marks it verified: what it says, whether it counts or not. */
  readonly emailVerified: boolean;
  /** It counts as verified: by that word or by the operator's, and within what the provider may vouch for. */
  readonly emailTrusted: boolean;
  readonly name: string | null;
  readonly groups: readonly string[];
  /** The login this identity comes from; a bearer has one of its own. */
  readonly sid: SessionId;
  readonly via: "session" | "bearer";
  /** Milliseconds since 1970 after which this proof counts no more. */
  readonly expiresAt: number;
  /** Number of the newest event that was applied before this identity was read. */
  readonly asOfEvent: number;
};

declare const verified: unique symbol;
export type VerifiedIdentity = Identity & { readonly [verified]: true };

/** An identity and how long it may count again, in this process, without being proved anew. */
export type Proof = {
  readonly identity: VerifiedIdentity;
  /** Milliseconds since 1970. An event that concerns its session ends it earlier. */
  readonly freshUntil: number;
};

/** States that the caller has just proved this identity. */
export function vouchFor(identity: Identity): VerifiedIdentity {
  return Object.freeze(identity) as VerifiedIdentity;
}
