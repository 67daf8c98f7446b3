import { describe, expect, it, test } from "vitest";
import type { Denial, DenialCode } from "../../core/denial.ts";
import { answerTo } from "../../core/denial-answer.ts";
import { BY_ID, type DenialNames } from "../../core/denial-names.ts";
import { DENIAL_SAMPLES } from "../../dev/denial-samples.ts";

type Wire = readonly [status: number, closeCode: number, headers?: Record<string, string | number>];

/** What every code is on the wire; the type demands each of them. */
const WIRE: Readonly<Record<DenialCode, Wire>> = {
  host_unknown: [421, 1008],
  request_malformed: [400, 1008],
  headers_too_large: [431, 1008],
  body_too_large: [413, 1008],
  method_not_allowed: [405, 1008, { allow: "GET" }],
  path_unknown: [404, 1008],
  origin_missing: [403, 1008],
  origin_foreign: [403, 1008],
  upgrade_invalid: [400, 1008],
  credentials_ambiguous: [400, 1008],
  session_missing: [401, 1008, { wwwAuthenticate: "Bearer" }],
  session_ended: [401, 1008, { wwwAuthenticate: "Bearer" }],
  bearer_invalid: [401, 1008, { wwwAuthenticate: 'Bearer error="invalid_token"' }],
  login_failed: [400, 1008],
  login_expired: [400, 1008],
  login_link_used: [400, 1008],
  signed_in_otherwise: [409, 1008],
  clock_skew: [503, 1013, { retryAfterSeconds: 60 }],
  email_missing: [403, 1008],
  groups_missing: [403, 1008],
  groups_overflow: [403, 1008],
  group_reserved: [403, 1008],
  user_denied: [403, 1008],
  agent_not_allowed: [403, 1008],
  agent_unknown: [403, 1008],
  no_agents: [403, 1008],
  access_changed: [403, 1008],
  route_missing: [503, 1013, { retryAfterSeconds: 60 }],
  home_unavailable: [503, 1013, { retryAfterSeconds: 5 }],
  gateway_unavailable: [503, 1013, { retryAfterSeconds: 5 }],
  control_channel_away: [503, 1013, { retryAfterSeconds: 5 }],
  proxy_refused: [403, 1008],
  gateway_answer_invalid: [502, 1013, { retryAfterSeconds: 5 }],
  provider_unavailable: [503, 1013, { retryAfterSeconds: 5 }],
  store_unavailable: [503, 1013, { retryAfterSeconds: 5 }],
  audit_unavailable: [503, 1013, { retryAfterSeconds: 5 }],
  keys_unavailable: [503, 1013, { retryAfterSeconds: 5 }],
  too_many_attempts: [429, 1013, { retryAfterSeconds: 42 }],
  overloaded: [503, 1013, { retryAfterSeconds: 5 }],
  stopping: [503, 1012, { retryAfterSeconds: 5 }],
  client_gone: [400, 1008],
  internal_error: [500, 1013, { retryAfterSeconds: 5 }],
  assertion_missing: [401, 1008, { wwwAuthenticate: "Gateway-Assertion" }],
  assertion_duplicate: [401, 1008, { wwwAuthenticate: "Gateway-Assertion" }],
  assertion_invalid: [401, 1008, { wwwAuthenticate: "Gateway-Assertion" }],
  assertion_agent: [403, 1008],
  control_ticket_invalid: [401, 1008, { wwwAuthenticate: "Gateway-Control" }],
  gateway_full: [503, 1013, { retryAfterSeconds: 5 }],
};

test.each(Object.entries(WIRE))("answers %s with its status, close code and headers", (code, wire) => {
  const [status, closeCode, headers = {}] = wire;
  const { title, message, ...answer } = answerTo(DENIAL_SAMPLES[code as DenialCode]);
  expect(answer).toEqual({ code, status, closeCode, ...headers });
  expect(title).toMatch(/^[^.]+$/);
  expect(message).toMatch(/\.$/);
});

