// A provider that somebody else runs, beside the company's own: whatever it signs, sends or answers, it cannot make
// anybody one of the company's people, nor end what is theirs (RFC 9700 §4.4, RFC 9207; S66, S73, S91, S92).
import { randomUUID } from "node:crypto";
import { request } from "undici";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ACCESS_TOKEN_TYPE } from "../../core/assertion.ts";
import { systemClock } from "../../core/clock.ts";
import { userIdOf } from "../../core/ids.ts";
import {
  type FaultProvider,
  idTokenClaims,
  signIdToken,
  startFaultProvider,
} from "../support/fault-provider.ts";
import { type FrontDoorFixture, startTestFrontDoor } from "../support/front-door-fixture.ts";
import {
  type BegunLogin,
  beginLogin,
  callbackQuery,
  comeBack,
  cookiesSetBy,
  expectRefused,
  loginsIn,
  meAfter,
} from "../support/login-walk.ts";
import type { RawAnswer } from "../support/raw-client.ts";

const LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout";
const PROVIDERS = ["company", "partner"] as const;
type Id = (typeof PROVIDERS)[number];

let company: FaultProvider;
let partner: FaultProvider;
let door: FrontDoorFixture;
beforeAll(async () => {
  [company, partner] = await Promise.all([startFaultProvider(), startFaultProvider()]);
});
afterAll(() => Promise.all([company.close(), partner.close()]));
beforeEach(async () => {
  door = await startTestFrontDoor({
    gateways: { cloud: { endpoints: { "cloud-1": "http://127.0.0.1:9" } } },
    access: {
      agents: { assistant: { name: "Assistant" }, coder: { name: "Coder" }, analyst: { name: "Analyst" } },
      groups: { engineering: { agents: ["coder"] }, "partner/engineering": { agents: ["analyst"] } },
      users: {
        "alice@example.com": { agents: ["assistant"] },
        "ann@partner.example": { agents: ["assistant"] },
        "eve@example.com": { deny: true },
      },
    },
    config: { providers: settings({ emailTrusted: true }) },
  });
});
afterEach(() => door.close());

function settings(ofPartner: { readonly emailTrusted: boolean }) {
  const client = { clientId: "gatehouse", clientSecret: "a-client-secret" };
  return {
    company: {
      ...client,
      name: "Company",
      issuer: company.issuer,
      emailDomains: ["example.com"],
      bearer: { audience: "urn:gatehouse" },
    },
    partner: {
      ...client,
      name: "Partner",
      issuer: partner.issuer,
      emailDomains: ["partner.example"],
      groups: { prefix: "partner/" },
      bearer: { audience: "urn:gatehouse:partner" },
      ...ofPartner,
    },
  };
}

const sideOf = (id: Id) => (id === "company" ? company : partner);

function begin(id: Id, ...lines: readonly string[]): Promise<BegunLogin> {
  return beginLogin(door, `/auth/login?return_to=%2F&provider=${id}`, ...lines);
}

/** A login at one provider, answered with these claims of alice's, signed by its own key unless said otherwise. */
async function signIn(
  id: Id,
  changes: Record<string, unknown> = {},
  key = sideOf(id).key,
): Promise<RawAnswer> {
  const begun = await begin(id);
  const { issuer, give } = sideOf(id);
  give(signIdToken(key, idTokenClaims(issuer, begun.asked.get("nonce"), changes)));
  return comeBack(door, callbackQuery(begun), begun.cookie, id);
}

async function bodyOfMe(answer: RawAnswer): Promise<Record<string, unknown>> {
  const me = await meAfter(door, answer);
  return { status: me.status, ...JSON.parse(me.body) };
}

const agentsOf = ({ agents }: Record<string, unknown>) => (agents as { id: string }[]).map(({ id }) => id);

const tokenRequests = () =>
  [company, partner].map(({ requests }) => requests.filter(({ path }) => path === "/token").length);

describe("an answer to another provider's login", () => {
  it.each([
    ["company", "partner"],
    ["partner", "company"],
  ] as const)(
    "begun at %s and come to the address of %s is a mix-up: no code is sent anywhere",
    async (at, to) => {
      const before = tokenRequests();
      const begun = await begin(at);
      const answer = await comeBack(door, callbackQuery(begun), begun.cookie, to);
      expectRefused(answer, 400, "Signing in did not work");
      expect([tokenRequests(), cookiesSetBy(answer).get("gatehouse-login")]).toEqual([before, ""]);
      // The browser's record is gone with it: what the attacker learnt of this login is good for nothing.
      expect(loginsIn(await door.closeAndReadAudit())).toEqual([["denied", "login_failed", "mix_up"]]);
    },
  );

  it("that says whose it is, and is another's, is refused before any code is sent (RFC 9207 §2.4)", async () => {
    const before = tokenRequests();
    const begun = await begin("company");
    const answer = await comeBack(
      door,
      callbackQuery(begun, { iss: partner.issuer }),
      begun.cookie,
      "company",
    );
    expectRefused(answer, 400, "Signing in did not work");
    expect(tokenRequests()).toEqual(before);
  });

  it("comes to an address of its own, in the request too", async () => {
    const asked = await Promise.all(PROVIDERS.map((id) => begin(id)));
    expect(asked.map((begun) => begun.asked.get("redirect_uri"))).toEqual([
      `${door.publicUrl}/auth/callback/company`,
      `${door.publicUrl}/auth/callback/partner`,
    ]);
    expectRefused(await comeBack(door, callbackQuery(asked[0] as BegunLogin)), 404, "There is nothing here");
  });

  it("with a state of our form that no browser remembers leads to no login", async () => {
    const begun = await begin("partner");
    const answer = await comeBack(door, callbackQuery(begun), undefined, "company");
    expectRefused(answer, 400, "Signing in did not work");
  });
});

