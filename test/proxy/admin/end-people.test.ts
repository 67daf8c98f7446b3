// Whom an administrator's words mean when an e-mail is not one person's alone.
import { beforeEach, describe, expect, it } from "vitest";
import { newSessionHandle, type SessionId, userIdOf } from "../../../core/ids.ts";
import { ok } from "../../../core/result.ts";
import type { AdminAction } from "../../../proxy/admin/admin-action.ts";
import { endUser } from "../../../proxy/admin/end-access.ts";
import { listSessions } from "../../../proxy/admin/look.ts";
import { createSessionEndings } from "../../../proxy/identify/session-endings.ts";
import { createSessionList } from "../../../proxy/identify/session-list.ts";
import { createSessions } from "../../../proxy/identify/sessions.ts";
import { createSessionIndex } from "../../../token-exchange/session-index.ts";
import { verifiedAlice } from "../../support/identity-fixture.ts";
import { createManualClock, type ManualClock } from "../../support/manual-clock.ts";
import { createMemoryStore, type MemoryStore } from "../../support/memory-store.ts";
import { NOW } from "../../support/provider-fixture.ts";

const PROVIDERS = { company: "https://company.example", partner: "https://partner.example" };
const ALICE = "alice@example.com";
const OURS = userIdOf(PROVIDERS.company, "alice");
const THEIRS = userIdOf(PROVIDERS.partner, "alice");

let clock: ManualClock;
let store: MemoryStore;
let signIn: (provider: keyof typeof PROVIDERS, subject: string, email: string) => Promise<SessionId>;
let end: AdminAction;
let listed: (query: Record<string, string>) => ReturnType<AdminAction>;

beforeEach(() => {
  clock = createManualClock(NOW);
  store = createMemoryStore(clock);
  const index = createSessionIndex(store, clock.now);
  const sessions = createSessions({
    store,
    index,
    clock,
    encryptionKey: Buffer.alloc(32, 7),
    rules: { absoluteMs: 3_600_000, idleMs: 3_600_000 },
    confirm: async (_place, record) => ok(record),
  });
  const list = createSessionList({
    index,
    sessions,
    bearerSessions: { recordAt: async () => undefined },
    live: { ofUser: () => [], list: () => [] },
  });
  const byIssuer = new Map(Object.entries(PROVIDERS).map(([id, issuer]) => [issuer, { id }]));
  const deps = { list, providers: { byIssuer }, endings: createSessionEndings(store, index) };
  end = endUser(deps);
  const look = listSessions(deps);
  listed = (query) => look({ query: new URLSearchParams(query), body: undefined });
  const { sid: _s, via: _v, expiresAt: _x, asOfEvent: _e, ...login } = verifiedAlice();
  signIn = async (provider, subject, email) => {
    // Each one later than the one before: the newest use is listed first.
    clock.advance(1_000);
    const issuer = PROVIDERS[provider];
    const sid = await sessions.create(
      newSessionHandle(),
      { ...login, userId: userIdOf(issuer, subject), issuer, email },
      {
        tokens: { idToken: "an-id-token", refreshToken: null, refreshAt: null },
        providerSid: null,
        from: { peer: "192.0.2.7", userAgent: null },
      },
      clock.now(),
    );
    if (sid === undefined) throw new Error("the provider has signed nobody out");
    return sid;
  };
});

const ending = (body: unknown) => end({ query: new URLSearchParams(), body });
const person = (userId: string, provider: string, email: string, ...ended: SessionId[]) => ({
  userId,
  email,
  provider,
  ended,
});

