// The embedded OpenID provider for trying Gatehouse out and for tests. Its passwords are public: it binds
// loopback only, and nothing outside dev/ and test/ may start it.
import { generateKeyPair } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import { type JWK, Provider } from "oidc-provider";
import type { Clock } from "../../core/clock.ts";
import type { Log } from "../../core/log.ts";
import type { Person } from "../people.ts";
import { type DevClient, providerConfiguration } from "./configuration.ts";
import { createSignIn } from "./sign-in.ts";

export type DevProviderOptions = {
  /** 0: any free one. */
  readonly port: number;
  readonly people: readonly Person[];
  /** Whose it is, for its sign-in page to say where there are several. */
  readonly company?: string;
  /** `aud` of the access tokens that every client gets. */
  readonly audience: string;
  /** Beside {@link CLI_CLIENT_ID}, which is always there. */
  readonly clients: readonly DevClient[];
  readonly clock: Clock;
  readonly log: Log;
};

export type DevProvider = {
  /** `http://localhost:<port>` */
  readonly issuer: string;
  readonly port: number;
  close(): Promise<void>;
};

/** Rejects when the port is taken (`EADDRINUSE`). Keys are new at each start: tokens of an earlier one are void. */
export async function startDevProvider(options: DevProviderOptions): Promise<DevProvider> {
  const { log } = options;
  const signingKey = await newSigningKey();
  const server = createServer();
  await listen(server, options.port);
  const { port } = server.address() as AddressInfo;
  const issuer = `http://localhost:${port}`;
  const provider = new Provider(issuer, providerConfiguration({ ...options, port }, signingKey));
  provider.on("server_error", (_context, error) =>
    log.error({ err: error }, "demonstration provider failed"),
  );
  provider.on("backchannel.error", (_context, error, client) =>
    log.warn({ client: client.clientId, reason: error.message }, "back-channel logout was not delivered"),
  );
  const signIn = createSignIn(provider, options);
  const openId = provider.callback();
  server.on("request", (request, response) => {
    if (request.url?.startsWith("/sign-in/")) void signIn(request, response);
    else void openId(request, response);
  });
  return { issuer, port, close: () => close(server) };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      server.off("error", reject);
      resolve();
    });
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

// RS256, because that is what most providers sign with.
async function newSigningKey(): Promise<JWK> {
  const { privateKey } = await promisify(generateKeyPair)("rsa", { modulusLength: 2048 });
  return { ...privateKey.export({ format: "jwk" }), use: "sig", alg: "RS256" } as JWK;
}
