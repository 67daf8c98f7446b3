// The configuration of the front door and the gateway under measurement: everything on, as in production, with the
// limits of one machine lifted so far that the load itself is not refused. Pure.
import { CLIENT_ID } from "../revocation/fake-provider.ts";

export type DoorPlace = {
  /** http://… or, with a certificate, https://… */
  readonly publicUrl: string;
  readonly port: number;
  readonly privatePort: number;
  readonly issuer: string;
  readonly backendPort: number;
  readonly gatewayPort: number;
  /** `limits.connections`: {@link connectionsWith}. */
  readonly connections: number;
  readonly tls: { readonly certificate: string; readonly key: string } | undefined;
};

export type DoorSecrets = { readonly encryptionKey: string; readonly clientSecret: string };

/** Far beyond what is opened here. */
const MANY = 1_000_000;
/** Of a front door's descriptors, those for itself and for connections that it refuses: proxy/open-files.ts. */
const OTHER_DESCRIPTORS = 320;

/** How many connections fit, when each takes two descriptors. */
export function connectionsWith(descriptors: number): number {
  return Math.min(24_000, Math.floor((descriptors - OTHER_DESCRIPTORS) / 2));
}

/** What the people of the bench are in. Ending it ends all of them. */
export const GROUP = "staff";

export function frontDoorFile(place: DoorPlace, secrets: DoorSecrets): unknown {
  return {
    publicUrl: place.publicUrl,
    listen: { port: place.port },
    privateListen: { port: place.privatePort },
    ...(place.tls === undefined ? {} : { tls: place.tls }),
    data: "./door",
    encryptionKey: secrets.encryptionKey,
    policy: { access: "access.json5", routes: "routes.json5" },
    providers: {
      bench: {
        name: "bench",
        issuer: place.issuer,
        clientId: CLIENT_ID,
        clientSecret: secrets.clientSecret,
      },
    },
    limits: {
      connections: place.connections,
      connectionsPerAddress: MANY,
      socketsPerAddress: MANY,
      socketsPerUser: MANY,
    },
    log: { level: "error" },
  };
}

export const ACCESS_FILE = {
  agents: {
    assistant: { name: "Assistant" },
    coder: { name: "Coder" },
    analyst: { name: "Analyst" },
  },
  groups: {
    [GROUP]: { agents: ["assistant", "coder"] },
    finance: { agents: ["analyst"] },
    it: { agents: ["*"], roles: ["it"] },
  },
  users: { "eve@example.com": { deny: true } },
};

export function routesFile({ backendPort }: DoorPlace): unknown {
  return {
    gateways: { cloud: { endpoints: { "cloud-1": `http://127.0.0.1:${backendPort}` } } },
    routes: [{ users: ["dana@example.com"], to: "cloud" }, { to: "cloud" }],
  };
}

/** The real gateway behind the backend, for the control channel alone. */
export function gatewayFile({ gatewayPort }: DoorPlace, trust: string): unknown {
  return {
    gateway: {
      id: "cloud",
      endpoint: "cloud-1",
      port: gatewayPort,
      auth: { trust, keySet: "./door/key-set.jwt" },
    },
    agents: { entries: { assistant: { name: "Assistant" } } },
    data: "./gateway",
    log: { level: "error" },
  };
}
