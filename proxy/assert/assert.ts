// Fifth stage: from a grant and its upstream to what the gateway is told. The only stage that signs.
import { type AssertionUse, audienceOf } from "../../core/assertion.ts";
import type { Clock } from "../../core/clock.ts";
import type { Denial } from "../../core/denial.ts";
import { err, ok, type Result } from "../../core/result.ts";
import type { Keyring } from "../../token-exchange/keyring.ts";
import type { Grant } from "../decide/decide.ts";
import type { ParsedRequest } from "../request/parsed-request.ts";
import type { Upstream } from "../route/pick-endpoint.ts";
import { createAssertions } from "./assertions.ts";
import { sizeOf } from "./header-block.ts";
import { createHeadersFor } from "./headers-for.ts";
import type { OutgoingHeaders } from "./outgoing-headers.ts";

declare const signed: unique symbol;
/** Only {@link createAsserter} makes one: a request that a gateway will believe. */
export type SignedRequest = {
  readonly headers: OutgoingHeaders;
  /** Of the assertion in them. */
  readonly jti: string;
  readonly [signed]: true;
};

export type Asserter = (
  request: ParsedRequest,
  grant: Grant,
  upstream: Upstream,
  use: AssertionUse,
) => Result<SignedRequest, Denial>;

/** Beside the few of the request alone; a gateway's parser takes 16 KiB in all. */
const MAX_HEADER_BYTES = 14 * 1024;

export function createAsserter(deps: {
  keyring: Keyring;
  clock: Clock;
  publicUrl: string;
  groupsClaim: string;
}): Asserter {
  const assertionOf = createAssertions(deps);
  const headersFor = createHeadersFor(deps.publicUrl);
  return (request, grant, upstream, use) => {
    const { token, claims } = assertionOf({
      identity: grant.identity,
      agents: upstream.agents,
      audience: audienceOf(upstream.gateway.id, upstream.endpoint.id),
      use,
      ...(upstream.gateway.sendGroups ? { groups: grant.identity.groups } : {}),
    });
    const headers = headersFor(request, grant.identity, upstream, token, use);
    if (headers.shared.bytes <= MAX_HEADER_BYTES) return ok({ headers, jti: claims.jti } as SignedRequest);
    // The groups are in there twice, in their header and in the assertion; the rest is the client's own.
    const isTheClients = sizeOf(headers.shared.list, request.headers) > MAX_HEADER_BYTES / 2;
    return upstream.gateway.sendGroups && !isTheClients
      ? err({ code: "groups_overflow", claim: deps.groupsClaim })
      : err({ code: "headers_too_large", what: `more than ${MAX_HEADER_BYTES} bytes for a gateway` });
  };
}
