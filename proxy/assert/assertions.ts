// Assertions for requests: one of its own for each WebSocket, and for plain requests one that several may share while
// it is fresh. Signing is the dearest step of a request (a gateway admits such an assertion as often as it is shown).
import type { Clock } from "../../core/clock.ts";
import type { VerifiedIdentity } from "../../core/identity.ts";
import {
  type AssertionSubject,
  issueAssertion,
  type SignedAssertion,
} from "../../token-exchange/issue-assertion.ts";
import type { Keyring } from "../../token-exchange/keyring.ts";

export type Assertions = (subject: AssertionSubject) => SignedAssertion;

type Shared = {
  readonly signed: SignedAssertion;
  readonly kid: string;
  readonly from: number;
  readonly until: number;
};

/** Half of its life: what is shown last still arrives well before it expires. */
const SHARED_FOR_MS = 30_000;

export function createAssertions({ keyring, clock }: { keyring: Keyring; clock: Clock }): Assertions {
  // By the proof itself: with a new proof (an event, another reading of the session) nothing is shared.
  const shared = new WeakMap<VerifiedIdentity, Map<string, Shared>>();

  function sharedBy(identity: VerifiedIdentity): Map<string, Shared> {
    const known = shared.get(identity);
    if (known !== undefined) return known;
    const none = new Map<string, Shared>();
    shared.set(identity, none);
    return none;
  }

  return (subject) => {
    const now = clock.now();
    if (subject.use !== "http") return issueAssertion(keyring, subject, now);
    const ofPerson = sharedBy(subject.identity);
    const said = [subject.audience, subject.groups === undefined, ...subject.agents].join(" ");
    const { kid } = keyring.signingKey();
    const known = ofPerson.get(said);
    if (known !== undefined && known.kid === kid && known.from <= now && now < known.until)
      return known.signed;
    const signed = issueAssertion(keyring, subject, now);
    const until = Math.min(now + SHARED_FOR_MS, signed.claims.exp * 1000);
    ofPerson.set(said, { signed, kid, from: now, until });
    return signed;
  };
}
