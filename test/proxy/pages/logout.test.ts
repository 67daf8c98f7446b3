import express from "express";
import supertest from "supertest";
import { describe, expect, it, test } from "vitest";
import { auditEvent } from "../../../core/audit.ts";
import type { Denial } from "../../../core/denial.ts";
import type { VerifiedIdentity } from "../../../core/identity.ts";
import { err, ok, type Result } from "../../../core/result.ts";
import type { StoredSession } from "../../../proxy/identify/sessions.ts";
import { createLogout } from "../../../proxy/pages/logout.ts";
import type { ParsedRequest } from "../../../proxy/request/parsed-request.ts";
import type { ProviderMetadataSource } from "../../../token-exchange/provider-metadata.ts";
import { verifiedAlice } from "../../support/identity-fixture.ts";
import { NOW } from "../../support/provider-fixture.ts";
import { recordedAudit } from "../recorded-audit.ts";
import { COOKIE_NAME, PUBLIC_URL, parsedRequest, REQUEST_ID } from "../request-fixture.ts";

const ALICE = verifiedAlice();
const HOME = `${PUBLIC_URL}/signed-out`;
const END_SESSION = "https://login.example.com/logout?tenant=1";

type Situation = {
  readonly request?: Partial<ParsedRequest>;
  readonly idToken?: string;
  readonly endSessionEndpoint?: string | null;
  readonly providerIsDown?: boolean;
  /** What a bearer token proves. */
  readonly bearer?: Result<VerifiedIdentity, Denial>;
};

/** Alice signs out; what she is answered, and what happened in which order. */
async function signOut(situation: Situation = {}) {
  const {
    request = {},
    idToken = "the.id.token",
    endSessionEndpoint = END_SESSION,
    providerIsDown = false,
    bearer = ok(ALICE),
  } = situation;
  const happened: string[] = [];
  const audit = recordedAudit();
  const tokens = { idToken, refreshToken: null, refreshAt: null };
  const details = { tokens, providerSid: null, from: { peer: "198.51.100.7", userAgent: null } };
  const stored: StoredSession = {
    record: { identity: ALICE, details, beganAt: NOW, usedAt: NOW },
    version: 1,
  };
  const metadata = {
    async get() {
      happened.push("asked the provider");
      if (providerIsDown) return err({ code: "provider_unavailable", provider: "SSO", what: "timeout" });
      return ok({ issuer: "https://login.example.com", jwksUri: "", endSessionEndpoint });
    },
  } as unknown as ProviderMetadataSource;
  const side = { metadata, config: { clientId: "gatehouse" } };
  const logout = createLogout({
    sessions: { placeOf: () => "session/alice", recordAt: async () => stored },
    endings: {
      async endOne(sid, reason) {
        happened.push(`ended ${sid} ${reason}`);
        return { sids: [sid], eventNumber: 7 };
      },
    },
    providers: { all: [side], byIssuer: new Map([[ALICE.issuer, side]]) },
    publicUrl: PUBLIC_URL,
    audit,
    cookieName: COOKIE_NAME,
    identify: async () => bearer,
    refuse: (_request, response, denial) => void response.status(401).json({ code: denial.code }),
  });
  const app = express().post("/", (_incoming, response, next) => {
    logout(parsedRequest({ method: "POST", path: "/auth/logout", ...request }), response).catch(next);
  });
  const answer = await supertest(app).post("/");
  return { answer, happened, audit };
}

function hintFrom(location: string) {
  return Object.fromEntries(new URL(location).searchParams);
}

describe("signing out", () => {
  it("ends the session before anybody else is asked, and says so in the audit log", async () => {
    const { happened, audit } = await signOut();
    expect(happened).toEqual([`ended ${ALICE.sid} signed_out`, "asked the provider"]);
    expect(audit.events).toEqual([
      auditEvent({
        kind: "logout",
        outcome: "allowed",
        reason: "signed_out",
        requestId: REQUEST_ID,
        userId: ALICE.userId,
        email: "alice@example.com",
        sid: ALICE.sid,
        peer: "198.51.100.7",
        method: "POST",
        path: "/auth/logout",
        event: 7,
      }),
    ]);
  });

  it("ends the session of a bearer token too", async () => {
    const request = { credential: { kind: "bearer", token: "a.b.c" } } as const;
    const { answer, happened, audit } = await signOut({ request });
    expect([answer.status, happened[0]]).toEqual([200, `ended ${ALICE.sid} signed_out`]);
    expect(audit.events.map(({ kind, sid }) => [kind, sid])).toEqual([["logout", ALICE.sid]]);
  });

  it("refuses a bearer token that proves nothing, and ends nothing", async () => {
    const request = { credential: { kind: "bearer", token: "a.b.c" } } as const;
    const bearer = err({ code: "bearer_invalid", fault: "expired" } as const);
    const { answer, happened } = await signOut({ request, bearer });
    expect([answer.status, answer.body, happened]).toEqual([401, { code: "bearer_invalid" }, []]);
  });

  it("takes the cookie back, and is kept by no cache", async () => {
    const { answer } = await signOut();
    expect(answer.headers["set-cookie"]).toEqual([
      `${COOKIE_NAME}=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Secure; SameSite=Lax`,
    ]);
    expect(answer.headers["cache-control"]).toBe("no-store");
  });

  it("tells a program where to go on: to the provider's page, with whose session to end", async () => {
    const { answer } = await signOut();
    expect(answer.status).toBe(200);
    const { redirect } = answer.body as { redirect: string };
    expect(redirect.startsWith("https://login.example.com/logout?tenant=1&")).toBe(true);
    expect(hintFrom(redirect)).toEqual({
      tenant: "1",
      id_token_hint: "the.id.token",
      client_id: "gatehouse",
      post_logout_redirect_uri: HOME,
    });
  });

  test.each([
    ["a navigation", { kind: "navigation" }],
    ["a form", { headers: new Map([["accept", "text/html,*/*"]]) }],
  ] as const)("sends %s there, by GET", async (_what, request) => {
    const { answer } = await signOut({ request });
    expect(answer.status).toBe(303);
    expect(hintFrom(answer.headers["location"] ?? "")).toMatchObject({ post_logout_redirect_uri: HOME });
  });

  test.each([
    ["has no such page", { endSessionEndpoint: null }],
    ["does not answer", { providerIsDown: true }],
  ])("ends at the door's own page when the provider %s", async (_what, situation) => {
    expect((await signOut(situation)).answer.body).toEqual({ redirect: HOME });
  });

  it("leaves out an ID token that is too long for a URL", async () => {
    const { answer } = await signOut({ idToken: "x".repeat(4_097) });
    expect(Object.keys(hintFrom((answer.body as { redirect: string }).redirect))).not.toContain(
      "id_token_hint",
    );
  });

  it("without a session ends nothing, and is answered all the same", async () => {
    for (const credential of [{ kind: "none" }, { kind: "unreadable-session" }] as const) {
      const { answer, happened, audit } = await signOut({ request: { credential } });
      expect([answer.status, happened, audit.events]).toEqual([200, ["asked the provider"], []]);
      expect(Object.keys(hintFrom((answer.body as { redirect: string }).redirect))).not.toContain(
        "id_token_hint",
      );
    }
  });
});
