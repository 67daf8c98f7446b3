// Second stage: who is asking? A live session or the door's own access token; nothing else proves anything. What was
// proved a moment ago need not be proved again (verified-cache.ts).
import type { Denial } from "../../core/denial.ts";
import type { Proof, VerifiedIdentity } from "../../core/identity.ts";
import { err, ok, type Result } from "../../core/result.ts";
import { StoreUnavailable } from "../../core/store.ts";
import type { ParsedRequest } from "../request/parsed-request.ts";
import type { FailedAttempts } from "./failed-attempts.ts";
import type { Sessions } from "./sessions.ts";
import type { CredentialKind, VerifiedCache } from "./verified-cache.ts";

export type Identify = (request: ParsedRequest) => Promise<Result<VerifiedIdentity, Denial>>;

export type IdentifyDeps = {
  readonly sessions: Pick<Sessions, "read">;
  readonly verifyBearer: (token: string, asOfEvent: number) => Promise<Result<Proof, Denial>>;
  readonly cache: Pick<VerifiedCache, "get" | "put">;
  readonly attempts: FailedAttempts;
  /** Number of the newest event that the live index has applied. */
  readonly appliedEvent: () => number;
};

export function createIdentify(deps: IdentifyDeps): Identify {
  async function prove(request: ParsedRequest): Promise<Result<VerifiedIdentity, Denial>> {
    const { credential } = request;
    switch (credential.kind) {
      case "none":
      case "unreadable-session":
        return err({ code: "session_missing" });
      case "other-scheme":
        return err({ code: "bearer_invalid", fault: "wrong_scheme" });
      case "session":
        return remembered("session", credential.handle, deps.sessions.read);
      case "bearer":
        return remembered("bearer", credential.token, deps.verifyBearer);
    }
  }

  async function remembered<Text extends string>(
    kind: CredentialKind,
    credential: Text,
    prove: (credential: Text, asOfEvent: number) => Promise<Result<Proof, Denial>>,
  ): Promise<Result<VerifiedIdentity, Denial>> {
    const known = deps.cache.get(kind, credential);
    if (known !== undefined) return ok(known);
    const proof = await prove(credential, deps.appliedEvent());
    if (!proof.ok) return proof;
    deps.cache.put(kind, credential, proof.value);
    return ok(proof.value.identity);
  }

  return async (request) => {
    try {
      const proved = await prove(request);
      if (proved.ok || !isGuess(request) || !provesNothing(proved.error)) return proved;
      return err(await deps.attempts.count(request.peer, proved.error));
    } catch (error) {
      // "Cannot read" is not "signed out": a 401 here would throw everybody out while the store is away.
      if (error instanceof StoreUnavailable) return err({ code: "store_unavailable" });
      throw error;
    }
  };
}

// A person whose browser brings an old cookie is on the way to the login, not guessing. No browser navigates with
// a bearer, so whoever merely calls it a navigation is counted (S23).
function isGuess({ credential, kind }: ParsedRequest): boolean {
  if (credential.kind === "none") return false;
  return kind !== "navigation" || credential.kind === "bearer" || credential.kind === "other-scheme";
}

function provesNothing(denial: Denial): boolean {
  return denial.code === "session_missing" || denial.code === "bearer_invalid";
}
