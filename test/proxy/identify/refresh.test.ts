import { describe, expect, it, test } from "vitest";
import { err } from "../../../core/result.ts";
import { NOW } from "../../support/provider-fixture.ts";
import {
  type Answer,
  faultyIdToken,
  GRACE_MS,
  idToken,
  MINUTE,
  openSession,
  REFRESH_AT,
  REFUSED,
  refreshed,
  settled,
  UNREACHABLE,
} from "./refresh-fixture.ts";

const ENGINEERING = ["engineering"];
const UNAVAILABLE = {
  code: "provider_unavailable",
  provider: "Example SSO",
  what: "the sign-in could not be confirmed",
};

/** A session whose tokens have just become due. */
async function openDueSession() {
  const session = await openSession();
  session.clock.advance(REFRESH_AT - NOW);
  return session;
}

describe("the provider's tokens of a session", () => {
  it("are not refreshed before it is time", async () => {
    const { clock, groups, asked } = await openSession();
    clock.advance(REFRESH_AT - NOW - 1);
    expect([await groups(), asked.length]).toEqual([ENGINEERING, 0]);
  });

  it("are not refreshed when nothing says when", async () => {
    const { clock, groups, asked } = await openSession({ refreshToken: null, refreshAt: null });
    clock.advance(2 * 60 * MINUTE);
    expect([await groups(), asked.length]).toEqual([ENGINEERING, 0]);
  });

  it("are refreshed a minute early by one request, which nobody waits for", async () => {
    const { groups, asked, answer, tokens, clock } = await openDueSession();
    expect(await Promise.all([groups(), groups(), groups()])).toEqual([
      ENGINEERING,
      ENGINEERING,
      ENGINEERING,
    ]);
    await settled();
    expect(await groups()).toEqual(ENGINEERING);
    expect(asked.map(({ refreshToken }) => refreshToken)).toEqual(["refresh-0"]);
    await answer(refreshed(clock.now()));
    expect(await tokens()).toEqual({
      idToken: "id-token-0",
      refreshToken: "refresh-0",
      refreshAt: REFRESH_AT + 59 * MINUTE,
    });
    expect([await groups(), asked.length]).toEqual([ENGINEERING, 1]);
  });

  it("are kept as they were replaced, and the next refresh uses the new one", async () => {
    const { groups, asked, answer, tokens, clock } = await openDueSession();
    await groups();
    const newest = idToken();
    await answer(refreshed(clock.now(), { idToken: newest, refreshToken: "refresh-1" }));
    expect(await tokens()).toEqual({
      idToken: newest,
      refreshToken: "refresh-1",
      refreshAt: REFRESH_AT + 59 * MINUTE,
    });
    clock.advance(59 * MINUTE);
    await groups();
    expect(asked.map(({ refreshToken }) => refreshToken)).toEqual(["refresh-0", "refresh-1"]);
  });

  it("that live shorter than a minute are refreshed with a pause in between", async () => {
    const { groups, asked, answer, clock } = await openDueSession();
    await groups();
    await answer(refreshed(clock.now(), { expiresAt: clock.now() / 1000 + 1 }));
    clock.advance(29_999);
    await groups();
    expect(asked.length).toBe(1);
    clock.advance(1);
    await groups();
    expect(asked.length).toBe(2);
  });
});

