// A front door and a gateway behind real nginx, in either form: everything between a client and the gateway is real.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, vi } from "vitest";
import { gatewaySchema } from "../../config/gateway.ts";
import { systemClock } from "../../core/clock.ts";
import { createLog } from "../../core/log.ts";
import { type RunningGateway, startGateway } from "../../gateway/main.ts";
import { createTestCa, type TestCa } from "./certificates.ts";
import { freePort } from "./free-port.ts";
import {
  ALICE,
  type AuditLine,
  type FrontDoorFixture,
  type FrontDoorOptions,
  startTestFrontDoor,
} from "./front-door-fixture.ts";
import { type NginxForm, type NginxOptions, type RunningNginx, startNginx } from "./nginx.ts";
import { head, rawExchange } from "./raw-client.ts";
import { type RecordingProxy, startRecordingProxy } from "./recording-proxy.ts";

export type BehindNginx = {
  readonly door: FrontDoorFixture;
  readonly gateway: RunningGateway;
  /** Between nginx or the front door, and the gateway. */
  readonly between: RecordingProxy;
  readonly nginx: RunningNginx;
  readonly ca: TestCa;
  readonly tlsPort: number;
  gatewayAudit(kind: AuditLine["kind"]): Promise<AuditLine[]>;
  close(): Promise<void>;
};

export type BehindNginxOptions = {
  readonly form: NginxForm;
  readonly leaseMs?: number;
  readonly issuer?: string;
  /** To `gateway` in the gateway's configuration. */
  readonly gateway?: Record<string, unknown>;
  readonly door?: Partial<FrontDoorOptions>;
  readonly tlsPort?: number;
  readonly changes?: NginxOptions["changes"];
};

const WITHIN = { timeout: 20_000, interval: 20 };

export async function startBehindNginx(options: BehindNginxOptions): Promise<BehindNginx> {
  const folder = await mkdtemp(join(tmpdir(), "gatehouse-behind-nginx-"));
  const tlsPort = options.tlsPort ?? (await freePort());
  const gatewayPort = await freePort();
  const ca = await createTestCa();
  const between = await startRecordingProxy(gatewayPort);
  const door = await startTestFrontDoor({
    gateways: { cloud: { endpoints: { "cloud-1": `http://127.0.0.1:${between.port}` } } },
    ...(options.issuer === undefined ? {} : { issuer: options.issuer }),
    ...options.door,
    config: {
      publicUrl: `https://localhost:${tlsPort}`,
      privateListen: { port: await freePort() },
      trustedProxies: ["127.0.0.1"],
      control: { lease: `${options.leaseMs ?? 60_000}ms` },
    },
  });
  const gateway = await startGateway(
    gatewaySchema.parse({
      gateway: {
        id: "cloud",
        endpoint: "cloud-1",
        port: gatewayPort,
        auth: { trust: door.running.trustThumbprint },
        ...options.gateway,
      },
      agents: { entries: { assistant: { name: "Assistant" }, coder: { name: "Coder" } } },
      data: join(folder, "gateway"),
    }),
    { clock: systemClock, log: createLog("gateway", "silent"), version: "0.0.0-test" },
  );
  const nginx = await startNginx({
    form: options.form,
    tlsPort,
    certificate: await ca.issue(),
    doorPort: door.port,
    privatePort: door.running.privatePort,
    ...(options.changes === undefined ? {} : { changes: options.changes }),
  });

  async function gatewayAudit(kind: AuditLine["kind"]): Promise<AuditLine[]> {
    const text = await readFile(join(folder, "gateway", "audit.jsonl"), "utf8").catch(() => "");
    const lines = text.split("\n").filter((line) => line !== "");
    return lines.map((line) => JSON.parse(line) as AuditLine).filter((line) => line.kind === kind);
  }

  // Both know of each other: the control channel is open, and the door has seen that the gateway answers.
  const cookie = await door.signIn(ALICE);
  await vi.waitFor(async () => {
    expect(await gatewayAudit("control_channel")).not.toEqual([]);
    const lines = ["GET /agents/coder/whoami HTTP/1.1", `Host: ${door.host}`, `Cookie: ${cookie}`];
    expect((await rawExchange(door.port, head(...lines, "Connection: close"))).status).toBe(200);
  }, WITHIN);
  const askedBefore = between.heads().length;

  return {
    door,
    gateway,
    between: { ...between, heads: () => between.heads().slice(askedBefore) },
    nginx,
    ca,
    tlsPort,
    gatewayAudit,
    async close() {
      await nginx.close();
      await gateway.close();
      await door.close();
      await between.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
