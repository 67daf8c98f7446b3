// The whole front door before a box whose certificate is pinned: requests, WebSockets and health, with the right
// certificate and with others.
import { once } from "node:events";
import { type AddressInfo, connect, type Socket } from "node:net";
import { createServer as createTlsServer, type Server } from "node:tls";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { createLog } from "../../core/log.ts";
import { createTestCa, selfSigned, type TestCertificate } from "../support/certificates.ts";
import { ALICE, startTestFrontDoor } from "../support/front-door-fixture.ts";
import { handshake, head, rawConnect, rawExchange } from "../support/raw-client.ts";
import { startRecorder } from "../support/recorder-gateway.ts";
import { trustCa } from "../support/trusted-ca.ts";

let own: TestCertificate;
let trusted: TestCertificate;
let ca: string;
beforeAll(async () => {
  own = await selfSigned();
  const authority = await createTestCa();
  ca = authority.cert;
  trusted = await authority.issue();
});

/** TLS with this certificate before a gateway that speaks plain HTTP. */
async function behindTls(certificate: TestCertificate, port: number): Promise<Server> {
  const open = new Set<Socket>();
  const server = createTlsServer(certificate, (near) => {
    const far = connect(port, "127.0.0.1");
    near.pipe(far).pipe(near);
    for (const socket of [near, far]) socket.on("error", () => near.destroy() && far.destroy());
  });
  server.on("connection", (socket: Socket) => open.add(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  return server;
}

async function start(shown: TestCertificate, pinned: TestCertificate | undefined) {
  const gateway = await startRecorder();
  const tls = await behindTls(shown, Number(new URL(gateway.url).port));
  const url = `https://127.0.0.1:${(tls.address() as AddressInfo).port}`;
  const lines: Record<string, unknown>[] = [];
  const pin = pinned === undefined ? {} : { tls: { fingerprint: pinned.fingerprint } };
  const door = await startTestFrontDoor({
    gateways: { berlin: { endpoints: { "berlin-1": url }, ...pin } },
    log: createLog("front-door", "info", { write: (line) => void lines.push(JSON.parse(line)) }),
  });
  onTestFinished(async () => {
    await door.close();
    await gateway.close();
  });
  const cookie = [`Origin: ${door.publicUrl}`, `Cookie: ${await door.signIn(ALICE)}`];
  return {
    gateway,
    door,
    lines,
    get: () => head("GET /agents/coder/x HTTP/1.1", `Host: ${door.host}`, ...cookie),
    upgrade: () => head(...handshake("/agents/coder/ws", door.host, ...cookie)),
  };
}

describe("a gateway with a pinned certificate", () => {
  it("is reached by requests, WebSockets and health probes, though nobody vouches for it", async () => {
    const { door, gateway, get, upgrade, lines } = await start(own, own);
    expect((await rawExchange(door.port, get())).status).toBe(200);
    expect((await rawExchange(door.port, get())).status).toBe(200);
    const socket = await rawConnect(door.port, upgrade());
    onTestFinished(() => void socket.destroy());
    expect(String((await once(socket, "data"))[0])).toMatch(/^HTTP\/1.1 101 /);
    socket.write(Buffer.from([0x81, 0x80, 1, 2, 3, 4]));
    await expect.poll(() => gateway.received().toString("hex")).toBe("818001020304");
    expect(gateway.requests.length).toBe(3);
    expect(lines.filter(({ msg }) => msg === "gateway endpoint is down")).toEqual([]);
  });

  it.each(["request", "upgrade"] as const)(
    "is not reached with another one, however good: a %s never leaves the door",
    async (kind) => {
      trustCa(ca);
      const { door, gateway, get, upgrade, lines } = await start(trusted, own);
      const refused = await rawExchange(door.port, kind === "request" ? get() : upgrade());
      expect([refused.status, JSON.parse(refused.body).error.code]).toEqual([503, "gateway_unavailable"]);
      expect([gateway.requests, gateway.received().length]).toEqual([[], 0]);
      const fault = expect.stringMatching(/^certificate is not the pinned one: it shows [0-9a-f]{64}; /);
      // The probe says why, whoever noticed it first.
      await expect
        .poll(() => lines.filter(({ msg }) => msg === "gateway endpoint is down"), { timeout: 10_000 })
        .toContainEqual(expect.objectContaining({ endpoint: "berlin-1", fault }));
    },
  );

  it("without a pin is not reached when nobody vouches for its certificate", async () => {
    const { door, gateway, get, upgrade } = await start(own, undefined);
    expect((await rawExchange(door.port, get())).status).toBe(503);
    expect((await rawExchange(door.port, upgrade())).status).toBe(503);
    expect(gateway.requests).toEqual([]);
  });
});