describe("ending by an e-mail that people of two providers use", () => {
  it("ends them both, by one event, and says who each one was, also in the audit log", async () => {
    const ours = await signIn("company", "alice", ALICE);
    await signIn("company", "bob", "bob@example.com");
    const theirs = await signIn("partner", "alice", ALICE);
    const alsoOurs = await signIn("company", "alice", ALICE);
    expect(await ending({ who: " Alice@Example.com" })).toEqual({
      status: 200,
      body: {
        people: [person(OURS, "company", ALICE, ours, alsoOurs), person(THEIRS, "partner", ALICE, theirs)],
        event: 1,
      },
      lines: [
        { reason: "users end: 2 sessions", userId: OURS, email: ALICE, provider: "company", event: 1 },
        { reason: "users end: 1 sessions", userId: THEIRS, email: ALICE, provider: "partner", event: 1 },
      ],
    });
    expect((await store.eventsAfter(0)).length).toBe(1);
    const left = (await listed({})).body as { sessions: { email: string }[] };
    expect(left.sessions.map(({ email }) => email)).toEqual(["bob@example.com"]);
  });

  it.each([
    ["the e-mail and a provider", { who: ALICE, provider: "partner" }],
    ["the user id", { who: THEIRS }],
    ["the user id and its provider", { who: THEIRS, provider: "partner" }],
  ])("ends one of them when told which, by %s", async (_how, named) => {
    const ours = await signIn("company", "alice", ALICE);
    const theirs = await signIn("partner", "alice", ALICE);
    expect((await ending(named)).body).toEqual({
      people: [person(THEIRS, "partner", ALICE, theirs)],
      event: 1,
    });
    expect((await listed({ user: ALICE })).body).toMatchObject({
      sessions: [{ sid: ours, userId: OURS, provider: "company" }],
    });
  });

  it("ends all that such a person has, under whatever e-mail it began", async () => {
    const before = await signIn("company", "alice", "archer@example.com");
    const after = await signIn("company", "alice", ALICE);
    expect((await ending({ who: ALICE })).body).toEqual({
      people: [person(OURS, "company", ALICE, before, after)],
      event: 1,
    });
  });
});

describe("a name that means nobody", () => {
  it.each([
    [{ who: ALICE, provider: "partner" }, 404, `${ALICE} has no session at the provider partner`],
    [{ who: OURS, provider: "partner" }, 404, `${OURS} has no session at the provider partner`],
    [{ who: THEIRS }, 404, `${THEIRS} has no session`],
    [{ who: ALICE, provider: "gone" }, 404, 'there is no provider "gone"; there are company, partner'],
    [{ who: ALICE, provider: "" }, 404, 'there is no provider ""; there are company, partner'],
    [{ who: OURS, provider: "" }, 404, 'there is no provider ""; there are company, partner'],
    [{ who: ALICE, provider: ["partner"] }, 400, "name a provider by its id"],
    [{ who: ALICE, provider: "p".repeat(257) }, 400, "name a provider by its id"],
    [{ who: "alice" }, 400, "name a person by user id (u_…) or e-mail"],
    [{}, 400, "name a person by user id (u_…) or e-mail"],
  ])("(%j) ends nothing and is told so", async (named, status, error) => {
    await signIn("company", "alice", ALICE);
    expect(await ending(named)).toEqual({
      status,
      body: { error },
      lines: [{ reason: `users end: ${error}` }],
    });
    expect(await store.eventsAfter(0)).toEqual([]);
  });
});

describe("a list", () => {
  it("is of everybody, of an e-mail, of a provider, or of both together", async () => {
    await signIn("company", "alice", ALICE);
    await signIn("partner", "alice", ALICE);
    await signIn("partner", "bob", "bob@partner.example");
    const of = async (query: Record<string, string>) => {
      const { body, lines } = await listed(query);
      const { sessions } = body as { sessions: { email: string; provider: string }[] };
      return [sessions.map(({ email, provider }) => [provider, email]), lines];
    };
    const [ours, theirs, bob] = [
      ["company", ALICE],
      ["partner", ALICE],
      ["partner", "bob@partner.example"],
    ];
    expect(await of({})).toEqual([[bob, theirs, ours], [{ reason: "sessions list", provider: null }]]);
    expect(await of({ user: ALICE })).toEqual([
      [theirs, ours],
      [{ reason: `sessions list: "${ALICE}"`, provider: null }],
    ]);
    expect(await of({ provider: "partner" })).toEqual([
      [bob, theirs],
      [{ reason: "sessions list", provider: "partner" }],
    ]);
    expect(await of({ user: ALICE, provider: "company" })).toEqual([
      [ours],
      [{ reason: `sessions list: "${ALICE}"`, provider: "company" }],
    ]);
  });

  it("of a provider that is not there is an error, not empty", async () => {
    expect(await listed({ provider: "gone" })).toEqual({
      status: 404,
      body: { error: 'there is no provider "gone"; there are company, partner' },
      lines: [{ reason: 'sessions list: there is no provider "gone"; there are company, partner' }],
    });
  });
});
