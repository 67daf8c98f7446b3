import { describe, expect, it } from "vitest";
import { err, ok } from "../../core/result.ts";
import { createProviderMetadata } from "../../token-exchange/provider-metadata.ts";
import { createRefreshRequest } from "../../token-exchange/refresh-request.ts";
import { createManualClock } from "../support/manual-clock.ts";
import { createProviderDocuments, ISSUER, NOW } from "../support/provider-fixture.ts";

const GOOD = { access_token: "access", token_type: "Bearer", expires_in: 3600 };

function open(
  answer: () => Response | Promise<Response>,
  client = { clientId: "gatehouse", clientSecret: "a-client-secret" },
) {
  const clock = createManualClock(NOW);
  const documents = createProviderDocuments();
  const sent: { url: string; init: RequestInit | undefined }[] = [];
  const request = createRefreshRequest({
    provider: client,
    metadata: createProviderMetadata({
      issuer: ISSUER,
      name: "Example SSO",
      timeoutMs: 1_000,
      fetch: documents.fetch,
      clock,
    }),
    fetch: async (url, init) => {
      sent.push({ url: String(url), init });
      return answer();
    },
    clock,
  });
  return { request, sent, documents };
}

describe("the request for a refresh", () => {
  it("is RFC 6749 §6, with the client's credentials in the header alone", async () => {
    const { request, sent } = open(() => Response.json(GOOD));
    await request("refresh&token=1");
    const [only] = sent;
    expect({ url: only?.url, ...only?.init, body: String(only?.init?.body) }).toEqual({
      url: `${ISSUER}/token`,
      method: "POST",
      headers: {
        authorization: `Basic ${Buffer.from("gatehouse:a-client-secret").toString("base64")}`,
        accept: "application/json",
      },
      body: "grant_type=refresh_token&refresh_token=refresh%26token%3D1",
    });
    expect(sent.length).toBe(1);
  });

  it("encodes id and secret before it joins them (RFC 6749 §2.3.1)", async () => {
    const { request, sent } = open(() => Response.json(GOOD), {
      clientId: "a:b",
      clientSecret: "pass word+%",
    });
    await request("r");
    const authorization = new Headers(sent[0]?.init?.headers).get("authorization") ?? "";
    expect(Buffer.from(authorization.slice("Basic ".length), "base64").toString()).toBe(
      "a%3Ab:pass+word%2B%25",
    );
  });
});

describe("the answer to a refresh", () => {
  const expiresAt = NOW / 1000 + 3600;
  it.each<[string, object, object]>([
    ["with nothing new", GOOD, { idToken: null, refreshToken: null, expiresAt }],
    [
      "with an ID token and another refresh token",
      { ...GOOD, id_token: "a.b.c", refresh_token: "refresh-1" },
      { idToken: "a.b.c", refreshToken: "refresh-1", expiresAt },
    ],
    [
      "with seconds as text",
      { ...GOOD, expires_in: "3600" },
      { idToken: null, refreshToken: null, expiresAt },
    ],
    ...[undefined, 0, -1, "soon", null, Number.MAX_VALUE * 10].map((expires_in): [string, object, object] => [
      `with an expires_in of ${expires_in}`,
      { ...GOOD, expires_in, id_token: "", refresh_token: 7 },
      { idToken: null, refreshToken: null, expiresAt: null },
    ]),
  ])("%s is read", async (_what, body, expected) => {
    expect(await open(() => Response.json(body)).request("r")).toEqual(ok(expected));
  });

  it.each([
    ["invalid_grant", 400, { error: "invalid_grant" }, "refused", "invalid_grant"],
    ["invalid_grant in another status", 403, { error: "invalid_grant" }, "refused", "invalid_grant"],
    [
      "a wrong client",
      401,
      { error: "invalid_client" },
      "unclear",
      "the token endpoint answered 401 invalid_client",
    ],
    ["an error of no form", 400, { error: "what\never" }, "unclear", "the token endpoint answered 400"],
    ["no token", 200, { expires_in: 60 }, "unclear", "the token endpoint answered no token"],
    [
      "a failure, whatever it says",
      500,
      { error: "invalid_grant" },
      "unreachable",
      "the token endpoint answered 500",
    ],
    ["too many requests", 429, { error: "slow_down" }, "unreachable", "the token endpoint answered 429"],
    ["a list", 200, [], "unreachable", "the token endpoint answered 200, no JSON"],
  ])("of %s says so", async (_what, status, body, kind, what) => {
    expect(await open(() => Response.json(body, { status })).request("r")).toEqual(err({ kind, what }));
  });

  it.each([
    ["HTML", () => new Response("<h1>Maintenance</h1>"), "the token endpoint answered 200, no JSON"],
    ["nothing", () => new Response(""), "the token endpoint answered 200, no JSON"],
    [
      "a redirect",
      () => new Response(null, { status: 302, headers: { location: "http://127.0.0.1/" } }),
      "the token endpoint answered 302, no JSON",
    ],
    [
      "no connection",
      () => Promise.reject(new TypeError("fetch failed", { cause: { code: "ECONNREFUSED" } })),
      "the token endpoint cannot be reached (ECONNREFUSED)",
    ],
  ])("of %s is none", async (_what, answer, what) => {
    expect(await open(answer).request("r")).toEqual(err({ kind: "unreachable", what }));
  });

  it("cannot be asked for while nobody knows where, or when there is nowhere", async () => {
    const away = open(() => Response.json(GOOD));
    away.documents.discovery = () => new Response("", { status: 500 });
    expect(await away.request("r")).toEqual(
      err({ kind: "unreachable", what: `${ISSUER}/.well-known/openid-configuration answered 500` }),
    );
    const nowhere = open(() => Response.json(GOOD));
    nowhere.documents.discovery = () => Response.json({ issuer: ISSUER, jwks_uri: `${ISSUER}/keys` });
    expect(await nowhere.request("r")).toEqual(
      err({ kind: "unclear", what: "the discovery document has no token_endpoint" }),
    );
    expect([away.sent, nowhere.sent]).toEqual([[], []]);
  });
});
