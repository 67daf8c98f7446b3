import { describe, expect, it } from "vitest";
import { endedPeopleText, sessionsText } from "../../cli/admin-text.ts";
import type { AdminSessionsAnswer } from "../../proxy/admin/answers.ts";

const OURS = { userId: "u_ours", email: "alice@example.com", provider: "company" };
const THEIRS = { userId: "u_theirs", email: "alice@example.com", provider: "partner" };

describe("who was ended", () => {
  it.each([
    [["s_1"], OURS, "Ended one session of alice@example.com at company (u_ours), with all connections: s_1"],
    [
      ["s_1", "s_2"],
      { ...OURS, email: null },
      "Ended 2 sessions of u_ours at company, with all connections: s_1, s_2",
    ],
    [
      ["s_1"],
      { ...OURS, email: "a\u001b[2J@example.com", provider: null },
      "Ended one session of a?[2J@example.com (u_ours), with all connections: s_1",
    ],
  ])("is told in one line when it was one person: %j of %j", (ended, person, text) => {
    expect(endedPeopleText({ people: [{ ...person, ended }], event: 1 })).toBe(text);
  });

  it("is told person by person when they were several, with the way to end one alone", () => {
    const people = [
      { ...OURS, ended: ["s_1", "s_2"] },
      { ...THEIRS, ended: ["s_3"] },
    ];
    expect(endedPeopleText({ people, event: 1 })).toBe(
      `Ended 3 sessions of 2 people, with all connections. That e-mail is all of theirs:
  alice@example.com at company (u_ours): s_1, s_2
  alice@example.com at partner (u_theirs): s_3
To end one of them alone, name the user id, or the e-mail and --provider <id>.`,
    );
  });
});

describe("a list of sessions", () => {
  const session: AdminSessionsAnswer["sessions"][number] = {
    ...OURS,
    sid: "s_1",
    kind: "browser",
    since: "2026-11-21T14:02:03.000Z",
    lastSeen: "2026-11-21T14:05:00.000Z",
    expiresAt: "2026-11-22T02:02:03.000Z",
    peer: "192.0.2.7",
    agents: ["coder"],
  };
  const heading =
    "SESSION  PERSON             PROVIDER  USER ID   KIND     SINCE             LAST SEEN         FROM       OPEN AGENTS";
  const row = (sid: string, userId: string, provider: string) =>
    `${sid}      alice@example.com  ${provider}   ${userId.padEnd(8)}  browser  2026-11-21 14:02  2026-11-21 14:05  192.0.2.7  coder`;

  it("says when one e-mail in it is several people", () => {
    const sessions = [session, { ...session, ...THEIRS, sid: "s_2" }, { ...session, sid: "s_3" }];
    expect(sessionsText({ sessions }).split("\n")).toEqual([
      heading,
      row("s_1", "u_ours", "company"),
      row("s_2", "u_theirs", "partner"),
      row("s_3", "u_ours", "company"),
      "alice@example.com is 2 people: users end ends them all, unless it is told which one.",
    ]);
  });

  it("says nothing more of an e-mail that is one person, nor of people without one", () => {
    const nameless = { ...session, email: null };
    const sessions = [session, { ...session, sid: "s_2" }, nameless, { ...nameless, ...{ userId: "u_4" } }];
    expect(sessionsText({ sessions }).split("\n").length).toBe(5);
  });
});