describe("a new ID token", () => {
  it("brings new groups, told in the same commit", async () => {
    const { groups, answer, clock, store, sid, audit, events } = await openDueSession();
    await groups();
    const seen: unknown[] = [];
    store.onEvent(({ number }) => void seen.push(number));
    await answer(refreshed(clock.now(), { idToken: idToken({ groups: ["sales", "engineering"] }) }));
    expect(await groups()).toEqual(["sales", "engineering"]);
    expect(seen).toEqual([1]);
    expect(await events()).toEqual([{ v: 1, kind: "groups_changed", sid, groups: ["sales", "engineering"] }]);
    expect(audit).toEqual([
      expect.objectContaining({
        kind: "refresh",
        outcome: "allowed",
        reason: "groups_changed",
        sid,
        event: 1,
      }),
    ]);
  });

  it("with the same groups, however often each is named, changes nothing that anybody must be told", async () => {
    const { read, answer, clock, audit, events } = await openDueSession();
    await read();
    await answer(
      refreshed(clock.now(), {
        idToken: idToken({ groups: ["engineering", "engineering"], name: "A. Archer" }),
      }),
    );
    expect(await read()).toMatchObject({ value: { name: "A. Archer" } });
    expect([await events(), audit]).toEqual([[], []]);
  });

  it.each([
    ["another e-mail", { email: "alice.archer@example.com" }, "alice.archer@example.com"],
    ["an e-mail that is no longer verified", { email_verified: false }, "alice@example.com"],
    ["no e-mail any more", { email: undefined }, null],
  ])("with %s makes what lives by the session come back anew", async (_what, changes, email) => {
    const { read, answer, clock, sid, events } = await openDueSession();
    await read();
    await answer(refreshed(clock.now(), { idToken: idToken({ groups: ["sales"], ...changes }) }));
    expect(await read()).toMatchObject({ value: { email, groups: ["sales"] } });
    expect(await events()).toEqual([{ v: 1, kind: "identity_changed", sid }]);
  });

  it.each([
    ["of another person", idToken({ sub: "bob-1" }), "id token: other_subject"],
    [
      "of another issuer",
      faultyIdToken({ kind: "invalid", fault: "wrong_issuer" }),
      "id token: wrong_issuer",
    ],
    ["without groups", idToken({ groups: undefined }), "id token: groups_missing claim=groups"],
    [
      "of somebody in too many groups",
      idToken({ groups: undefined, _claim_names: { groups: "src1" } }),
      "id token: groups_overflow claim=groups",
    ],
  ])("%s ends the session", async (_what, text, why) => {
    const { groups, answer, clock, sid, audit, events } = await openDueSession();
    await groups();
    await answer(refreshed(clock.now(), { idToken: text, refreshToken: "refresh-1" }));
    expect(await groups()).toBe("session_missing");
    expect(await events()).toEqual([
      { v: 1, kind: "sessions_ended", sids: [sid], reason: "provider_refused" },
    ]);
    expect(audit).toEqual([
      expect.objectContaining({ kind: "logout", reason: `provider_refused: ${why}`, sid, event: 1 }),
    ]);
  });

  it.each([
    ["whose signature is wrong", faultyIdToken({ kind: "invalid", fault: "bad_signature" })],
    ["of an unknown key", faultyIdToken({ kind: "invalid", fault: "unknown_key" })],
    ["from a clock that is ahead", faultyIdToken({ kind: "invalid", fault: "not_yet_valid" })],
    [
      "that cannot be verified now",
      faultyIdToken({
        kind: "unverifiable",
        denial: { code: "provider_unavailable", provider: "Example SSO", what: "ECONNREFUSED" },
      }),
    ],
  ])("%s confirms nothing and ends nothing, but the refresh token that came is kept", async (_what, text) => {
    const { groups, answer, tokens, clock, asked } = await openDueSession();
    await groups();
    await answer(refreshed(clock.now(), { idToken: text, refreshToken: "refresh-1" }));
    expect(await tokens()).toEqual({
      idToken: "id-token-0",
      refreshToken: "refresh-1",
      refreshAt: REFRESH_AT,
    });
    clock.advance(MINUTE);
    expect(await groups()).toEqual(ENGINEERING);
    expect(asked.map(({ refreshToken }) => refreshToken)).toEqual(["refresh-0", "refresh-1"]);
  });
});

describe("a provider that says no", () => {
  it("ends the session at once, with an event and an audit line", async () => {
    const { groups, answer, sid, audit, events } = await openDueSession();
    await groups();
    await answer(REFUSED);
    expect(await groups()).toBe("session_missing");
    expect(await events()).toEqual([
      { v: 1, kind: "sessions_ended", sids: [sid], reason: "provider_refused" },
    ]);
    expect(audit).toEqual([
      expect.objectContaining({
        kind: "logout",
        outcome: "allowed",
        reason: "provider_refused: invalid_grant",
        email: "alice@example.com",
        sid,
        event: 1,
      }),
    ]);
  });

  it("to a token that was replaced elsewhere meanwhile ends nothing", async () => {
    const { groups, answer, place, sessions, tokens } = await openDueSession();
    await groups();
    const found = await sessions.recordAt(place);
    if (found === undefined) throw new Error("it lives");
    const elsewhere = { idToken: "id-token-1", refreshToken: "refresh-1", refreshAt: REFRESH_AT + MINUTE };
    const details = { ...found.record.details, tokens: elsewhere };
    await sessions.replace(place, { ...found, record: { ...found.record, details } });
    await answer(REFUSED);
    expect([await groups(), await tokens()]).toEqual([ENGINEERING, elsewhere]);
  });
});

