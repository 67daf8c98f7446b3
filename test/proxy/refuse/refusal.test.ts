import { describe, expect, it, test } from "vitest";
import type { Denial } from "../../../core/denial.ts";
import { answerTo } from "../../../core/denial-answer.ts";
import { DENIAL_SAMPLES } from "../../../dev/denial-samples.ts";
import { denialReason } from "../../../proxy/refuse/denial-reason.ts";
import { jsonRefusal, pageRefusal, refusalContext } from "../../../proxy/refuse/refusal.ts";
import type { RefusalContext } from "../../../proxy/refuse/refusal-page.ts";
import { verifiedAlice } from "../../support/identity-fixture.ts";
import { WORDING } from "../../support/wording-fixture.ts";
import { REQUEST_ID } from "../request-fixture.ts";

const CONTEXT: RefusalContext = {
  requestId: REQUEST_ID,
  ...WORDING,
  address: "/agents/coder/files?code=abc",
  choice: null,
  signedInAs: "alice@example.com",
  signedInWith: null,
};
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
          message: "You are not signed in. Sign in to see your agents.",
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

  it("lists no group of another provider's people", () => {
    const names = { ...WORDING.names, groupsOf: () => [] };
    const { body } = jsonRefusal(DENIAL_SAMPLES.agent_not_allowed, { ...CONTEXT, names });
    expect(JSON.parse(body)).toMatchObject({ error: { grantedBy: [] } });
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
      "<h1>This agent is offline at the moment</h1>",
      "<bdi>You may use it. Your history is on Cloud (cloud/cloud-1), which is down. Nothing is lost; try again soon.</bdi>",
      "Ask <bdi>it@example.com</bdi> and pass this on:",
      `<dt>Request id</dt><dd><bdi>${REQUEST_ID}</bdi></dd>`,
      "<dt>Code</dt><dd><bdi>home_unavailable</bdi></dd>",
      "<dt>Signed in as</dt><dd><bdi>alice@example.com</bdi></dd>",
      '<a class="button primary" id="again" href="/agents/coder/files?code=abc">Try again</a>',
      '<a class="button" href="/">Your agents</a>',
    ]) {
      expect(body).toContain(part);
    }
  });

  it("passes on to IT with which of several providers somebody is signed in", () => {
    const names = { ...WORDING.names, provider: () => "Partner <b>" };
    const asked = { id: REQUEST_ID, method: "GET", path: "/" };
    const context = refusalContext(asked, { ...WORDING, names }, verifiedAlice());
    expect(pageRefusal(DENIAL_SAMPLES.no_agents, context).body).toContain(
      "<dt>Signed in as</dt><dd><bdi>alice@example.com</bdi></dd>\n<dt>Signed in with</dt><dd><bdi>Partner &lt;b&gt;</bdi></dd>",
    );
  });

  it("has nobody's name where nobody is signed in, and no address where none could be read", () => {
    const { body } = pageRefusal(DENIAL_SAMPLES.request_malformed, {
      ...CONTEXT,
      address: null,
      signedInAs: null,
    });
    expect(body.match(/<dt>.*?<\/dt>/g)).toEqual(["<dt>Code</dt>", "<dt>Request id</dt>"]);
  });

  it("passes the address on to IT without its query, which may hold a code", () => {
    const { body } = pageRefusal(DENIAL_SAMPLES.agent_not_allowed, CONTEXT);
    expect(body).toContain("<dt>Address</dt><dd><bdi>/agents/coder/files</bdi></dd>");
    expect(body).not.toContain("abc");
  });

  it("tries again by itself only what the answer says will pass, and only what may be asked twice", () => {
    const retrying = (context: RefusalContext) =>
      EVERY.filter((denial) => pageRefusal(denial, context).body.includes("data-retry-after=")).map(
        ({ code }) => code,
      );
    expect(retrying(CONTEXT)).toEqual(
      EVERY.filter((denial) => answerTo(denial).retryAfterSeconds !== undefined).map(({ code }) => code),
    );
    expect(retrying({ ...CONTEXT, address: null })).toEqual([]);
  });

  it.each(EVERY)("always has a way forward: $code", (denial) => {
    for (const address of ["/", "/agents/coder/", null])
      expect(pageRefusal(denial, { ...CONTEXT, address }).body).toMatch(
        /<div class="actions">\n(<a class="button|<form method="post" action="\/auth\/logout">)/,
      );
  });

  it("escapes everything, whoever wrote it", () => {
    const hostile = '<img src=x onerror="alert(1)">';
    const denials: Denial[] = [
      { code: "groups_missing", claim: hostile },
      { code: "group_reserved", group: "a", prefix: hostile },
      { code: "provider_unavailable", provider: hostile, what: hostile },
      { ...DENIAL_SAMPLES.agent_not_allowed, grantedBy: [hostile] },
    ];
    for (const denial of denials) {
      const { body } = pageRefusal(denial, { ...CONTEXT, contact: hostile });
      expect(body).not.toContain("<img src=x");
      expect(body).toContain("&lt;img src=x onerror=&quot;alert(1)&quot;&gt;");
    }
  });

  it("offers to sign out to those who are signed in as somebody who may not", () => {
    const offering = EVERY.filter((denial) =>
      pageRefusal(denial, CONTEXT).body.includes('action="/auth/logout"'),
    );
    expect(offering.map(({ code }) => code)).toEqual([
      "signed_in_otherwise",
      "email_missing",
      "groups_missing",
      "groups_overflow",
      "group_reserved",
      "user_denied",
      "agent_not_allowed",
      "no_agents",
    ]);
  });
});

describe("what a refusal knows of the request", () => {
  const asked = { id: REQUEST_ID, method: "GET", path: "/chat/coder", query: "?a=b" };

  it("is where to ask again, and who asks", () => {
    expect(refusalContext(asked, WORDING, verifiedAlice())).toEqual({
      requestId: REQUEST_ID,
      ...WORDING,
      address: "/chat/coder?a=b",
      choice: null,
      signedInAs: "alice@example.com",
      signedInWith: null,
    });
  });

  it.each([
    ["a request that could do something twice", { ...asked, method: "POST" }],
    ["one whose address could not be read", { ...asked, path: null }],
  ])("is no address for %s", (_what, odd) => {
    expect(refusalContext(odd, WORDING).address).toBeNull();
  });
});

test.each([
  [DENIAL_SAMPLES.path_unknown, "path_unknown"],
  [DENIAL_SAMPLES.bearer_invalid, "bearer_invalid fault=expired"],
  [
    { ...DENIAL_SAMPLES.agent_not_allowed, grantedBy: ["engineering", "it"] },
    "agent_not_allowed agent=coder grantedBy=engineering,it issuer=https://sso.example.com",
  ],
  [DENIAL_SAMPLES.home_unavailable, "home_unavailable gateway=cloud endpoint=cloud-1"],
])("the audit line's reason holds every fact: $code", (denial, reason) => {
  expect(denialReason(denial)).toBe(reason);
});
