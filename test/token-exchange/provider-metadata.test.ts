import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createProviderMetadata } from "../../token-exchange/provider-metadata.ts";
import { createManualClock, type ManualClock } from "../support/manual-clock.ts";
import {
  createEcKey,
  createProviderDocuments,
  createRsaKey,
  ISSUER,
  NOW,
  type ProviderDocuments,
} from "../support/provider-fixture.ts";

const first = createEcKey("k1");
const second = createEcKey("k2");
const KEYS = `${ISSUER}/keys`;
const DISCOVERY = `${ISSUER}/.well-known/openid-configuration`;
let clock: ManualClock;
let documents: ProviderDocuments;

beforeEach(() => {
  clock = createManualClock(NOW);
  documents = createProviderDocuments(first);
});

function open(issuer = ISSUER) {
  return createProviderMetadata({ issuer, name: "Okta", timeoutMs: 8_000, fetch: documents.fetch, clock });
}

function unavailable(what: string) {
  return { ok: false, error: { code: "provider_unavailable", provider: "Okta", what } };
}

const UNKNOWN_KEY = { ok: false, error: { code: "bearer_invalid", fault: "unknown_key" } };

describe("the discovery document", () => {
  it("is fetched once, however many ask at once, and kept for five minutes", async () => {
    const provider = open();
    const metadata = {
      ok: true,
      value: {
        issuer: ISSUER,
        jwksUri: KEYS,
        tokenEndpoint: `${ISSUER}/token`,
        endSessionEndpoint: `${ISSUER}/logout`,
      },
    };
    expect(provider.state()).toBe("unknown");
    expect(await Promise.all([provider.get(), provider.get(), provider.get()])).toEqual([
      metadata,
      metadata,
      metadata,
    ]);
    clock.advance(299_999);
    await provider.get();
    expect(documents.requests).toEqual([DISCOVERY]);
    clock.advance(1);
    await provider.get();
    expect(documents.requests).toEqual([DISCOVERY, DISCOVERY]);
    expect(provider.state()).toBe("up");
  });

  it.each([`${ISSUER}/`, "https://evil.example", "HTTPS://login.example.com", undefined, null, [ISSUER]])(
    "of issuer %j is refused",
    async (issuer) => {
      documents.discovery = () => Response.json({ issuer, jwks_uri: KEYS });
      expect(await open().get()).toEqual(
        unavailable(
          `the discovery document is of issuer ${JSON.stringify(issuer)}, configured is "https://login.example.com"`,
        ),
      );
    },
  );

  it("of an issuer with a terminating slash is found beneath it, and must have the slash", async () => {
    const issuer = `${ISSUER}/`;
    documents.discovery = () => Response.json({ issuer, jwks_uri: KEYS });
    expect(await open(issuer).get()).toEqual({
      ok: true,
      value: { issuer, jwksUri: KEYS, tokenEndpoint: null, endSessionEndpoint: null },
    });
    expect(documents.requests).toEqual([DISCOVERY]);
  });

  it.each([undefined, 7, "keys", "http://login.example.com/keys", "file:///etc/passwd"])(
    "with the jwks_uri %j is refused",
    async (jwks_uri) => {
      documents.discovery = () => Response.json({ issuer: ISSUER, jwks_uri });
      expect(await open().get()).toEqual(unavailable("the discovery document has no usable jwks_uri"));
    },
  );

  it.each([undefined, 7, "javascript:alert(1)", "http://login.example.com/token"])(
    "with the token_endpoint %j has none",
    async (token_endpoint) => {
      documents.discovery = () => Response.json({ issuer: ISSUER, jwks_uri: KEYS, token_endpoint });
      const metadata = await open().get();
      expect(metadata.ok && metadata.value.tokenEndpoint).toBeNull();
    },
  );

  it.each([undefined, 7, "javascript:alert(1)", "http://login.example.com/logout"])(
    "with the end_session_endpoint %j has none",
    async (end_session_endpoint) => {
      documents.discovery = () => Response.json({ issuer: ISSUER, jwks_uri: KEYS, end_session_endpoint });
      const metadata = await open().get();
      expect(metadata.ok && metadata.value.endSessionEndpoint).toBeNull();
    },
  );

  it.each<[string, () => Response]>([
    ["answered 500", () => new Response("", { status: 500 })],
    [
      "answered 302",
      () => new Response("", { status: 302, headers: { location: "http://169.254.169.254/" } }),
    ],
    ["answered something that is not JSON", () => new Response("<html>")],
    ["answered something that is not JSON", () => new Response(null)],
    ["answered more than 1048576 bytes", () => new Response("x".repeat(1024 * 1024 + 1))],
  ])("that %s makes the provider unavailable", async (what, answer) => {
    documents.discovery = answer;
    const provider = open();
    expect(await provider.get()).toEqual(unavailable(`${DISCOVERY} ${what}`));
    expect(provider.state()).toBe("down");
  });

  it("that is no object makes the provider unavailable", async () => {
    documents.discovery = () => Response.json(null);
    expect(await open().get()).toEqual(unavailable("the discovery document is not an object"));
  });

  it("is asked for once, then not for two seconds, while the provider is down", async () => {
    documents.discovery = () => new Response("", { status: 503 });
    const provider = open();
    await provider.get();
    clock.advance(1_999);
    await provider.get();
    expect(documents.requests).toEqual([DISCOVERY]);
    clock.advance(1);
    documents.discovery = createProviderDocuments(first).discovery;
    expect((await provider.get()).ok).toBe(true);
    expect(provider.state()).toBe("up");
  });

  it("goes on being used while a newer one cannot be had, and the state says so", async () => {
    const provider = open();
    const before = await provider.get();
    clock.advance(300_000);
    documents.discovery = () => new Response("", { status: 503 });
    expect(await provider.get()).toEqual(before);
    expect(provider.state()).toBe("down");
  });
});

