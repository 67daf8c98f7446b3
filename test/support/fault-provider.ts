// An OpenID provider that lies, stalls or floods where a test tells it to, and is truthful elsewhere. It has no
// sign-in page: whatever code a callback brings is exchanged for the ID token that the test prepared.
import { sign } from "node:crypto";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { systemClock } from "../../core/clock.ts";
import { compactJws, createRsaKey, type ProviderKeyPair } from "./provider-fixture.ts";

export type ProviderDocument = "discovery" | "keys" | "token";

export type FaultProvider = {
  readonly issuer: string;
  /** The one key it publishes. */
  readonly key: ProviderKeyPair;
  readonly requests: readonly { readonly path: string; readonly form: URLSearchParams }[];
  /** What the next token requests get as `id_token`. */
  give(idToken: string): void;
  /** Members to change in the discovery document. */
  describe(changes: Readonly<Record<string, unknown>>): void;
  /** Answers this document by hand from now on; undefined: truthfully again. */
  answer(document: ProviderDocument, script: ((response: ServerResponse) => void) | undefined): void;
  close(): Promise<void>;
};

export async function startFaultProvider(): Promise<FaultProvider> {
  const key = createRsaKey("key-1");
  const requests: { path: string; form: URLSearchParams }[] = [];
  const scripts = new Map<ProviderDocument, (response: ServerResponse) => void>();
  let idToken = "";
  let changes: Readonly<Record<string, unknown>> = {};

  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const path = new URL(request.url ?? "", "http://provider").pathname;
    requests.push({ path, form: new URLSearchParams(Buffer.concat(chunks).toString()) });
    const document = DOCUMENTS[path];
    const script = document === undefined ? undefined : scripts.get(document);
    if (document === undefined) response.writeHead(404).end();
    else if (script !== undefined) script(response);
    else json(response, truth(document));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const issuer = `http://localhost:${(server.address() as AddressInfo).port}`;

  function truth(document: ProviderDocument): object {
    switch (document) {
      case "discovery":
        return {
          issuer,
          authorization_endpoint: `${issuer}/authorize`,
          token_endpoint: `${issuer}/token`,
          jwks_uri: `${issuer}/keys`,
          response_types_supported: ["code"],
          id_token_signing_alg_values_supported: ["RS256"],
          ...changes,
        };
      case "keys":
        return { keys: [key.jwk] };
      case "token":
        return { access_token: "opaque", token_type: "Bearer", expires_in: 3600, id_token: idToken };
    }
  }

  return {
    issuer,
    key,
    requests,
    give(token) {
      idToken = token;
    },
    describe(next) {
      changes = next;
    },
    answer(document, script) {
      if (script === undefined) scripts.delete(document);
      else scripts.set(document, script);
    },
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

const DOCUMENTS: Readonly<Record<string, ProviderDocument>> = {
  "/.well-known/openid-configuration": "discovery",
  "/keys": "keys",
  "/token": "token",
};

function json(response: ServerResponse, body: object): void {
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
}

/** Claims of a valid ID token of alice's for the client `gatehouse`; `undefined` leaves one out. */
export function idTokenClaims(
  issuer: string,
  nonce: string | null,
  changes: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  const iat = Math.floor(systemClock.now() / 1000);
  const claims = {
    iss: issuer,
    aud: "gatehouse",
    sub: "alice",
    iat,
    exp: iat + 3600,
    nonce,
    email: "alice@example.com",
    email_verified: true,
    name: "Alice Archer",
    groups: ["engineering"],
    ...changes,
  };
  return Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined));
}

/** As a truthful provider signs it. Claims are signed as they are: no library adds one. */
export function signIdToken(
  key: ProviderKeyPair,
  claims: Record<string, unknown>,
  header: Record<string, unknown> = {},
): string {
  const unsigned = compactJws({ alg: "RS256", typ: "JWT", kid: key.kid, ...header }, claims, "").slice(0, -1);
  return `${unsigned}.${sign("sha256", Buffer.from(unsigned), key.privateKey).toString("base64url")}`;
}