describe("a provider that does not answer", () => {
  async function silence(session: Awaited<ReturnType<typeof openDueSession>>) {
    await session.groups();
    await session.answer(UNREACHABLE);
  }

  it("is borne for the grace, counted from the expiry of the tokens; then the session waits", async () => {
    const session = await openDueSession();
    await silence(session);
    session.clock.advance(MINUTE + GRACE_MS - 1);
    expect(await session.groups()).toEqual(ENGINEERING);
    await session.answer(UNREACHABLE);
    session.clock.advance(1);
    expect(await session.read()).toEqual(err(UNAVAILABLE));
    expect(await session.events()).toEqual([]);
  });

  it("lets the session go on as soon as it answers again, with what it says then", async () => {
    const session = await openDueSession();
    await silence(session);
    session.clock.advance(5 * 60 * MINUTE);
    const waiting = session.groups();
    await settled();
    await session.answer(refreshed(session.clock.now(), { idToken: idToken({ groups: ["sales"] }) }));
    expect([await waiting, await session.groups()]).toEqual([["sales"], ["sales"]]);
  });

  it("is asked once by all who come back to a session after long, and they wait for the answer", async () => {
    const { clock, groups, answer, asked } = await openSession();
    clock.advance(5 * 60 * MINUTE);
    const waiting = [groups(), groups(), groups()];
    await settled();
    expect(asked.length).toBe(1);
    await answer(REFUSED);
    expect(await Promise.all(waiting)).toEqual(["session_ended", "session_ended", "session_ended"]);
  });

  it("is not asked again before a pause, whoever asks", async () => {
    const session = await openDueSession();
    await silence(session);
    for (let count = 0; count < 20; count += 1) await session.groups();
    session.clock.advance(4_999);
    await session.groups();
    expect(session.asked.length).toBe(1);
    session.clock.advance(1);
    await session.groups();
    expect(session.asked.length).toBe(2);
  });
});

describe("what happens while a refresh is under way", () => {
  const late: readonly (readonly [string, (now: number) => Answer])[] = [
    ["other groups", (now) => refreshed(now, { idToken: idToken({ groups: ["sales"] }), refreshToken: "r" })],
    ["no ID token", (now) => refreshed(now)],
    [
      "an ID token that does not verify",
      (now) =>
        refreshed(now, { idToken: faultyIdToken({ kind: "invalid", fault: "expired" }), refreshToken: "r" }),
    ],
    ["a refusal", () => REFUSED],
  ];
  test.each(late)("a session that was ended is not brought back by %s", async (_what, answerAt) => {
    const { groups, answer, clock, endings, sid, store, events, audit } = await openDueSession();
    await groups();
    await endings.endOne(sid, "signed_out");
    await answer(answerAt(clock.now()));
    expect(await groups()).toBe("session_missing");
    expect(await store.list("session/")).toEqual([]);
    expect(await events()).toEqual([{ v: 1, kind: "sessions_ended", sids: [sid], reason: "signed_out" }]);
    expect(audit).toEqual([]);
  });

  it("a session that is ended between the look and the write stays ended, and nobody hears of new groups", async () => {
    const { groups, answer, clock, endings, sid, store, events } = await openDueSession();
    await groups();
    const commit = store.commit;
    let overtaken = false;
    store.commit = async (writes) => {
      if (!overtaken) {
        overtaken = true;
        await endings.endOne(sid, "signed_out");
      }
      return commit(writes);
    };
    await answer(refreshed(clock.now(), { idToken: idToken({ groups: ["sales"] }) }));
    expect([overtaken, await groups()]).toEqual([true, "session_missing"]);
    expect(await events()).toEqual([{ v: 1, kind: "sessions_ended", sids: [sid], reason: "signed_out" }]);
  });

  it("a use that was written down is not lost, nor is the refresh", async () => {
    const { groups, answer, clock, record, tokens } = await openDueSession();
    await groups();
    clock.advance(30 * MINUTE);
    // Notes its use, and joins the refresh that is under way.
    const waiting = groups();
    await settled();
    await answer(refreshed(clock.now()));
    expect(await waiting).toEqual(ENGINEERING);
    expect((await record())?.usedAt).toBe(clock.now());
    expect((await tokens())?.refreshAt).toBe(clock.now() + 59 * MINUTE);
  });

  it("another session is refreshed on its own", async () => {
    const { groups, signIn, sessions, asked } = await openDueSession();
    const other = await signIn();
    await Promise.all([groups(), sessions.read(other.handle, 0)]);
    expect(asked.length).toBe(2);
  });

  it("a store that fails then is no answer: the session is asked about again", async () => {
    const { groups, answer, clock, store, asked } = await openDueSession();
    await groups();
    const { commit } = store;
    store.commit = async () => {
      throw new Error("the disk is full");
    };
    await answer(refreshed(clock.now(), { idToken: idToken({ groups: ["sales"] }) }));
    store.commit = commit;
    expect(await groups()).toEqual(ENGINEERING);
    clock.advance(5_000);
    await groups();
    expect(asked.length).toBe(2);
  });
});
