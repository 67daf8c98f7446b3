import { describe, expect, it } from "vitest";
import { ASSERTION_TYPE } from "../../../core/assertion.ts";
import { verifyJwt } from "../../../core/jwt.ts";
import { err } from "../../../core/result.ts";
import { createAsserter } from "../../../proxy/assert/assert.ts";
import { headerPairs } from "../../../proxy/assert/outgoing-headers.ts";
import type { ParsedRequest } from "../../../proxy/request/parsed-request.ts";
import { generateEcKeyPair } from "../../../token-exchange/ec-key-pair.ts";
import type { Keyring } from "../../../token-exchange/keyring.ts";
import { createManualClock } from "../../support/manual-clock.ts";
import { NOW } from "../../support/provider-fixture.ts";
import { PUBLIC_URL, parsedRequest } from "../request-fixture.ts";
import { grantOf, upstreamOf } from "../upstream-fixture.ts";

const PAIR = generateEcKeyPair();
const KEYRING = {
  issuer: "gatehouse",
  signingKey: () => ({ kid: PAIR.jwk.kid, key: PAIR.privateKey }),
} as unknown as Keyring;

const assert = createAsserter({
  keyring: KEYRING,
  clock: createManualClock(NOW),
  publicUrl: PUBLIC_URL,
  groupsClaim: "roles",
});

type Settings = {
  readonly request?: Partial<ParsedRequest>;
  readonly groups?: readonly string[];
  readonly sendGroups?: boolean;
};

async function signed(
  { request = {}, groups = [], sendGroups = false }: Settings,
  use: "http" | "upgrade" = "http",
) {
  const grant = grantOf({ groups: ["everybody", ...groups] });
  const upstream = await upstreamOf(undefined, { sendGroups }, grant);
  return { grant, upstream, answer: assert(parsedRequest(request), grant, upstream, use) };
}

function assertionsIn(answer: ReturnType<typeof assert>): string[] {
  const headers = answer.ok ? headerPairs(answer.value.headers) : [];
  return headers.flatMap(([name, value]) => (name === "x-gateway-assertion" ? [value] : []));
}

describe("the assertion", () => {
  it.each(["http", "upgrade"] as const)(
    "for %s says everything that was decided, to that endpoint only",
    async (use) => {
      const { grant, answer } = await signed({}, use);
      const [token = "", ...others] = assertionsIn(answer);
      expect(others).toEqual([]);
      const rules = {
        types: [ASSERTION_TYPE],
        algorithms: ["ES256" as const],
        issuer: "gatehouse",
        audience: "cloud/cloud-1",
      };
      expect(verifyJwt(token, PAIR.publicKey, { ...rules, now: NOW, skewSeconds: 0 })).toEqual({
        ok: true,
        value: {
          header: { alg: "ES256", typ: ASSERTION_TYPE, kid: PAIR.jwk.kid },
          claims: {
            iss: "gatehouse",
            aud: "cloud/cloud-1",
            sub: grant.identity.userId,
            sid: grant.identity.sid,
            email: "alice@example.com",
            name: "Alice Archer",
            agents: ["assistant", "coder", "analyst"],
            use,
            iat: NOW / 1000,
            exp: NOW / 1000 + 60,
            jti: expect.stringMatching(/^[A-Za-z0-9_-]{22}$/),
          },
        },
      });
    },
  );

  it("holds the groups only for a gateway that is told them", async () => {
    const claimsOf = async (sendGroups: boolean) => {
      const { answer } = await signed({ sendGroups });
      const [token = ""] = assertionsIn(answer);
      return JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as Record<
        string,
        unknown
      >;
    };
    expect((await claimsOf(true))["groups"]).toEqual(["everybody"]);
    expect(Object.keys(await claimsOf(false))).not.toContain("groups");
  });
});

describe("headers that no gateway would take", () => {
  const many = Array.from({ length: 500 }, (_, index) => `group-number-${index}`);

  it("are refused by the claim's name when it is the groups that are too many", async () => {
    const { answer } = await signed({ groups: many, sendGroups: true });
    expect(answer).toEqual(err({ code: "groups_overflow", claim: "roles" }));
  });

  it("are no matter of the groups where none are sent", async () => {
    expect((await signed({ groups: many })).answer.ok).toBe(true);
  });

  it("are refused as the client's own when it sent too much itself, whether groups are sent or not", async () => {
    const request = { headers: new Map([["user-agent", "x".repeat(14 * 1024)]]) };
    for (const sendGroups of [false, true]) {
      expect((await signed({ request, sendGroups })).answer).toEqual(
        err({ code: "headers_too_large", what: "more than 14336 bytes for a gateway" }),
      );
    }
  });
});
