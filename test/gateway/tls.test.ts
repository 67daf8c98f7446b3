// A gateway that speaks TLS itself, such as a box in an office.
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "node:tls";
import { beforeAll, expect, it, onTestFinished } from "vitest";
import { WebSocket } from "ws";
import { ConfigError } from "../../core/config-error.ts";
import { folderWith } from "../config/config-folder.ts";
import { selfSigned, type TestCertificate } from "../support/certificates.ts";
import { ask, startTestGateway } from "../support/gateway-fixture.ts";

let own: TestCertificate;
let next: TestCertificate;
beforeAll(async () => {
  own = await selfSigned();
  next = await selfSigned();
});

async function start() {
  const folder = folderWith({ cert: own.cert, key: own.key });
  const tls = { certificate: join(folder, "cert"), key: join(folder, "key") };
  const gateway = await startTestGateway({ gateway: { tls } });
  onTestFinished(() => gateway.dispose());
  return { gateway, tls };
}

async function shownBy(port: number): Promise<string> {
  const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false });
  onTestFinished(() => void socket.destroy());
  await once(socket, "secureConnect");
  return socket.getPeerCertificate().fingerprint256.replaceAll(":", "").toLowerCase();
}

it("admits over it as over plain http, says its fingerprint in the log, and answers plain http nothing", async () => {
  const { gateway } = await start();
  const { url, port } = gateway.running;
  expect(url).toBe(`https://127.0.0.1:${port}`);
  expect(gateway.logged()).toContainEqual(
    expect.objectContaining({ msg: "the gateway listens", url, fingerprint: own.fingerprint }),
  );
  const headers = { "x-gateway-assertion": gateway.door.assertion() };
  const socket = new WebSocket(`${url.replace("http", "ws")}/ws`, { headers, ca: own.cert });
  onTestFinished(() => socket.terminate());
  expect(JSON.parse(String((await once(socket, "message"))[0]))).toMatchObject({
    event: "connect.challenge",
  });
  await expect(ask(`http://127.0.0.1:${port}/health`)).rejects.toThrow();
  expect(await shownBy(port)).toBe(own.fingerprint);
});

it("follows its certificate's files", async () => {
  const { gateway, tls } = await start();
  writeFileSync(tls.certificate, next.cert);
  writeFileSync(tls.key, next.key);
  gateway.clock.advance(2_000);
  gateway.clock.advance(100);
  await expect.poll(() => shownBy(gateway.running.port)).toBe(next.fingerprint);
});

it("does not start with a certificate that cannot be used", async () => {
  const folder = folderWith({ cert: own.cert, key: next.key });
  const tls = { certificate: join(folder, "cert"), key: join(folder, "key") };
  await expect(startTestGateway({ gateway: { tls } })).rejects.toThrow(
    new ConfigError([
      {
        source: tls.key,
        path: "gateway.tls.key",
        found: "another certificate's key",
        expected: `the private key that ${tls.certificate} was issued for; it must be the first certificate in its file`,
      },
    ]),
  );
});
