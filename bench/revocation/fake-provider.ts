// The smallest OpenID provider that a front door can stand on, in the measuring process, so that the figures are the
// door's: discovery, keys, and a token endpoint that says what the measurement wants. Not for anything else.
import { generateKeyPairSync } from "node:crypto";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import jsonwebtoken from "jsonwebtoken";
import { systemClock } from "../../core/clock.ts";

export type Person = {
  readonly subject: string;
  readonly groups: readonly string[];
  readonly providerSid: string;
};

export type RefreshAnswer = "invalid_grant" | { readonly groups: readonly string[] };

export type FakeProvider = {
  readonly issuer: string;
  /** A code that signs this person in; the tokens are to be refreshed `expiresInSeconds - 60` later. */
  codeFor(person: Person, nonce: string, expiresInSeconds: number): string;
  logoutToken(claims: Readonly<Record<string, unknown>>): string;
  answerRefreshes(answer: RefreshAnswer): void;
  /** `performance.now()` at the answer to each subject's refresh. */
  readonly refreshedAt: ReadonlyMap<string, number>;
  close(): void;
};

export const CLIENT_ID = "gatehouse";
const KID = "bench";

type Code = { readonly person: Person; readonly nonce: string; readonly expiresInSeconds: number };

export async function startFakeProvider(): Promise<FakeProvider> {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const jwk = { ...publicKey.export({ format: "jwk" }), kid: KID, alg: "RS256", use: "sig" };
  const people = new Map<string, Person>();
  const refreshedAt = new Map<string, number>();
  let refreshAnswer: RefreshAnswer = { groups: [] };
  let issuer = "";

  function sign(claims: object, type?: string): string {
    const header = { alg: "RS256" as const, kid: KID, ...(type === undefined ? {} : { typ: type }) };
    return jsonwebtoken.sign(claims, privateKey, { algorithm: "RS256", header });
  }

  function tokens(person: Person, groups: readonly string[], expiresInSeconds: number, nonce?: string) {
    const iat = Math.floor(systemClock.now() / 1000);
    const claims = {
      iss: issuer,
      aud: CLIENT_ID,
      sub: person.subject,
      sid: person.providerSid,
      email: `${person.subject}@example.com`,
      email_verified: true,
      iat,
      exp: iat + 3_600,
      groups,
      ...(nonce === undefined ? {} : { nonce }),
    };
    return {
      access_token: "unused",
      token_type: "Bearer",
      expires_in: expiresInSeconds,
      refresh_token: person.subject,
      id_token: sign(claims),
    };
  }

  function answerGrant(body: URLSearchParams, response: ServerResponse) {
    if (body.get("grant_type") === "authorization_code") {
      const code = JSON.parse(Buffer.from(body.get("code") ?? "", "base64url").toString()) as Code;
      people.set(code.person.subject, code.person);
      return answer(
        response,
        200,
        tokens(code.person, code.person.groups, code.expiresInSeconds, code.nonce),
      );
    }
    const person = people.get(body.get("refresh_token") ?? "");
    if (person === undefined || refreshAnswer === "invalid_grant")
      answer(response, 400, { error: "invalid_grant" });
    else answer(response, 200, tokens(person, refreshAnswer.groups, 3_600));
    if (person !== undefined) refreshedAt.set(person.subject, performance.now());
  }

  const server = createServer(async (request, response) => {
    if (request.url === "/jwks") return answer(response, 200, { keys: [jwk] });
    if (request.url !== "/token") return answer(response, 200, metadataOf(issuer));
    let body = "";
    for await (const chunk of request) body += chunk;
    answerGrant(new URLSearchParams(body), response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  return {
    issuer,
    codeFor: (person, nonce, expiresInSeconds) =>
      Buffer.from(JSON.stringify({ person, nonce, expiresInSeconds } satisfies Code)).toString("base64url"),
    logoutToken: (claims) => sign({ iss: issuer, aud: CLIENT_ID, ...claims }, "logout+jwt"),
    answerRefreshes(wanted) {
      refreshAnswer = wanted;
    },
    refreshedAt,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

function metadataOf(issuer: string) {
  return {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/jwks`,
    response_types_supported: ["code"],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: ["RS256"],
  };
}
