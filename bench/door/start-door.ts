// The front door under measurement: the real command with an embedded store, audit, and a control channel to a real
// gateway; behind it the bench's backend. Each in a process of its own.
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { request } from "undici";
import { LOOPBACK_TLS } from "../../test/proxy/control/loopback-certificate.ts";
import { freePort } from "../../test/support/free-port.ts";
import { descriptorLimit } from "../machine/process-cost.ts";
import { type Address, HTTP_PATH, WEB_SOCKET_PATH } from "../peers/peer.ts";
import { type Child, type Children, nodeProgram, until, untilListening } from "../processes/children.ts";
import { adminRequest } from "../revocation/admin-request.ts";
import type { FakeProvider, Person } from "../revocation/fake-provider.ts";
import {
  ACCESS_FILE,
  connectionsWith,
  type DoorPlace,
  frontDoorFile,
  GROUP,
  gatewayFile,
  routesFile,
} from "./configuration.ts";
import { type RelyingParty, signIn } from "./sign-in.ts";

export type Door = {
  readonly pid: number;
  readonly child: Child;
  /** What it forwards to. */
  readonly backendPort: number;
  readonly backendPid: number;
  readonly privatePort: number;
  readonly controlSocket: string;
  /** Signs somebody in: requests to this address are theirs. */
  signedIn(): Promise<Address>;
  /** Ends the process as a crash does, and starts it again over what is on its disk. */
  crash(): Promise<void>;
  stop(): Promise<void>;
};

export type DoorOptions = {
  /** An empty folder of its own. */
  readonly folder: string;
  readonly tls?: boolean;
  /** Arguments of Node for the front door. */
  readonly nodeOptions?: readonly string[];
};

const CLI = "cli/gatehouse.js";

export async function startDoor(
  children: Children,
  provider: FakeProvider,
  options: DoorOptions,
): Promise<Door> {
  const { folder } = options;
  const place = await freshPlace(provider.issuer, options.tls === true);
  const write = (file: string, content: unknown) =>
    writeFileSync(join(folder, file), JSON.stringify(content));
  const secrets = {
    encryptionKey: randomBytes(32).toString("hex"),
    clientSecret: randomBytes(24).toString("hex"),
  };
  mkdirSync(join(folder, "door"), { mode: 0o700 });
  write("front-door.json5", frontDoorFile(place, secrets));
  write("access.json5", ACCESS_FILE);
  write("routes.json5", routesFile(place));
  if (place.tls !== undefined) {
    writeFileSync(join(folder, place.tls.certificate), LOOPBACK_TLS.cert);
    writeFileSync(join(folder, place.tls.key), LOOPBACK_TLS.key, { mode: 0o600 });
  }

  const { port, privatePort, backendPort, gatewayPort } = place;
  const backend = children.start({
    on: "load",
    command: nodeProgram("bench/backend/main.js", backendPort, gatewayPort),
  });
  await untilListening("the backend", backend, backendPort);
  let door = await startProcess();
  const trust = readFileSync(join(folder, "door", "trust-thumbprint"), "utf8").trim();
  write("gateway.json5", gatewayFile(place, trust));
  const gateway = children.start({
    on: "load",
    command: nodeProgram(CLI, "gateway", "--config", join(folder, "gateway.json5")),
  });
  await untilListening("the gateway", gateway, gatewayPort);
  const controlSocket = join(folder, "door", "control.sock");
  await until("the control channel", door, async () => {
    const { endpoints } = (await adminRequest(controlSocket, "GET", "/status")) as {
      endpoints: { channel: string }[];
    };
    return endpoints.every(({ channel }) => channel === "connected");
  });

  async function startProcess(): Promise<Child> {
    const [node = "", ...program] = nodeProgram(
      CLI,
      "front-door",
      "--config",
      join(folder, "front-door.json5"),
    );
    const nodeOptions = options.nodeOptions ?? [];
    const started = children.start({
      on: "proxy",
      command: [node, ...nodeOptions, ...program],
      ipc: nodeOptions.length > 0,
    });
    await until("the front door", started, async () => {
      const { statusCode, body } = await request(`http://127.0.0.1:${privatePort}/readyz`);
      await body.dump();
      return statusCode === 200;
    });
    return started;
  }

  const certificate = place.tls === undefined ? {} : { certificate: LOOPBACK_TLS.cert };
  const party: RelyingParty = {
    origin: place.publicUrl,
    loginPath: "/auth/login",
    callbackPath: "/auth/callback",
    ...certificate,
  };
  let people = 0;
  return {
    get pid() {
      return door.pid;
    },
    get child() {
      return door;
    },
    backendPort,
    backendPid: backend.pid,
    privatePort,
    controlSocket,
    async signedIn() {
      people += 1;
      const cookie = await signIn(party, provider, personNumber(people));
      return {
        port,
        authority: new URL(place.publicUrl).host,
        paths: { http: HTTP_PATH, webSocket: WEB_SOCKET_PATH },
        headers: [`cookie: ${cookie}`, `origin: ${place.publicUrl}`],
        ...certificate,
      };
    },
    async crash() {
      await children.stop(door);
      door = await startProcess();
    },
    async stop() {
      await Promise.all([door, gateway, backend].map(children.stop));
    },
  };
}

async function freshPlace(issuer: string, tls: boolean): Promise<DoorPlace> {
  const port = await freePort();
  return {
    publicUrl: `${tls ? "https" : "http"}://127.0.0.1:${port}`,
    port,
    privatePort: await freePort(),
    issuer,
    backendPort: await freePort(),
    gatewayPort: await freePort(),
    connections: connectionsWith(descriptorLimit()),
    tls: tls ? { certificate: "certificate.pem", key: "key.pem" } : undefined,
  };
}

function personNumber(number: number): Person {
  return { subject: `person-${number}`, groups: [GROUP], providerSid: `login-${number}` };
}
