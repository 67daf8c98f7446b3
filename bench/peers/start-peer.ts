// Starts a peer before the backend that the front door has too, signed in where it asks who one is.
import { ok } from "../../core/result.ts";
import { freePort } from "../../test/support/free-port.ts";
import { signIn } from "../door/sign-in.ts";
import type { Door } from "../door/start-door.ts";
import { type Children, nodeProgram, untilListening } from "../processes/children.ts";
import { CLIENT_ID, type FakeProvider } from "../revocation/fake-provider.ts";
import { openAddress, type PeerName, type StartedPeer } from "./peer.ts";
import { startDataPlane, startHaproxy, startNginx } from "./start-packaged.ts";

export type PeerDeps = {
  readonly children: Children;
  readonly provider: FakeProvider;
  readonly door: Door;
  /** Makes a folder. */
  readonly newFolder: () => string;
};

/**
 * @returns why it cannot be measured here, such as a program that is not installed
 * @throws when it should be able to
 */
export async function startPeer(name: PeerName, deps: PeerDeps): Promise<StartedPeer> {
  switch (name) {
    case "direct":
      return ok({ name, address: openAddress(deps.door.backendPort), pids: [] });
    case "TCP pipe":
      return startNode(name, "tcp-pipe", deps);
    case "own splice, bare":
      return startNode(name, "own-splice", deps);
    case "bare undici dispatch":
      return startNode(name, "undici-dispatch", deps);
    case "ws on both sides":
      return startNode(name, "ws-both-sides", deps);
    case "express + express-openid-connect + http-proxy": {
      const { port, pid, cookie } = await startExpress(deps);
      return ok({ name, address: { ...openAddress(port), headers: [`cookie: ${cookie}`] }, pids: [pid] });
    }
    case "HAProxy":
      return startHaproxy(name, deps);
    case "HAProxy verifying ES256":
      return startHaproxy(name, deps, "verifying");
    case "nginx":
      return startNginx(name, { kind: "plain" }, openAddress(0), [], deps);
    case "nginx auth_request + express-openid-connect": {
      const express = await startExpress(deps);
      const address = { ...openAddress(express.port), headers: [`cookie: ${express.cookie}`] };
      return startNginx(name, { kind: "auth_request", authPort: express.port }, address, [express.pid], deps);
    }
    case "Gatehouse":
      return ok({ name, address: await deps.door.signedIn(), pids: [deps.door.pid] });
    case "Gatehouse, other fields each time": {
      const address = { ...(await deps.door.signedIn()), changingFields: true };
      return ok({ name, address, pids: [deps.door.pid] });
    }
    case "Gatehouse, nginx as data plane":
      return startDataPlane(name, deps);
  }
}

async function startNode(
  name: PeerName,
  program: string,
  { children, door }: PeerDeps,
): Promise<StartedPeer> {
  const port = await freePort();
  const child = children.start({
    on: "proxy",
    command: nodeProgram(`bench/peers/${program}.js`, port, door.backendPort),
  });
  await untilListening(name, child, port);
  return ok({ name, address: openAddress(port), pids: [child.pid] });
}

async function startExpress({ children, provider, door }: PeerDeps) {
  const port = await freePort();
  const child = children.start({
    on: "proxy",
    command: nodeProgram(
      "bench/peers/express-openid-connect.js",
      port,
      door.backendPort,
      provider.issuer,
      CLIENT_ID,
    ),
  });
  await untilListening("express", child, port);
  const origin = `http://127.0.0.1:${port}`;
  const person = { subject: "person-of-express", groups: [], providerSid: "login-of-express" };
  const cookie = await signIn({ origin, loginPath: "/login", callbackPath: "/callback" }, provider, person);
  return { port, pid: child.pid, cookie };
}
