// Alice's session whose provider a test answers for, request by request, at a clock that stands still.
import type { AuditEvent } from "../../../core/audit.ts";
import { newSessionHandle, type SessionHandle } from "../../../core/ids.ts";
import { createLog } from "../../../core/log.ts";
import { err, ok, type Result } from "../../../core/result.ts";
import { createRefresh } from "../../../proxy/identify/refresh.ts";
import { createSessionEndings } from "../../../proxy/identify/session-endings.ts";
import {
  type ConfirmSession,
  createSessions,
  type ProviderTokens,
  type SessionRecord,
} from "../../../proxy/identify/sessions.ts";
import type { IdTokenFault, IdTokenVerifier } from "../../../proxy/pages/id-token.ts";
import type { RefreshedTokens, RefreshFault } from "../../../token-exchange/refresh-request.ts";
import { createSessionIndex } from "../../../token-exchange/session-index.ts";
import { claimRules } from "../../support/claim-rules.ts";
import { verifiedAlice } from "../../support/identity-fixture.ts";
import { createManualClock } from "../../support/manual-clock.ts";
import { createMemoryStore } from "../../support/memory-store.ts";
import { ISSUER, NOW } from "../../support/provider-fixture.ts";

export const MINUTE = 60_000;
export const GRACE_MS = 10 * MINUTE;
/** When the tokens of a new session are to be refreshed. */
export const REFRESH_AT = NOW + 59 * MINUTE;
const { sid: _sid, via: _via, expiresAt: _expiresAt, asOfEvent: _asOfEvent, ...LOGIN } = verifiedAlice();

export type Answer = Result<RefreshedTokens, RefreshFault>;

/** What an ID token of the fixture says: its text is its claims. */
export function idToken(changes: Record<string, unknown> = {}): string {
  return JSON.stringify({
    sub: "alice-1",
    email: "alice@example.com",
    email_verified: true,
    name: "Alice Archer",
    groups: ["engineering"],
    ...changes,
  });
}

/** An ID token that does not verify. */
export function faultyIdToken(fault: IdTokenFault): string {
  return JSON.stringify({ fault });
}

const verifyIdToken: IdTokenVerifier = async (text) => {
  const { fault, ...claims } = JSON.parse(text);
  return fault === undefined ? ok(claims) : err(fault);
};

/** A good answer: an hour more. */
export function refreshed(now: number, changes: Partial<RefreshedTokens> = {}): Answer {
  return ok({ idToken: null, refreshToken: null, expiresAt: now / 1000 + 3600, ...changes });
}

export const UNREACHABLE: Answer = err({ kind: "unreachable", what: "ECONNREFUSED" });
export const REFUSED: Answer = err({ kind: "refused", what: "invalid_grant" });

export async function openSession(tokens: Partial<ProviderTokens> = {}) {
  const clock = createManualClock(NOW);
  const store = createMemoryStore(clock);
  const index = createSessionIndex(store, clock.now);
  const endings = createSessionEndings(store, index);
  const log = createLog("test", "silent");
  const audit: AuditEvent[] = [];
  const asked: { readonly refreshToken: string; answer(answer: Answer): Promise<void> }[] = [];
  const sessions = createSessions({
    store,
    index,
    clock,
    encryptionKey: Buffer.alloc(32, 7),
    rules: { absoluteMs: 12 * 60 * MINUTE, idleMs: 8 * 60 * MINUTE },
    confirm: (place, record) => confirm(place, record),
  });
  const confirm: ConfirmSession = createRefresh({
    sessions,
    endings,
    provider: {
      id: "sso",
      config: { name: "Example SSO" },
      requestRefresh: (refreshToken) =>
        new Promise((resolve) => {
          asked.push({
            refreshToken,
            answer(answer) {
              resolve(answer);
              return settled();
            },
          });
        }),
      verifyIdToken,
      claimRules: claimRules(ISSUER),
    },
    graceMs: GRACE_MS,
    clock,
    log,
    audit: { record: (event) => void audit.push(event), accepting: true, close: async () => {} },
  });

  async function signIn(): Promise<{ handle: SessionHandle; place: string }> {
    const handle = newSessionHandle();
    const details = {
      tokens: { idToken: "id-token-0", refreshToken: "refresh-0", refreshAt: REFRESH_AT, ...tokens },
      providerSid: null,
      from: { peer: "192.0.2.7", userAgent: null },
    };
    await sessions.create(handle, LOGIN, details, NOW);
    return { handle, place: sessions.placeOf(handle) };
  }

  const { handle, place } = await signIn();
  const first = await sessions.recordAt(place);
  if (first === undefined) throw new Error("a session was made");
  return {
    clock,
    store,
    index,
    endings,
    sessions,
    signIn,
    place,
    sid: first.record.identity.sid,
    asked,
    /** Answers the oldest request that has no answer yet. */
    async answer(answer: Answer) {
      const request = asked.find((each) => !answered.has(each));
      if (request === undefined) throw new Error("the provider was not asked");
      answered.add(request);
      await request.answer(answer);
    },
    audit,
    read,
    async groups() {
      const identity = await read();
      return identity.ok ? identity.value.groups : identity.error.code;
    },
    async tokens(): Promise<ProviderTokens | undefined> {
      return (await record())?.details.tokens;
    },
    record,
    async events() {
      return (await store.eventsAfter(0)).map(({ payload }) => JSON.parse(payload));
    },
  };

  async function read() {
    const proof = await sessions.read(handle, 0);
    return proof.ok ? ok(proof.value.identity) : proof;
  }

  async function record(): Promise<SessionRecord | undefined> {
    return (await sessions.recordAt(place))?.record;
  }
}

const answered = new WeakSet<object>();

/** Everything that follows from what has happened has happened: nothing here waits for time. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
