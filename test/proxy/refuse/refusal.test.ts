import { describe, expect, it, test } from "vitest";
import type { Denial } from "../../../core/denial.ts";
import { DENIAL_SAMPLES } from "../../../dev/denial-samples.ts";
import { denialReason } from "../../../proxy/refuse/denial-reason.ts";
import { jsonRefusal, pageRefusal } from "../../../proxy/refuse/refusal.ts";
import { REQUEST_ID } from "../request-fixture.ts";

const CONTEXT = { requestId: REQUEST_ID, contact: "it@example.com" };
const EVERY = Object.values(DENIAL_SAMPLES);

describe("a refusal for a program", () => {
  it("is JSON with code, words, request id and whom to ask", () => {
    const { status, headers, body } = jsonRefusal(DENIAL_SAMPLES.session_missing, CONTEXT);
    expect({ status, headers, body: JSON.parse(body) }).toEqual({
      status: 401,
      headers: {
        "cache-control": "no-store",
        "x-request-id": REQUEST_ID,
        "www-authenticate": "Bearer",
        "content-type": "application/json; charset=utf-8",
      },
      body: {
        error: {
          code: "session_missing",
          message: "Please sign in. Sign in to see your agents.",
          requestId: REQUEST_ID,
          contact: "it@example.com",
        },
      },
    });
  });

  it("lists the groups that would grant an agent", () => {
    const { body } = jsonRefusal(DENIAL_SAMPLES.agent_not_allowed, CONTEXT);
    expect(JSON.parse(body)).toMatchObject({ error: { grantedBy: ["engineering"] } });
  });

  test.each([
    [DENIAL_SAMPLES.too_many_attempts, { "retry-after": "42" }],
    [DENIAL_SAMPLES.method_not_allowed, { allow: "GET" }],
    [DENIAL_SAMPLES.bearer_invalid, { "www-authenticate": 'Bearer error="invalid_token"' }],
  ])("says in headers what its status asks for: $code", (denial, more) => {
    expect(jsonRefusal(denial, CONTEXT).headers).toEqual({
      "cache-control": "no-store",
      "x-request-id": REQUEST_ID,
      ...more,
      "content-type": "application/json; charset=utf-8",
    });
  });

  it.each(EVERY)("has the same status and headers as the page, but for the form: $code", (denial) => {
    const { headers: json, ...forProgram } = jsonRefusal(denial, CONTEXT);
    const { headers: html, ...forPerson } = pageRefusal(denial, CONTEXT);
    expect(forProgram.status).toBe(forPerson.status);
    expect({ ...html, "content-type": "" }).toEqual({ ...json, "content-type": "" });
  });
});

describe("a refusal for a person", () => {
  it("is a page with title, words, request id, code and whom to ask", () => {
    const { status, headers, body } = pageRefusal(DENIAL_SAMPLES.home_unavailable, CONTEXT);
    expect([status, headers["content-type"], headers["retry-after"]]).toEqual([
      503,
      "text/html; charset=utf-8",
      "5",
    ]);
    for (const part of [
      "<h1>Your gateway is not answering</h1>",
      "<p>Your history is on cloud/cloud-1, which is down. Nothing is lost; try again soon.</p>",
      "ask it@example.com and give them this request id:",
      `<code>${REQUEST_ID}</code>`,
      '<span class="code">home_unavailable</span>',
      '<a class="button" href="/">',
    ]) {
      expect(body).toContain(part);
    }
  });

  it("escapes everything, whoever wrote it", () => {
    const hostile = '<img src=x onerror="alert(1)">';
    const denials: Denial[] = [
      { code: "groups_missing", claim: hostile },
      { code: "provider_unavailable", provider: hostile, what: hostile },
      { ...DENIAL_SAMPLES.agent_not_allowed, grantedBy: [hostile] },
    ];
    for (const denial of denials) {
      const { body } = pageRefusal(denial, { ...CONTEXT, contact: hostile });
      expect(body).not.toContain("<img");
      expect(body).toContain("&lt;img src=x onerror=&quot;alert(1)&quot;&gt;");
    }
  });

  it("offers to sign out to those who are signed in as somebody who may not", () => {
    const offering = EVERY.filter((denial) =>
      pageRefusal(denial, CONTEXT).body.includes('action="/auth/logout"'),
    );
    expect(offering.map(({ code }) => code)).toEqual(["user_denied", "agent_not_allowed", "no_agents"]);
  });
});

test.each([
  [DENIAL_SAMPLES.path_unknown, "path_unknown"],
  [DENIAL_SAMPLES.bearer_invalid, "bearer_invalid fault=expired"],
  [
    { ...DENIAL_SAMPLES.agent_not_allowed, grantedBy: ["engineering", "it"] },
    "agent_not_allowed agent=coder grantedBy=engineering,it",
  ],
  [DENIAL_SAMPLES.home_unavailable, "home_unavailable gateway=cloud endpoint=cloud-1"],
])("the audit line's reason holds every fact: $code", (denial, reason) => {
  expect(denialReason(denial)).toBe(reason);
});