describe("a signing key of the provider", () => {
  it("is found by its id", async () => {
    const key = await open().key("k1");
    expect(key.ok && [key.value.key.export({ format: "jwk" }).x, key.value.alg]).toEqual([
      (first.jwk as { x?: string }).x,
      "ES256",
    ]);
    expect(documents.requests).toEqual([DISCOVERY, KEYS]);
  });

  it("that is new is found by one more request", async () => {
    const provider = open();
    await provider.key("k1");
    documents.keys = createProviderDocuments(first, second).keys;
    const [one, other] = await Promise.all([provider.key("k2"), provider.key("k2")]);
    expect([one.ok, other.ok]).toEqual([true, true]);
    expect(documents.requests).toEqual([DISCOVERY, KEYS, KEYS]);
  });

  it("that nobody has causes at most one request in 30 seconds, and a real change is seen after them (S82)", async () => {
    const provider = open();
    await provider.key("k1");
    for (let index = 0; index < 10_000; index += 1)
      expect(await provider.key(`made-up-${index}`)).toEqual(UNKNOWN_KEY);
    expect(documents.requests).toEqual([DISCOVERY, KEYS, KEYS]);
    documents.keys = createProviderDocuments(first, second).keys;
    expect(await provider.key("k2")).toEqual(UNKNOWN_KEY);
    clock.advance(30_000);
    expect((await provider.key("k2")).ok).toBe(true);
    expect(documents.requests).toEqual([DISCOVERY, KEYS, KEYS, KEYS]);
  });

  it("that was withdrawn is believed for five minutes at most", async () => {
    const provider = open();
    await provider.key("k1");
    documents.keys = createProviderDocuments(second).keys;
    clock.advance(300_000);
    expect(await provider.key("k1")).toEqual(UNKNOWN_KEY);
  });

  it.each<[string, () => Response | Promise<Response>]>([
    ["is away", () => Promise.reject(new TypeError("fetch failed"))],
    ["redirects", () => new Response("", { status: 301, headers: { location: "https://evil.example" } })],
    ["sends an endless document", () => new Response(endless())],
    ["sends an empty key set", () => Response.json({ keys: [] })],
    ["sends no key set", () => Response.json([])],
  ])("goes on being used while the provider %s; an unknown one is refused", async (_, answer) => {
    const provider = open();
    await provider.key("k1");
    documents.keys = answer;
    clock.advance(300_000);
    expect((await provider.key("k1")).ok).toBe(true);
    expect(await provider.key("k2")).toEqual(UNKNOWN_KEY);
    expect(provider.state()).toBe("down");
  });

  it("cannot be had before the provider has answered once", async () => {
    documents.keys = () =>
      Promise.reject(Object.assign(new TypeError("fetch failed"), { cause: { code: "ECONNREFUSED" } }));
    expect(await open().key("k1")).toEqual(unavailable(`${KEYS} cannot be reached (ECONNREFUSED)`));
  });

  it("is none that is secret, weak, for encryption, on another curve, of another algorithm or without id", async () => {
    const encryption = createEcKey("encryption");
    const other = createEcKey("other-alg");
    const nameless = createEcKey("nameless");
    const keys = [
      { kty: "oct", kid: "secret", k: "c2VjcmV0" },
      createRsaKey("weak", 1024).jwk,
      { ...encryption.jwk, use: "enc" },
      { ...other.jwk, alg: "HS256" },
      { ...nameless.jwk, kid: undefined },
      { kty: "EC", crv: "P-256", x: "AA", y: "AA", kid: "broken" },
      { kty: "EC", crv: "secp256k1", x: "A".repeat(43), y: "A".repeat(43), kid: "curve" },
      { kty: "OKP", crv: "Ed25519", x: "A".repeat(43), kid: "ed" },
      null,
      "k1",
      first.jwk,
    ];
    documents.keys = () => Response.json({ keys });
    const provider = open();
    for (const kid of [
      "secret",
      "weak",
      "encryption",
      "other-alg",
      "undefined",
      "broken",
      "curve",
      "ed",
      "__proto__",
    ])
      expect(await provider.key(kid)).toEqual(UNKNOWN_KEY);
    expect((await provider.key("k1")).ok).toBe(true);
  });
});

