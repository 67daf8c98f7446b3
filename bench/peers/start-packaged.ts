// Peers that come as programs of the system, nginx and HAProxy: measured where they are installed.
import { generateKeyPairSync } from "node:crypto";
import { accessSync, constants, writeFileSync } from "node:fs";
import { join } from "node:path";
import jsonwebtoken from "jsonwebtoken";
import { systemClock } from "../../core/clock.ts";
import { err, ok, type Result } from "../../core/result.ts";
import { freePort } from "../../test/support/free-port.ts";
import { closeAll, openConnections } from "../load/connections.ts";
import { exchangeAll } from "../load/exchange.ts";
import { httpExchange } from "../load/http-exchange.ts";
import { type Child, type Children, untilListening } from "../processes/children.ts";
import { BEARER_ISSUER, haproxyConfig } from "./haproxy-config.ts";
import { type NginxForm, nginxConfig } from "./nginx-config.ts";
import { type Address, openAddress, type PeerName, type StartedPeer } from "./peer.ts";
import type { PeerDeps } from "./start-peer.ts";

/** @param address what requests need, but for the port */
export async function startNginx(
  name: PeerName,
  form: NginxForm,
  address: Address,
  otherPids: readonly number[],
  { children, door, newFolder }: PeerDeps,
): Promise<StartedPeer> {
  const program = installed("nginx");
  if (!program.ok) return program;
  const folder = newFolder();
  const port = await freePort();
  const config = join(folder, "nginx.conf");
  writeFileSync(config, nginxConfig({ folder, port, backendPort: door.backendPort }, form));
  const child = await startOn(children, [program.value, "-p", folder, "-c", config], name, port);
  return ok({ name, address: { ...address, port }, pids: [child.pid, ...otherPids] });
}

/** nginx carries the bytes, and asks the front door about each request. */
export async function startDataPlane(name: PeerName, deps: PeerDeps): Promise<StartedPeer> {
  const { door } = deps;
  // The person's requests name the front door's own origin: that is what its cookie and Origin are for.
  const address = await door.signedIn();
  const form = { kind: "data plane", verifyPort: door.privatePort } as const;
  const started = await startNginx(name, form, address, [door.pid], deps);
  if (!started.ok) return started;
  const fault = await faultOf(started.value.address);
  return fault === undefined ? started : err(`GET /auth/verify does not let it through: ${fault}`);
}

/** @param verifying demand a bearer and verify its ES256 signature on each request */
export async function startHaproxy(
  name: PeerName,
  { children, door, newFolder }: PeerDeps,
  verifying?: "verifying",
): Promise<StartedPeer> {
  const program = installed("haproxy");
  if (!program.ok) return program;
  const folder = newFolder();
  const port = await freePort();
  const config = join(folder, "haproxy.cfg");
  const place = { port, backendPort: door.backendPort };
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const keyPath = join(folder, "bearer-key.pem");
  writeFileSync(keyPath, publicKey.export({ type: "spki", format: "pem" }));
  writeFileSync(config, haproxyConfig(place, verifying === undefined ? undefined : keyPath));
  const child = await startOn(children, [program.value, "-db", "-q", "-f", config], name, port);
  const iat = Math.floor(systemClock.now() / 1000);
  const claims = { iss: BEARER_ISSUER, sub: "person", email: "person@example.com", iat, exp: iat + 86_400 };
  const bearer = jsonwebtoken.sign(claims, privateKey, { algorithm: "ES256" });
  const headers = verifying === undefined ? [] : [`authorization: Bearer ${bearer}`];
  return ok({ name, address: { ...openAddress(port), headers }, pids: [child.pid] });
}

/** Not every account has /usr/sbin in its path, where Debian puts these. */
const FOLDERS = ["/usr/sbin", "/usr/local/sbin", "/usr/bin", "/usr/local/bin"];

function installed(program: string): Result<string, string> {
  for (const folder of FOLDERS) {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return ok(join(folder, program));
    } catch {}
  }
  return err(`${program} is not installed`);
}

async function startOn(
  children: Children,
  command: readonly string[],
  name: string,
  port: number,
): Promise<Child> {
  const child = children.start({ on: "proxy", command });
  await untilListening(name, child, port);
  return child;
}

async function faultOf(address: Address): Promise<string | undefined> {
  const connections = await openConnections(address, 1);
  try {
    await exchangeAll(connections, httpExchange(address), { count: 1, atOnce: 1 });
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    await closeAll(connections);
  }
}
