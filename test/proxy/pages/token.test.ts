import type { Response } from "express";
import { describe, expect, it, test } from "vitest";
import { auditEvent } from "../../../core/audit.ts";
import type { Denial } from "../../../core/denial.ts";
import { err, ok, type Result } from "../../../core/result.ts";
import { createTokenEndpoint } from "../../../proxy/pages/token.ts";
import type { Credential } from "../../../proxy/request/parsed-request.ts";
import { generateEcKeyPair } from "../../../token-exchange/ec-key-pair.ts";
import type { TokenExchangeDeps } from "../../../token-exchange/exchange-provider-token.ts";
import { sessionId } from "../../support/assertion-fixture.ts";
import { claimRules } from "../../support/claim-rules.ts";
import { createManualClock } from "../../support/manual-clock.ts";
import { CLIENT_ID, claimsOfAlice, ISSUER, NOW } from "../../support/provider-fixture.ts";
import { CATALOGUE, policyOf } from "../policy-fixture.ts";
import { recordedAudit } from "../recorded-audit.ts";
import { PUBLIC_URL, parsedRequest, REQUEST_ID } from "../request-fixture.ts";

const PAIR = generateEcKeyPair();
const BEARER: Credential = { kind: "bearer", token: "a.provider.token" };
const TOO_MANY: Denial = { code: "too_many_attempts", retryAfterSeconds: 7 };
const POLICY = policyOf({
  agents: CATALOGUE,
  groups: { engineering: { agents: ["coder", "assistant"] } },
  users: { "eve@example.com": { deny: true } },
});

type Situation = {
  readonly credential?: Credential;
  readonly closed?: boolean;
  readonly accepting?: boolean;
  readonly verified?: Result<Record<string, unknown>, Denial>;
};

/** What the endpoint does with Alice's token; the exchange itself has its own tests. */
async function ask({ credential = BEARER, closed = false, accepting = true, verified = ok({}) }: Situation) {
  const audit = recordedAudit(accepting);
  const [refused, counted, answered]: [Denial[], string[], unknown[]] = [[], [], []];
  const exchange = {
    verifyProviderToken: async () =>
      verified.ok
        ? ok({
            issuer: ISSUER,
            subject: "alice-1",
            claims: claimsOfAlice(verified.value),
            clientId: CLIENT_ID,
            issuedAt: NOW,
            expiresAt: NOW + 3_600_000,
          })
        : verified,
    claimRulesOf: claimRules,
    sessions: { sidOf: () => sessionId("B"), open: async () => ok(undefined) },
    keyring: { signingKey: () => ({ kid: PAIR.jwk.kid, key: PAIR.privateKey }) },
    publicUrl: PUBLIC_URL,
    absoluteMs: 12 * 3_600_000,
    clock: createManualClock(NOW),
  } as unknown as TokenExchangeDeps;
  const endpoint = createTokenEndpoint({
    exchange: closed ? undefined : exchange,
    access: () => POLICY,
    providerOf: () => "sso",
    appliedEvent: () => 0,
    attempts: {
      async count(peer) {
        counted.push(peer);
        return TOO_MANY;
      },
    },
    audit,
    publicUrl: PUBLIC_URL,
    refuse: (_request, _response, denial) => void refused.push(denial),
  });
  const response = {
    set: (name: string, value: string) => {
      answered.push(`${name}: ${value}`);
      return response;
    },
    json: (body: unknown) => void answered.push(body),
  };
  await endpoint(parsedRequest({ path: "/api/token", credential }), response as unknown as Response);
  return { audit, refused, counted, answered };
}

const LINE = {
  kind: "token_issued",
  requestId: REQUEST_ID,
  peer: "198.51.100.7",
  method: "GET",
  path: "/api/token",
} as const;

describe("GET /api/token", () => {
  it("answers an access token of the door's, and where it opens a socket", async () => {
    const { answered, refused, audit } = await ask({});
    expect(answered).toEqual([
      "cache-control: no-store",
      {
        accessToken: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
        tokenType: "Bearer",
        expiresIn: 300,
        agents: [
          { id: "assistant", url: "wss://agents.example.com/agents/assistant/ws" },
          { id: "coder", url: "wss://agents.example.com/agents/coder/ws" },
        ],
      },
    ]);
    expect(refused).toEqual([]);
    expect(audit.events).toEqual([
      auditEvent({
        ...LINE,
        outcome: "allowed",
        reason: "provider token",
        provider: "sso",
        userId: audit.events[0]?.userId ?? null,
        email: "alice@example.com",
        sid: sessionId("B"),
      }),
    ]);
  });

  const eve = ok({ email: "eve@example.com" });
  test.each([
    [
      "is not there when the operator has not opened it",
      { closed: true },
      { code: "path_unknown" },
      "path_unknown",
    ],
    [
      "issues nothing that cannot be written down",
      { accepting: false },
      { code: "audit_unavailable" },
      "audit_unavailable",
    ],
    [
      "says in the audit log which rule denies",
      { verified: eve },
      { code: "user_denied", rule: 'users["eve@example.com"]' },
      'user_denied rule=users["eve@example.com"]',
    ],
    [
      "passes on that the provider is away",
      { verified: err<Denial>({ code: "provider_unavailable", provider: "SSO", what: "timeout" }) },
      { code: "provider_unavailable", provider: "SSO", what: "timeout" },
      "provider_unavailable provider=SSO what=timeout",
    ],
  ] as const)("%s", async (_what, situation, denial, reason) => {
    const { refused, audit, counted, answered } = await ask(situation);
    expect(refused).toEqual([denial]);
    expect(audit.events).toEqual([auditEvent({ ...LINE, outcome: "denied", code: denial.code, reason })]);
    expect([counted, answered]).toEqual([[], []]);
  });

  test.each([
    ["no credential", { credential: { kind: "none" } }, "wrong_scheme"],
    ["another scheme", { credential: { kind: "other-scheme" } }, "wrong_scheme"],
    ["a session cookie that is none", { credential: { kind: "unreadable-session" } }, "wrong_scheme"],
    [
      "a token that proves nothing",
      { verified: err<Denial>({ code: "bearer_invalid", fault: "expired" }) },
      "expired",
    ],
  ] as const)("counts %s as a failed attempt", async (_what, situation, fault) => {
    const { refused, audit, counted } = await ask(situation);
    expect([refused, counted]).toEqual([[TOO_MANY], ["198.51.100.7"]]);
    expect(audit.events).toEqual([
      auditEvent({
        ...LINE,
        outcome: "denied",
        code: "too_many_attempts",
        reason: `bearer_invalid fault=${fault}`,
      }),
    ]);
  });
});
