// A running front door's answers as people read them.
import type {
  AdminSessionsAnswer,
  KeysState,
  StatusAnswer,
  UsersEndedAnswer,
} from "../proxy/admin/answers.ts";
import { plain, table } from "./table.ts";

export function statusText(status: StatusAnswer): string {
  const { policy, checks } = status;
  const facts = [
    ["front door", `${status.publicUrl}, process ${status.process}, since ${status.startedAt}`],
    ["ready", status.ready ? "yes" : "no"],
    ...Object.entries(checks),
    ["policy", `snapshot ${policy.snapshot}, since ${policy.since}`],
    ["connections", String(status.connections)],
  ];
  const width = Math.max(11, ...facts.map(([name = ""]) => name.length)) + 2;
  return [
    facts.map(([name = "", value = ""]) => `${name.padEnd(width)}${value}`).join("\n"),
    ...policy.faults.map((fault) => `Fault in the files, what runs stays: ${plain(fault)}`),
    ...policy.needsRestart.map((key) => `Needs a restart: ${key}`),
    "",
    table(
      ["GATEWAY", "ENDPOINT", "STATE", "CHANNEL", "CONNECTIONS", "URL"],
      status.endpoints.map(({ gateway, endpoint, state, channel, connections, url }) => [
        gateway,
        endpoint,
        state,
        channel,
        String(connections),
        url,
      ]),
    ),
    ...status.endpoints.flatMap(({ gateway, endpoint, fault }) =>
      fault === null ? [] : [`${gateway}/${endpoint} is down: ${plain(fault)}`],
    ),
    "",
    keysText(status.keys),
  ].join("\n");
}

export function sessionsText({ sessions }: AdminSessionsAnswer): string {
  if (sessions.length === 0) return "No sessions.";
  const listed = table(
    ["SESSION", "PERSON", "PROVIDER", "USER ID", "KIND", "SINCE", "LAST SEEN", "FROM", "OPEN AGENTS"],
    sessions.map(({ sid, email, provider, userId, kind, since, lastSeen, peer, agents }) => [
      sid,
      plain(email ?? "-"),
      provider ?? "-",
      userId,
      kind,
      minute(since),
      minute(lastSeen),
      peer ?? "-",
      agents.join(", ") || "-",
    ]),
  );
  return [listed, ...sharedEmails(sessions)].join("\n");
}

export function endedPeopleText({ people }: UsersEndedAnswer): string {
  const sids = people.flatMap(({ ended }) => ended);
  const sessions = sids.length === 1 ? "one session" : `${sids.length} sessions`;
  const [person, ...others] = people;
  if (person !== undefined && others.length === 0) {
    return `Ended ${sessions} of ${named(person)}, with all connections: ${sids.join(", ")}`;
  }
  return [
    `Ended ${sessions} of ${people.length} people, with all connections. That e-mail is all of theirs:`,
    ...people.map((each) => `  ${named(each)}: ${each.ended.join(", ")}`),
    "To end one of them alone, name the user id, or the e-mail and --provider <id>.",
  ].join("\n");
}

type Person = Pick<UsersEndedAnswer["people"][number], "userId" | "email" | "provider">;

function named({ userId, email, provider }: Person): string {
  const at = provider === null ? "" : ` at ${provider}`;
  return email === null ? `${userId}${at}` : `${plain(email)}${at} (${userId})`;
}

/** A line for each e-mail that more than one of these people use. */
function sharedEmails(sessions: AdminSessionsAnswer["sessions"]): string[] {
  const emails = new Set(sessions.flatMap(({ email }) => email ?? []));
  return [...emails].flatMap((email) => {
    const users = new Set(sessions.filter((each) => each.email === email).map(({ userId }) => userId));
    return users.size === 1
      ? []
      : [`${plain(email)} is ${users.size} people: users end ends them all, unless it is told which one.`];
  });
}

export function keysText({ keySet, keys }: KeysState): string {
  const rows = keys.map(({ kid, state, signsFrom }) => [kid, state, minute(signsFrom)]);
  return `Key set ${keySet}\n${table(["KEY", "STATE", "SIGNS FROM"], rows)}`;
}

/** `2026-11-21 14:02` */
function minute(time: string): string {
  return time.slice(0, 16).replace("T", " ");
}
