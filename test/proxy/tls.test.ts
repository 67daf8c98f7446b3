// The whole front door over TLS, without anything in front of it.
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect, type TLSSocket } from "node:tls";
import { beforeAll, expect, it, onTestFinished } from "vitest";
import { ConfigError } from "../../core/config-error.ts";
import { folderWith } from "../config/config-folder.ts";
import { selfSigned, type TestCertificate } from "../support/certificates.ts";
import { ALICE, type FrontDoorFixture, startTestFrontDoor } from "../support/front-door-fixture.ts";
import { handshake, head } from "../support/raw-client.ts";
import { startRecorder } from "../support/recorder-gateway.ts";

let own: TestCertificate;
let next: TestCertificate;
beforeAll(async () => {
  own = await selfSigned();
  next = await selfSigned();
});

async function start() {
  const gateway = await startRecorder();
  const folder = folderWith({ cert: own.cert, key: own.key });
  const tls = { certificate: join(folder, "cert"), key: join(folder, "key") };
  const gateways = { cloud: { endpoints: { "cloud-1": gateway.url } } };
  const door = await startTestFrontDoor({ gateways, config: { tls } });
  onTestFinished(async () => {
    await door.close();
    await gateway.close();
  });
  return { gateway, door, tls };
}

/** One request over a connection of its own; everything that comes back until this holds. */
async function exchange(
  door: FrontDoorFixture,
  bytes: string,
  isWhole: (text: string) => boolean,
): Promise<{ readonly text: string; readonly socket: TLSSocket }> {
  const socket = connect({ port: door.port, host: "127.0.0.1", ca: [own.cert, next.cert] });
  onTestFinished(() => void socket.destroy());
  await once(socket, "secureConnect");
  socket.write(bytes);
  let text = "";
  while (!isWhole(text)) text += String((await once(socket, "data"))[0]);
  return { text, socket };
}

it("serves pages, requests and WebSockets, and tells operations that its certificate is good", async () => {
  const { gateway, door } = await start();
  const own = [`Host: ${door.host}`, `Origin: ${door.publicUrl}`, `Cookie: ${await door.signIn(ALICE)}`];
  const ready = await exchange(door, head("GET /readyz HTTP/1.1", ...own), (text) => text.endsWith("}}"));
  expect(JSON.parse(ready.text.split("\r\n\r\n")[1] ?? "").checks.certificate).toBe("ok");
  const metrics = await (await fetch(`http://127.0.0.1:${door.running.privatePort}/metrics`)).text();
  expect(metrics).toMatch(/^gatehouse_tls_certificate_expiration_timestamp_seconds 4733510400$/m);
  const got = await exchange(door, head("GET /agents/coder/x HTTP/1.1", ...own), (text) =>
    text.endsWith('{"ok":true}'),
  );
  expect(got.text).toMatch(/^HTTP\/1.1 200 OK\r\n/);
  const upgrade = head(...handshake("/agents/coder/ws", door.host, ...own.slice(1)));
  const { text, socket } = await exchange(door, upgrade, (all) => all.endsWith("\r\n\r\n"));
  expect(text).toMatch(/^HTTP\/1.1 101 Switching Protocols\r\n/);
  socket.write(Buffer.from([0x81, 0x80, 1, 2, 3, 4]));
  await expect.poll(() => gateway.received().toString("hex")).toBe("818001020304");
  const proto = gateway.requests.map(
    ({ headers }) => headers.find(([name]) => name === "x-forwarded-proto")?.[1],
  );
  expect(proto).toEqual(["https", "https"]);
});

it("follows its certificate's files", async () => {
  const { door, tls } = await start();
  writeFileSync(tls.certificate, next.cert);
  writeFileSync(tls.key, next.key);
  await expect
    .poll(
      async () => {
        const { socket } = await exchange(door, head("GET /healthz HTTP/1.1", `Host: ${door.host}`), (text) =>
          text.endsWith("}"),
        );
        return socket.getPeerCertificate().fingerprint256.replaceAll(":", "").toLowerCase();
      },
      { timeout: 10_000 },
    )
    .toBe(next.fingerprint);
});

it("does not start with a certificate that cannot be used, and leaves nothing open", async () => {
  const folder = folderWith({ cert: own.cert });
  const tls = { certificate: join(folder, "cert"), key: join(folder, "key") };
  const gateways = { cloud: { endpoints: { "cloud-1": "http://127.0.0.1:1" } } };
  await expect(startTestFrontDoor({ gateways, config: { tls } })).rejects.toThrow(
    new ConfigError([
      {
        source: tls.key,
        path: "tls.key",
        found: "no file",
        expected:
          "a PEM file of the certificate's private key, without a passphrase, that this process may read: put it there, or correct the path",
      },
    ]),
  );
});
