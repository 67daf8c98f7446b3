import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../core/clock.ts";
import { createLog } from "../../core/log.ts";
import { createPrivateServer } from "../../proxy/private-server.ts";
import type { Verify } from "../../proxy/verify/verify.ts";
import { head, rawExchange } from "../support/raw-client.ts";

const CHECKS = { provider: "up", audit: "ok" };
const METRICS = { contentType: "text/plain; version=0.0.4", expose: async () => "gatehouse_up 1\n" };

const VERIFIED: Verify = async (asked, answer) => {
  answer.writeHead(200, []);
  answer.end(JSON.stringify({ asked: asked.method }));
};

async function ask(line: string, host = "127.0.0.1:9464", ready = true, verify = VERIFIED) {
  const server = createPrivateServer({
    readiness: () => ({ ready, checks: CHECKS }),
    metrics: METRICS,
    verify,
    clock: systemClock,
    log: createLog("front-door", "silent"),
  });
  onTestFinished(() => void server.close());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const { status, body } = await rawExchange(
    port,
    head(line, `Host: ${host}`, "Connection: close"),
    () => false,
  );
  return [
    status,
    body.includes("{") ? JSON.parse(body.slice(body.indexOf("{"), body.lastIndexOf("}") + 1)) : body,
  ];
}

test("liveness is answered without a look at anything", async () => {
  expect(await ask("GET /healthz HTTP/1.1", undefined, false)).toEqual([200, { status: "ok" }]);
});

test("readiness says what is wrong", async () => {
  expect(await ask("GET /readyz HTTP/1.1")).toEqual([200, { ready: true, checks: CHECKS }]);
  expect(await ask("GET /readyz?verbose HTTP/1.1", undefined, false)).toEqual([
    503,
    { ready: false, checks: CHECKS },
  ]);
});

test.each(["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:9464", "metrics.local", ""])(
  "a page that came here by the name %j gets nothing (S129)",
  async (host) => {
    expect(await ask("GET /readyz HTTP/1.1", host)).toEqual([403, { error: "ask by address" }]);
  },
);

test.each(["localhost", "127.0.0.1", "[::1]:9464", "10.0.0.5:9464", "[fd00::5]"])(
  "%s is an address",
  async (host) => {
    expect((await ask("GET /healthz HTTP/1.1", host))[0]).toBe(200);
  },
);

test("metrics are answered as they are exposed", async () => {
  expect((await ask("GET /metrics HTTP/1.1"))[1]).toContain("gatehouse_up 1\n");
});

test("nothing else is here", async () => {
  expect(await ask("GET /config HTTP/1.1")).toEqual([404, { error: "not found" }]);
  expect(await ask("POST /healthz HTTP/1.1")).toEqual([405, { error: "GET only" }]);
});

test("a proxy's question is handed on, by whatever method it comes", async () => {
  for (const method of ["GET", "POST", "DELETE"])
    expect(await ask(`${method} /auth/verify?/agents/coder/ws HTTP/1.1`)).toEqual([200, { asked: method }]);
});