describe("an ID token", () => {
  it.each([
    ["in the company's name, signed by the partner's key", () => ({ iss: company.issuer })],
    ["for the partner, come in a login at the company", () => ({ iss: partner.issuer })],
  ])("%s opens nothing", async (_what, changes) => {
    expectRefused(await signIn("company", changes(), partner.key), 400, "Signing in did not work");
  });

  it("signed by the partner's key under the id of the company's key is not the company's", async () => {
    const key = { ...partner.key, kid: company.key.kid };
    expectRefused(await signIn("company", {}, key), 400, "Signing in did not work");
    const lines = loginsIn(await door.closeAndReadAudit());
    expect(lines).toEqual([["denied", "login_failed", "id token: bad_signature"]]);
  });

  it("with the same subject, e-mail, name and groups makes somebody else", async () => {
    const [ours, theirs] = [await bodyOfMe(await signIn("company")), await bodyOfMe(await signIn("partner"))];
    expect([ours["id"], theirs["id"]]).toEqual([
      userIdOf(company.issuer, "alice"),
      userIdOf(partner.issuer, "alice"),
    ]);
    expect([ours["groups"], theirs["groups"]]).toEqual([["engineering"], ["partner/engineering"]]);
    // The grant to alice@example.com is for the company's: the partner may not vouch for that e-mail, however it tries.
    expect([agentsOf(ours), agentsOf(theirs)]).toEqual([["assistant", "coder"], ["analyst"]]);
  });

  it("is trusted with an e-mail no longer than the configuration says so, unless it says itself that it is verified", async () => {
    const ann = (email_verified: boolean) =>
      signIn("partner", { email: "ann@partner.example", email_verified, groups: [] });
    const [byOperator, byProvider] = [await ann(false), await ann(true)];
    expect(agentsOf(await bodyOfMe(byOperator))).toEqual(["assistant"]);
    await door.restart({}, { providers: settings({ emailTrusted: false }) });
    expect((await meAfter(door, byOperator)).status).toBe(401);
    expect(agentsOf(await bodyOfMe(byProvider))).toEqual(["assistant"]);
    expect(agentsOf(await bodyOfMe(await ann(false)))).toEqual([]);
  });

  it("that asserts an e-mail which is denied is denied, whoever asserts it", async () => {
    const me = await meAfter(door, await signIn("partner", { email: "eve@example.com" }));
    expect([me.status, JSON.parse(me.body).error.code]).toEqual([403, "user_denied"]);
  });

  it.each([
    ["partner/engineering", "a group as only the partner's may be called"],
    ["partner/", "the bare prefix"],
  ])("of the company with %j (%s) opens nothing, rather than fewer groups", async (group) => {
    const answer = await signIn("company", { groups: ["engineering", group] });
    expectRefused(answer, 403, "One of your groups has a name that is reserved here");
    expect(loginsIn(await door.closeAndReadAudit())).toEqual([
      ["denied", "group_reserved", `group_reserved group=${group} prefix=partner/`],
    ]);
  });

  it("of the company with a reserved group of endless length leaves a line that has an end", async () => {
    const group = `partner/${"x".repeat(400_000)}`;
    expectRefused(await signIn("company", { groups: [group] }), 403, "One of your groups");
    const reason = `group_reserved group=${group.slice(0, 1_000)}… prefix=partner/`;
    expect(loginsIn(await door.closeAndReadAudit())).toEqual([["denied", "group_reserved", reason]]);
  });

  it.each(["../engineering", "", "\0engineering", "partner/engineering"])(
    "of the partner with the group %j puts nobody into a group of the company's",
    async (group) => {
      const me = await bodyOfMe(await signIn("partner", { groups: [group] }));
      expect([me["groups"], agentsOf(me)]).toEqual([[`partner/${group}`], []]);
    },
  );
});

