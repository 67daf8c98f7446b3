// The whole demonstration on free ports: real provider, real front door, real gateways.
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../core/clock.ts";
import { createLog, type Log } from "../../core/log.ts";
import { type RunningDemo, startDemo } from "../../dev/demo.ts";
import type { DemoPorts, ProviderCount } from "../../dev/demo-ports.ts";
import { freePort } from "./free-port.ts";

export type DemoFixture = {
  readonly demo: RunningDemo;
  readonly ports: DemoPorts;
  readonly data: string;
  /** A copy of the demonstration's configuration files, for a test to edit. */
  readonly configFolder: string;
  /** Starts it again on the same ports and data. */
  restart(): Promise<void>;
  close(): Promise<void>;
};

export async function startTestDemo(
  logFor: (part: string) => Log = (part) => createLog(part, "silent"),
  providers: ProviderCount = 1,
): Promise<DemoFixture> {
  const data = await mkdtemp(join(tmpdir(), "gatehouse-demo-"));
  const ports: DemoPorts = {
    port: await freePort(),
    privatePort: await freePort(),
    providerPort: await freePort(),
    provider2Port: await freePort(),
    cloud1Port: await freePort(),
    cloud2Port: await freePort(),
    berlin1Port: await freePort(),
  };
  const root = new URL("../../", import.meta.url).pathname;
  const configFolder = join(data, "config");
  await cp(join(root, "dev", "config"), configFolder, { recursive: true });
  const start = () =>
    startDemo({
      providers,
      ports,
      data,
      configFolder,
      webFolder: join(root, "dist", "web"),
      anthropicApiKey: undefined,
      version: "0.0.0-test",
      clock: systemClock,
      logFor,
    });
  let demo = await start();
  return {
    get demo() {
      return demo;
    },
    ports,
    data,
    configFolder,
    async restart() {
      await demo.close();
      demo = await start();
    },
    async close() {
      await demo.close();
      await rm(data, { recursive: true, force: true });
    },
  };
}
