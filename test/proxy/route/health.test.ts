import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished, test } from "vitest";
import { endpointId } from "../../../config/field-values.ts";
import type { Endpoint } from "../../../config/routes.ts";
import type { Log } from "../../../core/log.ts";
import { createHealth, type Health } from "../../../proxy/route/health.ts";
import { createManualClock, type ManualClock } from "../../support/manual-clock.ts";
import { NOW } from "../../support/provider-fixture.ts";
import { tableOf } from "../policy-fixture.ts";

type Fixture = {
  readonly endpoint: Endpoint;
  readonly health: Health;
  readonly clock: ManualClock;
  /** `warn gateway endpoint is down` */
  readonly logged: string[];
  readonly server: Server;
  /** Lets the time of the next round come and waits until the probe's state was noted. */
  round(): Promise<void>;
};

/** A gateway that answers as told, and the health of its one endpoint. */
async function watch(answer: RequestListener): Promise<Fixture> {
  const server = createServer(answer);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const endpoint = { id: endpointId.parse("cloud-1"), url };
  const table = tableOf({ gateways: { cloud: { endpoints: { "cloud-1": url } } }, routes: [] });
  const manual = createManualClock(NOW);
  const logged: string[] = [];
  let armed = () => {};
  // A round is over when the next one is set.
  const clock: ManualClock = {
    ...manual,
    after(delayMs, action) {
      const cancel = manual.after(delayMs, action);
      armed();
      return cancel;
    },
  };
  const note = (level: string) => (_facts: unknown, words?: string) => void logged.push(`${level} ${words}`);
  const log = {
    debug: note("debug"),
    info: note("info"),
    warn: note("warn"),
    error: note("error"),
    fatal: note("fatal"),
  };
  const health = createHealth({ table: () => table, clock, log: log as unknown as Log });
  onTestFinished(async () => {
    await health.close();
    server.closeAllConnections();
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  });
  return {
    endpoint,
    health,
    clock,
    logged,
    server,
    async round() {
      const over = new Promise<void>((resolve) => {
        armed = resolve;
      });
      clock.advance(5_000);
      await over;
    },
  };
}

describe("an endpoint's health", () => {
  it("is up until it was asked, and the first question waits a moment", async () => {
    const asked: string[] = [];
    const { health, endpoint, clock } = await watch((incoming, response) => {
      asked.push(`${incoming.method} ${incoming.url}`);
      response.end();
    });
    clock.advance(999);
    expect(health.stateOf(endpoint)).toBe("up");
    expect(asked).toEqual([]);
  });

  it("is asked every five seconds at GET /health, and stays quiet while all is well", async () => {
    const asked: string[] = [];
    const { health, endpoint, logged, round } = await watch((incoming, response) => {
      asked.push(`${incoming.method} ${incoming.url}`);
      response.end();
    });
    await round();
    await round();
    expect(asked).toEqual(["GET /health", "GET /health"]);
    expect(health.stateOf(endpoint)).toBe("up");
    expect(logged).toEqual([]);
  });

  test.each([503, 500, 404, 204, 302])("is down when the answer is %d", async (status) => {
    const { health, endpoint, round } = await watch((_incoming, response) => {
      response.writeHead(status, { location: "/elsewhere" }).end();
    });
    await round();
    expect(health.stateOf(endpoint)).toBe("down");
  });

  it("is down when the answer breaks off", async () => {
    const { health, endpoint, round } = await watch((_incoming, response) => {
      response.writeHead(200, { "content-length": "100" });
      response.write("half");
      response.socket?.resetAndDestroy();
    });
    await round();
    expect(health.stateOf(endpoint)).toBe("down");
  });

  it("is down when nobody listens, and logged once for each change", async () => {
    let status = 500;
    const { health, endpoint, logged, round, server } = await watch((_incoming, response) => {
      response.writeHead(status, { connection: "close" }).end();
    });
    await round();
    await round();
    status = 200;
    await round();
    expect(health.stateOf(endpoint)).toBe("up");
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await round();
    expect(health.stateOf(endpoint)).toBe("down");
    expect(logged).toEqual([
      "warn gateway endpoint is down",
      "info gateway endpoint is up again",
      "warn gateway endpoint is down",
    ]);
  });

  it("is what the forwarding stage says, until the next round says otherwise", async () => {
    const { health, endpoint, logged, round } = await watch((_incoming, response) => void response.end());
    health.report(endpoint, "down");
    expect(health.stateOf(endpoint)).toBe("down");
    await round();
    expect(health.stateOf(endpoint)).toBe("up");
    expect(logged).toEqual(["warn gateway endpoint is down", "info gateway endpoint is up again"]);
  });

  it("has a reason while it is down, which is logged when it becomes another one", async () => {
    let status = 500;
    const { health, endpoint, logged, round, server } = await watch((_incoming, response) => {
      response.writeHead(status, { connection: "close" }).end();
    });
    await round();
    expect(health.faultOf(endpoint)).toBe("status 500");
    // Whoever only noticed it takes no reason away.
    health.report(endpoint, "down");
    expect(health.faultOf(endpoint)).toBe("status 500");
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await round();
    expect(health.faultOf(endpoint)).toBe("ECONNREFUSED");
    expect(logged).toEqual(["warn gateway endpoint is down", "warn gateway endpoint is down"]);
    status = 200;
    health.report(endpoint, "up");
    expect(health.faultOf(endpoint)).toBeUndefined();
  });

  it("is another endpoint's when another certificate is pinned", async () => {
    const { health, endpoint, round } = await watch((_incoming, response) => void response.end());
    const pinned = { ...endpoint, fingerprint: "ab".repeat(32) };
    health.report(pinned, "down", "certificate is not the pinned one");
    await round();
    expect([health.stateOf(endpoint), health.stateOf(pinned)]).toEqual(["up", "down"]);
  });

  it("is not asked after closing, and a question cut short by closing is no answer", async () => {
    let asked = () => {};
    const question = new Promise<void>((resolve) => {
      asked = resolve;
    });
    const { health, endpoint, clock, logged } = await watch(() => asked());
    clock.advance(1_000);
    await question;
    await health.close();
    clock.advance(60_000);
    expect(health.stateOf(endpoint)).toBe("up");
    expect(logged).toEqual([]);
  });
});