describe("what a person is told", () => {
  it("is the groups that would grant an agent, or that there are none", () => {
    const denial = (grantedBy: readonly string[]): Denial => ({
      ...DENIAL_SAMPLES.agent_not_allowed,
      grantedBy,
    });
    expect(answerTo(denial(["engineering", "it"])).message).toBe(
      "None of your groups grants it. Groups that do: engineering, it.",
    );
    expect(answerTo(denial([])).message).toBe(
      "None of your groups grants it, and at the moment no group that you could be in does.",
    );
  });

  it("is no group of another provider's people", () => {
    const denial = DENIAL_SAMPLES.agent_not_allowed;
    const asked: unknown[] = [];
    const names: DenialNames = {
      ...BY_ID,
      groupsOf(issuer, groups) {
        asked.push([issuer, groups]);
        return [];
      },
    };
    expect(answerTo(denial, names).message).toMatch(/^None of your groups grants it, and at the moment no/);
    expect(asked).toEqual([[denial.issuer, ["engineering"]]]);
  });

  it("is a sentence that no name can turn around or drown", () => {
    const grantedBy = ["a\u202eb\0", ...Array.from({ length: 20 }, () => "x".repeat(500))];
    const { message } = answerTo({ ...DENIAL_SAMPLES.agent_not_allowed, grantedBy });
    expect(message).toContain("Groups that do: a[U+202E]b[U+0000], xxx");
    expect(message).toMatch(/x… and 9 more\.$/);
    expect(message.length).toBeLessThan(1_600);
  });

  it("tells a sign-in that the provider ended from one that went wrong here", () => {
    const message = (what: string) => answerTo({ ...DENIAL_SAMPLES.login_failed, what }).message;
    expect(message("access_denied")).toBe(
      "The identity provider ended the sign-in: it was cancelled, or this account is not assigned to this application.",
    );
    expect(message("invalid_scope")).toBe("The sign-in was not completed. Start it once more.");
  });

  it("is how much is accepted, in a unit that people use where it comes out even", () => {
    const message = (limitBytes: number) => answerTo({ code: "body_too_large", limitBytes }).message;
    expect(message(104_857_600)).toBe("At most 100 MiB are accepted here. Send it in smaller parts.");
    expect(message(1_000)).toBe("At most 1000 bytes are accepted here. Send it in smaller parts.");
  });

  it("is where their history is when its endpoint is down", () => {
    expect(answerTo(DENIAL_SAMPLES.home_unavailable).message).toBe(
      "You may use it. Your history is on cloud/cloud-1, which is down. Nothing is lost; try again soon.",
    );
  });

  it("names agents and gateways as people do, and keeps the ids that whoever is asked needs", () => {
    const names = { ...BY_ID, agent: () => "Code\u202er", gateway: () => "Berlin office" };
    const told = (code: DenialCode) => answerTo(DENIAL_SAMPLES[code], names);
    expect([
      told("agent_not_allowed").title,
      told("home_unavailable").message,
      told("gateway_unavailable").message,
    ]).toEqual([
      'You may not use the agent "Code[U+202E]r"',
      "You may use it. Your history is on Berlin office (cloud/cloud-1), which is down. Nothing is lost; try again soon.",
      "You may use it, but its gateway Berlin office (cloud) is down. Try again soon.",
    ]);
  });

  it("lists every method of a path in words and in Allow", () => {
    const { allow, message } = answerTo({
      code: "method_not_allowed",
      method: "PUT",
      allow: ["GET", "POST"],
    });
    expect([allow, message]).toEqual(["GET, POST", "Use GET, POST."]);
  });

  it("never says why a credential failed, nor which rule denied by name", () => {
    const exact: readonly Denial[] = [
      { code: "bearer_invalid", fault: "bad_signature" },
      { code: "assertion_invalid", fault: "bad_signature" },
      { code: "user_denied", rule: "bad_signature" },
      { code: "login_failed", what: "bad_signature", restartable: false },
      { code: "origin_foreign", origin: "bad_signature" },
      { code: "host_unknown", host: "bad_signature" },
      { code: "keys_unavailable", what: "bad_signature" },
    ];
    expect(exact.map((denial) => JSON.stringify(answerTo(denial))).join("\n")).not.toContain("bad_signature");
  });
});
