// The embedded OpenID provider with faults put in its way: any of its answers can be replaced or changed, its clock
// is off, its keys and the claims in its ID tokens are what a test says.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type JWK, Provider } from "oidc-provider";
import { systemClock } from "../../core/clock.ts";
import { createLog } from "../../core/log.ts";
import { PEOPLE, type Person } from "../../dev/people.ts";
import { providerConfiguration } from "../../dev/provider/configuration.ts";
import { createSignIn } from "../../dev/provider/sign-in.ts";
import { signIdToken } from "./fault-provider.ts";
import { createRsaKey, type ProviderKeyPair } from "./provider-fixture.ts";

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

export type Json = Record<string, unknown>;

export type RealFaultProvider = {
  readonly issuer: string;
  /** Paths of all requests, in order. */
  readonly requests: readonly string[];
  /**
   * Gives the front door there a client. Requests that come before wait for it.
   * @param id of this provider there, where it is one of several
   */
  serve(frontDoor: string, id?: string): void;
  /** Answers this path (`*`: every path) by hand from now on; undefined: truthfully again. */
  answer(path: string, script: ((response: ServerResponse) => void) | undefined): void;
  /** Changes the JSON that this path answers truthfully; undefined: no more. */
  change(path: string, to: ((body: Json) => Json) | undefined): void;
  /** Changes the claims of ID tokens before they are signed, by the provider's key or the one given. */
  changeIdTokens(to: ((claims: Json) => Json) | undefined, key?: ProviderKeyPair): void;
  /** Makes the `Date` of its answers wrong by so much. */
  skew(ms: number): void;
  close(): Promise<void>;
};

export type RealFaultProviderOptions = {
  /** Of its issuer. Browsers keep cookies apart by host, not by port: two providers need two hosts. */
  readonly host?: "localhost" | "127.0.0.1";
  readonly people?: readonly Person[];
};

export async function startRealFaultProvider(
  options: RealFaultProviderOptions = {},
): Promise<RealFaultProvider> {
  const { host = "localhost", people = PEOPLE } = options;
  const key = createRsaKey("key-1");
  const requests: string[] = [];
  const scripts = new Map<string, (response: ServerResponse) => void>();
  const changes = new Map<string, (body: Json) => Json>();
  let begin: (provider: Handler) => void = () => {};
  const begun = new Promise<Handler>((resolve) => {
    begin = resolve;
  });
  let skewMs = 0;

  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? "", "http://provider");
    requests.push(pathname);
    response.setHeader("date", new Date(systemClock.now() + skewMs).toUTCString());
    const script = scripts.get(pathname) ?? scripts.get("*");
    if (script !== undefined) return script(response);
    const openId = await begun;
    const change = changes.get(pathname);
    if (change !== undefined) changeJson(response, change);
    return openId(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const issuer = `http://${host}:${port}`;

  return {
    issuer,
    requests,
    serve(frontDoor, id) {
      const log = createLog("provider", "silent");
      const clients = [
        {
          clientId: "gatehouse",
          clientSecret: "a-client-secret",
          name: "Gatehouse",
          redirectUris: [`${frontDoor}/auth/callback`, `${frontDoor}/auth/callback/${id}`],
          postLogoutRedirectUris: [`${frontDoor}/signed-out`],
          backchannelLogoutUri: `${frontDoor}/auth/backchannel-logout`,
        },
      ];
      const dev = { port, people, audience: "urn:gatehouse", clients, clock: systemClock, log };
      const jwk = { ...key.privateKey.export({ format: "jwk" }), kid: key.kid, use: "sig", alg: "RS256" };
      const provider = new Provider(issuer, providerConfiguration(dev, jwk as JWK));
      const callback = provider.callback();
      const signIn = createSignIn(provider, dev);
      begin((request, response) => {
        void (request.url?.startsWith("/sign-in/") ? signIn : callback)(request, response);
      });
    },
    answer(path, script) {
      if (script === undefined) scripts.delete(path);
      else scripts.set(path, script);
    },
    change: setChange,
    changeIdTokens(to, signingKey = key) {
      setChange(
        "/token",
        to && ((body) => ({ ...body, id_token: signIdToken(signingKey, to(claimsOf(body["id_token"]))) })),
      );
    },
    skew(ms) {
      skewMs = ms;
    },
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };

  function setChange(path: string, to: ((body: Json) => Json) | undefined) {
    if (to === undefined) changes.delete(path);
    else changes.set(path, to);
  }
}

function claimsOf(token: unknown): Json {
  return JSON.parse(Buffer.from(String(token).split(".")[1] ?? "", "base64url").toString());
}

// The provider ends its answers with their whole text at once.
function changeJson(response: ServerResponse, change: (body: Json) => Json): void {
  const end = response.end.bind(response) as (text: string) => ServerResponse;
  response.end = ((text: unknown) => {
    const changed = JSON.stringify(change(JSON.parse(String(text))));
    response.setHeader("content-length", Buffer.byteLength(changed));
    return end(changed);
  }) as typeof response.end;
}
