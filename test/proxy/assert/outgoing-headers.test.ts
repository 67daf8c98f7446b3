import { describe, expect, it, test } from "vitest";
import type { Identity } from "../../../core/identity.ts";
import { HeaderBlock } from "../../../proxy/assert/header-block.ts";
import { headerPairs, ownHeaders, sharedHeaders } from "../../../proxy/assert/outgoing-headers.ts";
import { verifiedAlice } from "../../support/identity-fixture.ts";
import { PUBLIC_URL, parsedRequest, REQUEST_ID } from "../request-fixture.ts";
import { upstreamOf } from "../upstream-fixture.ts";

const TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

type Settings = {
  readonly sent?: Readonly<Record<string, string>>;
  readonly identity?: Partial<Identity>;
  readonly url?: string;
  readonly gateway?: { readonly userHeader?: string; readonly sendGroups?: boolean };
  readonly use?: "http" | "upgrade";
  readonly publicUrl?: string;
};

/** What Alice's request becomes; one setting changed by each test. */
async function headersFor(settings: Settings) {
  const { sent = {}, identity = {}, url, gateway, use = "http", publicUrl = PUBLIC_URL } = settings;
  const request = parsedRequest({ headers: new Map(Object.entries({ traceparent: TRACE, ...sent })) });
  const upstream = await upstreamOf(url, gateway);
  const shared = sharedHeaders(
    request,
    verifiedAlice(identity),
    upstream,
    "the.assertion.itself",
    use,
    publicUrl,
  );
  return headerPairs({ shared: new HeaderBlock(shared), own: ownHeaders(request) });
}

const FORWARDING = [
  ["x-forwarded-for", "198.51.100.7"],
  ["x-forwarded-proto", "https"],
  ["x-forwarded-host", "agents.example.com"],
];
const IDENTITY = [
  ["x-user-id", "u_kvte5mcpy647v3l5r6ctsilksq"],
  ["x-user-email", "alice@example.com"],
  ["x-user-name", "Alice Archer"],
];
const ASSERTION = [
  ["x-gateway-assertion", "the.assertion.itself"],
  ["x-request-id", REQUEST_ID],
  ["traceparent", TRACE],
];
const HOST = [["host", "10.0.1.10:18789"]];

