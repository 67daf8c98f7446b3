// A running front door's answers as people read them.
import type { AdminSessionsAnswer, KeysState, StatusAnswer } from "../proxy/admin/answers.ts";
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
  return table(
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
}

export function keysText({ keySet, keys }: KeysState): string {
  const rows = keys.map(({ kid, state, signsFrom }) => [kid, state, minute(signsFrom)]);
  return `Key set ${keySet}\n${table(["KEY", "STATE", "SIGNS FROM"], rows)}`;
}

/** `2026-11-21 14:02` */
function minute(time: string): string {
  return time.slice(0, 16).replace("T", " ");
}
