// What the front door answers itself, to clients that do not go on: each has a time of its own, apart from what is
// forwarded.
import { once } from "node:events";
import { type AddressInfo, connect, type Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { limitsSchema } from "../../config/limits.ts";
import { systemClock } from "../../core/clock.ts";
import { createLog } from "../../core/log.ts";
import { type AppDeps, createApp } from "../../proxy/app.ts";
import { createHttpServer } from "../../proxy/http-server.ts";
import { ALICE, startTestFrontDoor } from "../support/front-door-fixture.ts";
import { head, rawConnect, untilClosed } from "../support/raw-client.ts";
import { startRecorder } from "../support/recorder-gateway.ts";

const log = createLog("test", "silent");

test("a client that reads nothing of a page is cut at the limit of pages", async () => {
  const limits = { ...limitsSchema.parse({ pageTimeout: "300ms" }), trustedProxies: undefined };
  const rules = {
    publicUrl: "http://localhost",
    cookieName: "gatehouse",
    headerCount: 100,
    trustedProxies: undefined,
  };
  const app = createApp({
    rules,
    pageLimits: limits,
    notNow: () => undefined,
    // More than kernels take in for a client that does not read.
    pages: (_request, _incoming, response) => void response.end(Buffer.alloc(32 * 1024 * 1024)),
  } as Partial<AppDeps> as AppDeps);
  const server = createHttpServer(app, { limits, certificate: undefined, clock: systemClock, log });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const connection = once(server, "connection") as Promise<[Socket]>;
  const client = connect((server.address() as AddressInfo).port, "127.0.0.1");
  onTestFinished(() => {
    client.destroy();
    server.close();
  });
  client.on("error", () => {}).write(head("GET / HTTP/1.1", "Host: localhost"));
  const [socket] = await connection;
  await once(socket, "close");
  expect(socket.bytesWritten).toBeGreaterThan(0);
});

test("a page that waits for its client ends at that limit; an answer of a gateway has its own", async () => {
  const gateway = await startRecorder();
  const door = await startTestFrontDoor({
    gateways: { cloud: { endpoints: { "cloud-1": gateway.url } } },
    config: { limits: { pageTimeout: "300ms" } },
  });
  onTestFinished(async () => {
    await door.close();
    await gateway.close();
  });
  const asked = new Promise<Socket>((resolve) =>
    gateway.answerWith((_request, socket) => {
      resolve(socket);
      return "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\n";
    }),
  );
  const cookie = `Cookie: ${await door.signIn(ALICE)}`;
  const request = head("GET /agents/coder/x HTTP/1.1", `Host: ${door.host}`, cookie, "Connection: close");
  const answer = untilClosed(await rawConnect(door.port, request));
  const held = await asked;
  const page = await rawConnect(
    door.port,
    head(
      "POST /auth/backchannel-logout HTTP/1.1",
      `Host: ${door.host}`,
      "Content-Type: application/x-www-form-urlencoded",
      "Content-Length: 100",
    ),
  );
  expect(await untilClosed(page)).toBe("");
  held.write("whole");
  expect(await answer).toMatch(/^HTTP\/1.1 200 OK\r\n.*whole$/s);
});