describe("over a real connection", () => {
  let server: Server;
  let issuer: string;
  let answered: (path: string | undefined) => boolean;

  beforeEach(async () => {
    answered = () => false;
    server = createServer((request, response) => {
      if (!answered(request.url)) return;
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ issuer, jwks_uri: `${issuer}/keys` }));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  afterEach(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });

  it("a provider that does not answer is given up at the time limit, and the connection ended", async () => {
    const provider = createProviderMetadata({ issuer, name: "Okta", timeoutMs: 8_000, fetch, clock });
    const arrived = new Promise<void>((resolve) => {
      server.once("request", (request) => {
        request.socket.once("close", resolve);
        clock.advance(8_000);
      });
    });
    const url = `${issuer}/.well-known/openid-configuration`;
    expect(await provider.get()).toEqual(unavailable(`${url} did not answer within 8000 ms`));
    await arrived;
  });

  it("a provider on loopback may use plain http", async () => {
    answered = () => true;
    const provider = createProviderMetadata({ issuer, name: "Okta", timeoutMs: 8_000, fetch, clock });
    expect(await provider.get()).toEqual({
      ok: true,
      value: { issuer, jwksUri: `${issuer}/keys`, tokenEndpoint: null, endSessionEndpoint: null },
    });
  });

  it("a provider that is away is named with the reason", async () => {
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const provider = createProviderMetadata({ issuer, name: "Okta", timeoutMs: 8_000, fetch, clock });
    expect(await provider.get()).toEqual(
      unavailable(
        `http://127.0.0.1:${port}/.well-known/openid-configuration cannot be reached (ECONNREFUSED)`,
      ),
    );
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  });
});

function endless(): ReadableStream<Uint8Array> {
  return new ReadableStream({
    pull(controller) {
      controller.enqueue(new Uint8Array(65_536));
    },
  });
}