describe("a logout token", () => {
  const send = async (key: FaultProvider["key"], changes: Record<string, unknown>) => {
    const iat = Math.floor(systemClock.now() / 1000);
    const claims = {
      iss: partner.issuer,
      aud: "gatehouse",
      iat,
      exp: iat + 60,
      jti: randomUUID(),
      events: { [LOGOUT_EVENT]: {} },
      ...changes,
    };
    const token = signIdToken(key, claims, { typ: "logout+jwt" });
    const { statusCode, body } = await request(`${door.publicUrl}/auth/backchannel-logout`, {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams({ logout_token: token }).toString(),
    });
    await body.dump();
    return statusCode;
  };
  const statusOf = async (answer: RawAnswer) => (await meAfter(door, answer)).status;

  let ours: RawAnswer;
  let theirs: RawAnswer;
  beforeEach(async () => {
    ours = await signIn("company", { sid: "session-1" });
    theirs = await signIn("partner", { sid: "session-1" });
  });

  it.each([
    ["subject", { sub: "alice" }],
    ["session", { sid: "session-1" }],
    ["subject and session", { sub: "alice", sid: "session-1" }],
  ])("of the partner ends the partner's, not the company's of the same %s", async (_what, changes) => {
    expect(await send(partner.key, changes)).toBe(200);
    expect([await statusOf(ours), await statusOf(theirs)]).toEqual([200, 401]);
    expect(await send(company.key, { ...changes, iss: company.issuer })).toBe(200);
    expect(await statusOf(ours)).toBe(401);
    const logouts = (await door.closeAndReadAudit()).filter(({ kind }) => kind === "logout");
    expect(logouts.map(({ provider, reason }) => [provider, reason])).toEqual([
      ["partner", "provider_signed_out"],
      ["company", "provider_signed_out"],
    ]);
  });

  it("in the company's name, signed by the partner, ends nothing", async () => {
    expect(await send(partner.key, { iss: company.issuer, sub: "alice" })).toBe(400);
    expect([await statusOf(ours), await statusOf(theirs)]).toEqual([200, 200]);
  });

  it.each([
    ["of nobody", { iss: undefined }],
    ["of a stranger", { iss: "https://stranger.example" }],
    ["whose issuer is no text", { iss: ["a", "b"] }],
  ])("%s ends nothing", async (_what, changes) => {
    expect(await send(partner.key, { ...changes, sub: "alice" })).toBe(400);
    expect([await statusOf(ours), await statusOf(theirs)]).toEqual([200, 200]);
  });

  it("of the partner does not use up the name of one of the company's", async () => {
    const jti = "guessed";
    expect(await send(partner.key, { jti, sub: "nobody" })).toBe(200);
    expect(await send(company.key, { jti, sub: "alice", iss: company.issuer })).toBe(200);
    expect(await statusOf(ours)).toBe(401);
  });

  it("of the partner does not stop a login at the company that is under way", async () => {
    const begun = await begin("company");
    expect(await send(partner.key, { sid: "session-2" })).toBe(200);
    company.give(
      signIdToken(company.key, idTokenClaims(company.issuer, begun.asked.get("nonce"), { sid: "session-2" })),
    );
    const answer = await comeBack(door, callbackQuery(begun), begun.cookie, "company");
    expect(await statusOf(answer)).toBe(200);
  });
});

describe("an access token", () => {
  const exchange = async (key: FaultProvider["key"], changes: Record<string, unknown>) => {
    const { issuer } = key === partner.key ? partner : company;
    const claims = { ...idTokenClaims(issuer, null), nonce: undefined, ...changes };
    const present = Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined));
    const token = signIdToken(key, present, { typ: ACCESS_TOKEN_TYPE });
    const { statusCode, body } = await request(`${door.publicUrl}/api/token`, {
      headers: { authorization: `Bearer ${token}` },
    });
    return { status: statusCode, body: (await body.json()) as Record<string, unknown> };
  };

  it("is each provider's own, for its own audience", async () => {
    const ours = await exchange(company.key, { aud: "urn:gatehouse" });
    const theirs = await exchange(partner.key, { aud: "urn:gatehouse:partner" });
    expect([ours.status, agentsOf(ours.body)]).toEqual([200, ["assistant", "coder"]]);
    expect([theirs.status, agentsOf(theirs.body)]).toEqual([200, ["analyst"]]);
    const lines = (await door.closeAndReadAudit()).filter(({ kind }) => kind === "token_issued");
    expect(lines.map(({ provider, userId }) => [provider, userId])).toEqual([
      ["company", userIdOf(company.issuer, "alice")],
      ["partner", userIdOf(partner.issuer, "alice")],
    ]);
  });

  it.each([
    ["of the partner for the company's audience", { aud: "urn:gatehouse" }],
    ["in the company's name, signed by the partner", () => ({ aud: "urn:gatehouse", iss: company.issuer })],
    ["of a stranger", { aud: "urn:gatehouse:partner", iss: "https://stranger.example" }],
    ["of nobody", { aud: "urn:gatehouse:partner", iss: undefined }],
  ])("%s opens nothing", async (_what, changes) => {
    const { status } = await exchange(partner.key, typeof changes === "function" ? changes() : changes);
    expect(status).toBe(401);
  });
});