describe("what a gateway receives", () => {
  it("of a request without headers", async () => {
    expect(await headersFor({})).toEqual([...HOST, ...FORWARDING, ...IDENTITY, ...ASSERTION]);
  });

  it("of a request is the client's headers by exact name, in our order, and ours", async () => {
    const sent = {
      "last-event-id": "7",
      accept: "text/event-stream",
      "accept-encoding": "gzip",
      "accept-language": "de",
      "cache-control": "no-cache",
      "content-encoding": "gzip",
      "content-language": "de",
      "content-type": "application/json",
      "if-match": '"1"',
      "if-modified-since": "Thu, 01 Jan 2026 00:00:00 GMT",
      "if-none-match": '"2"',
      "if-range": '"3"',
      "if-unmodified-since": "Thu, 01 Jan 2026 00:00:00 GMT",
      origin: PUBLIC_URL,
      range: "bytes=0-1",
      "user-agent": "curl/8",
    };
    const {
      "accept-language": language,
      origin,
      "user-agent": agent,
      "last-event-id": last,
      range,
      ...others
    } = sent;
    expect(await headersFor({ sent })).toEqual([
      ...HOST,
      ["accept-language", language],
      ["origin", origin],
      ["user-agent", agent],
      ...Object.entries(others),
      ["last-event-id", last],
      ["range", range],
      ...FORWARDING,
      ...IDENTITY,
      ...ASSERTION,
    ]);
  });

  it("of an upgrade is the handshake and ours, and nothing that only plain requests carry", async () => {
    const sent = {
      accept: "*/*",
      "content-type": "text/plain",
      "accept-language": "de",
      origin: PUBLIC_URL,
      "user-agent": "curl/8",
      connection: "Upgrade, X-Gateway-Assertion",
      upgrade: "WebSocket",
      "sec-websocket-extensions": "permessage-deflate",
      "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
      "sec-websocket-protocol": "chat",
      "sec-websocket-version": "13",
    };
    expect(await headersFor({ sent, use: "upgrade" })).toEqual([
      ...HOST,
      ["connection", "Upgrade"],
      ["upgrade", "websocket"],
      ["accept-language", "de"],
      ["origin", PUBLIC_URL],
      ["user-agent", "curl/8"],
      ["sec-websocket-extensions", "permessage-deflate"],
      ["sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="],
      ["sec-websocket-protocol", "chat"],
      ["sec-websocket-version", "13"],
      ...FORWARDING,
      ...IDENTITY,
      ...ASSERTION,
    ]);
  });

  test.each(["http", "upgrade"] as const)(
    "of %s never holds a credential or anything else the client sent",
    async (use) => {
      const names = [
        "authorization cookie host connection keep-alive te trailer transfer-encoding content-length expect proxy-authorization",
        "x-user-id x_user_id x-user-email x-user-groups x-user-roles x-forwarded-user x-forwarded-for x-forwarded-host x-forwarded-proto",
        "x-forwarded-prefix x-forwarded-uri x-original-url x-real-ip x-request-id x-gateway-assertion x_gateway_assertion",
        "x-openclaw-scopes tailscale-user-login x-ssl-client-s-dn forwarded via referer upgrade-insecure-requests http2-settings",
        "sec-fetch-mode sec-fetch-site early-data x-http-method-override x-middleware-subrequest __proto__ constructor tracestate",
      ].flatMap((line) => line.split(" "));
      const sent = Object.fromEntries(names.map((name) => [name, "forged"]));
      const plain = await headersFor({ use });
      expect(await headersFor({ use, sent })).toEqual(plain);
      expect(JSON.stringify(plain)).not.toContain("forged");
    },
  );

  it("says who it is, as far as that is known", async () => {
    expect(await headersFor({ identity: { email: null, name: null } })).toEqual([
      ...HOST,
      ...FORWARDING,
      ["x-user-id", "u_kvte5mcpy647v3l5r6ctsilksq"],
      ...ASSERTION,
    ]);
  });

  it("says no e-mail that nobody has verified: some gateways know people by it", async () => {
    expect(await headersFor({ identity: { emailTrusted: false } })).toEqual([
      ...HOST,
      ...FORWARDING,
      ["x-user-id", "u_kvte5mcpy647v3l5r6ctsilksq"],
      ["x-user-name", "Alice Archer"],
      ...ASSERTION,
    ]);
  });

  it("says names that are not ASCII in encoded form", async () => {
    const identity = { name: "Zoë\r\nX-User-Id: root", email: "zoë@example.com" };
    expect(await headersFor({ identity })).toEqual([
      ...HOST,
      ...FORWARDING,
      ["x-user-id", "u_kvte5mcpy647v3l5r6ctsilksq"],
      ["x-user-email", "zo%C3%AB@example.com"],
      ["x-user-name", "Zo%C3%AB%0D%0AX-User-Id: root"],
      ...ASSERTION,
    ]);
  });

  it("tells groups only to a gateway configured for them, also when there are none", async () => {
    const gateway = { sendGroups: true };
    const groups = ["engineering", "staff,admins"];
    expect(await headersFor({ identity: { groups }, gateway })).toEqual([
      ...HOST,
      ...FORWARDING,
      ...IDENTITY,
      ["x-user-groups", "engineering,staff%2Cadmins"],
      ...ASSERTION,
    ]);
    expect(await headersFor({ identity: { groups: [] }, gateway })).toContainEqual(["x-user-groups", ""]);
  });

  it("has one more header with the user id where the gateway wants one, in lower case however it is configured", async () => {
    const sent = { "x-corp-login": "root" };
    expect(await headersFor({ sent, gateway: { userHeader: "x-corp-LOGIN" } })).toEqual([
      ...HOST,
      ...FORWARDING,
      ...IDENTITY,
      ["x-corp-login", "u_kvte5mcpy647v3l5r6ctsilksq"],
      ...ASSERTION,
    ]);
  });

  it("names the gateway in Host and the front door in X-Forwarded-Host", async () => {
    const headers = Object.fromEntries(
      await headersFor({ url: "https://box.example.com", publicUrl: "http://localhost:8080" }),
    );
    expect(headers).toMatchObject({
      host: "box.example.com",
      "x-forwarded-host": "localhost:8080",
      "x-forwarded-proto": "http",
    });
  });
});

describe("the trace", () => {
  test.each([
    ["", "nothing"],
    ["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7", "a part less"],
    ["01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "another version"],
    ["00-00000000000000000000000000000000-00f067aa0ba902b7-01", "a trace id of zeros"],
    ["00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", "a parent id of zeros"],
    [TRACE.toUpperCase(), "upper case"],
    [`${TRACE}\n`, "a line end"],
  ])("starts anew when a client sends %j: %s", async (traceparent) => {
    const [one, other] = await Promise.all([1, 2].map(() => headersFor({ sent: { traceparent } })));
    const traceOf = (headers: typeof one) => new Map(headers).get("traceparent");
    expect(traceOf(one)).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    expect(traceOf(one)).not.toBe(traceOf(other));
    expect(traceOf(one)).not.toContain("4bf92f3577b34da6a3ce929d0e0e4736");
  });
});
