import { describe, expect, it, test } from "vitest";
import type { VerifiedIdentity } from "../../../core/identity.ts";
import { createHeadersFor, type HeadersFor } from "../../../proxy/assert/headers-for.ts";
import { sharedHeaders } from "../../../proxy/assert/outgoing-headers.ts";
import type { ParsedRequest } from "../../../proxy/request/parsed-request.ts";
import type { Upstream } from "../../../proxy/route/pick-endpoint.ts";
import { verifiedAlice } from "../../support/identity-fixture.ts";
import { PUBLIC_URL, parsedRequest } from "../request-fixture.ts";
import { upstreamOf } from "../upstream-fixture.ts";

type Asked = {
  readonly request: ParsedRequest;
  readonly identity: VerifiedIdentity;
  readonly upstream: Upstream;
  readonly assertion: string;
};

/** Alice's, as often as she says the same. */
async function asked(changes: Partial<Asked> = {}): Promise<Asked> {
  return {
    request: parsedRequest({ isRepeated: true }),
    identity: verifiedAlice(),
    upstream: await upstreamOf(),
    assertion: "one.assertion",
    ...changes,
  };
}

function blockOf(headersFor: HeadersFor, { request, identity, upstream, assertion }: Asked) {
  return headersFor(request, identity, upstream, assertion, "http").shared;
}

function madeAnew({ request, identity, upstream, assertion }: Asked) {
  return sharedHeaders(request, identity, upstream, assertion, "http", PUBLIC_URL);
}

describe("a request that repeats another", () => {
  it("gets the block of the one before, and what says which it is of its own", async () => {
    const headersFor = createHeadersFor(PUBLIC_URL);
    const one = await asked();
    const id = "r_another" as ParsedRequest["id"];
    const other = { ...one, request: { ...one.request, id, path: "/b", segments: ["b"], method: "HEAD" } };
    expect(blockOf(headersFor, one)).toBe(blockOf(headersFor, other));
    expect(blockOf(headersFor, one).list).toEqual(madeAnew(one));
    const own = headersFor(other.request, other.identity, other.upstream, other.assertion, "http").own;
    expect(own.slice(0, 2)).toEqual(["x-request-id", id]);
  });

  test.each<readonly [string, (one: Asked) => Promise<Partial<Asked>>]>([
    ["another proof of the same person", async () => ({ identity: verifiedAlice() })],
    ["another person", async () => ({ identity: verifiedAlice({ email: "bob@example.com", name: "Bob" }) })],
    ["another assertion", async () => ({ assertion: "another.assertion" })],
    [
      "another gateway with the same endpoint",
      async ({ upstream }) => ({
        upstream: { ...upstream, gateway: { ...upstream.gateway, sendGroups: true } },
      }),
    ],
    [
      "another endpoint of the same gateway",
      async ({ upstream }) => ({
        upstream: { ...upstream, endpoint: { ...upstream.endpoint, url: "http://10.0.1.11:18789" } },
      }),
    ],
    [
      "the same words in another object, as of another connection",
      async ({ request }) => ({ request: { ...request, headers: new Map(request.headers) } }),
    ],
  ])("never gets that of before with %s", async (_what, changes) => {
    const headersFor = createHeadersFor(PUBLIC_URL);
    const one = await asked();
    const before = blockOf(headersFor, one);
    const other = { ...one, ...(await changes(one)) };
    const block = blockOf(headersFor, other);
    expect(block === before).toBe(false);
    expect(block.list).toEqual(madeAnew(other));
    // Nor does the first one get that of the other.
    expect(blockOf(headersFor, one) === block).toBe(false);
    expect(blockOf(headersFor, one).list).toEqual(madeAnew(one));
  });
});

describe("a request that repeats none", () => {
  it("is made anew, whatever was kept, and nothing of it is kept", async () => {
    const headersFor = createHeadersFor(PUBLIC_URL);
    const repeated = await asked();
    const first = { ...repeated, request: { ...repeated.request, isRepeated: false } };
    const blocks = [first, repeated, first, repeated].map((each) => blockOf(headersFor, each));
    expect(new Set(blocks).size).toBe(3);
    expect(blocks[3]).toBe(blocks[1]);
  });
});
