// The headers for one request. Most are those of the request before, if its client repeats itself: then they are not made
// anew.
import type { AssertionUse } from "../../core/assertion.ts";
import type { VerifiedIdentity } from "../../core/identity.ts";
import type { ParsedRequest } from "../request/parsed-request.ts";
import type { Upstream } from "../route/pick-endpoint.ts";
import { HeaderBlock } from "./header-block.ts";
import { type OutgoingHeaders, ownHeaders, sharedHeaders } from "./outgoing-headers.ts";

export type HeadersFor = (
  request: ParsedRequest,
  identity: VerifiedIdentity,
  upstream: Upstream,
  assertion: string,
  use: AssertionUse,
) => OutgoingHeaders;

/** What a block was made of, beside the client's own headers. */
type Kept = Pick<Upstream, "gateway" | "endpoint"> & {
  readonly identity: VerifiedIdentity;
  readonly assertion: string;
  readonly shared: HeaderBlock;
};

export function createHeadersFor(publicUrl: string): HeadersFor {
  /** By the client's own headers: whoever repeats itself brings the same object again. */
  const kept = new WeakMap<ParsedRequest["headers"], Kept>();

  return (request, identity, upstream, assertion, use) => {
    const own = ownHeaders(request);
    const { gateway, endpoint } = upstream;
    const known = request.isRepeated ? kept.get(request.headers) : undefined;
    const isSame =
      known?.identity === identity &&
      known.assertion === assertion &&
      known.gateway === gateway &&
      known.endpoint === endpoint;
    if (isSame) return { shared: known.shared, own };
    const shared = new HeaderBlock(sharedHeaders(request, identity, upstream, assertion, use, publicUrl));
    if (request.isRepeated) kept.set(request.headers, { identity, assertion, gateway, endpoint, shared });
    return { shared, own };
  };
}
