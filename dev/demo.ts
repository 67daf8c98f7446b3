// The demonstration: provider or providers, front door and three gateways in one process, from the configuration files in
// dev/config/. It composes and does nothing itself; each part is the one that runs in production.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { configurationFiles } from "../config/configuration-files.ts";
import { loadFrontDoor, loadGateway } from "../config/load.ts";
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import { type RunningGateway, startGateway } from "../gateway/main.ts";
import { type RunningFrontDoor, startFrontDoor } from "../proxy/main.ts";
import { openEmbeddedStore } from "../store/embedded.ts";
import type { DemoPorts, ProviderCount } from "./demo-ports.ts";
import { startDemoProviders } from "./demo-providers.ts";
import { openDemoSecrets } from "./demo-secrets.ts";

/** Of the folder of configuration files: those that are others with two providers. */
export const TWO_PROVIDERS = "two-providers";

export type DemoOptions = {
  readonly providers: ProviderCount;
  readonly ports: DemoPorts;
  /** Everything the demonstration keeps. */
  readonly data: string;
  /** Folder of the demonstration's configuration files. */
  readonly configFolder: string;
  /** Folder of the built pages. */
  readonly webFolder: string;
  /** With it the agents answer through the Claude API. */
  readonly anthropicApiKey: string | undefined;
  readonly version: string;
  readonly clock: Clock;
  readonly logFor: (part: string) => Log;
};

export type RunningDemo = {
  readonly publicUrl: string;
  readonly issuer: string;
  /** Null where there is one provider alone. */
  readonly partnerIssuer: string | null;
  readonly frontDoor: RunningFrontDoor;
  readonly gateways: readonly RunningGateway[];
  close(): Promise<void>;
};

export async function startDemo(options: DemoOptions): Promise<RunningDemo> {
  const { providers, ports, data, clock, logFor, configFolder } = options;
  const secrets = openDemoSecrets(join(data, "secrets"));
  const publicUrl = `http://localhost:${ports.port}`;
  const closers: (() => Promise<void>)[] = [];
  const close = async () => {
    for (const end of closers.reverse()) await end();
  };

  try {
    const { issuer, partnerIssuer, ...running } = await startDemoProviders({
      providers,
      ports,
      publicUrl,
      secrets,
      clock,
      log: logFor("provider"),
    });
    closers.push(running.close);

    const doorData = join(data, "front-door");
    const configPath = join(configFolder, providers === 2 ? TWO_PROVIDERS : ".", "front-door.json5");
    const env = {
      DEMO_PUBLIC_URL: publicUrl,
      DEMO_ISSUER: issuer,
      DEMO_CLIENT_SECRET: secrets.clientSecret,
      DEMO_PARTNER_ISSUER: partnerIssuer ?? undefined,
      DEMO_PARTNER_CLIENT_SECRET: secrets.partnerClientSecret,
      DEMO_CLOUD_1_PORT: String(ports.cloud1Port),
      DEMO_CLOUD_2_PORT: String(ports.cloud2Port),
      DEMO_BERLIN_1_PORT: String(ports.berlin1Port),
      GATEHOUSE_ENCRYPTION_KEY_FILE: secrets.encryptionKeyFile,
      GATEHOUSE_LISTEN_PORT: String(ports.port),
      GATEHOUSE_PRIVATE_LISTEN_PORT: String(ports.privatePort),
      GATEHOUSE_DATA: doorData,
      // Provider and gateways share its process: that it is busy for a moment is no reason to turn anybody away.
      GATEHOUSE_LIMITS_LOOP_DELAY: "30s",
    };
    const loaded = loadFrontDoor(configPath, env);
    mkdirSync(doorData, { recursive: true, mode: 0o700 });
    const log = logFor("front-door");
    const store = await openEmbeddedStore({ folder: join(doorData, "store"), clock, log });
    closers.push(() => store.close());
    const frontDoor = await startFrontDoor({
      config: loaded.config,
      files: configurationFiles(configPath, env, loaded),
      store,
      webFolder: options.webFolder,
      clock,
      log,
    });
    closers.push(frontDoor.close);

    const gateways = await Promise.all(
      [
        { gateway: "cloud", endpoint: "cloud-1", port: ports.cloud1Port },
        { gateway: "cloud", endpoint: "cloud-2", port: ports.cloud2Port },
        { gateway: "berlin", endpoint: "berlin-1", port: ports.berlin1Port },
      ].map(async ({ gateway, endpoint, port }) => {
        const config = loadGateway(join(configFolder, "gateway.json5"), {
          DEMO_GATEWAY: gateway,
          DEMO_ENDPOINT: endpoint,
          DEMO_TRUST: frontDoor.trustThumbprint,
          DEMO_KEY_SET: join(doorData, "key-set.jwt"),
          GATEHOUSE_GATEWAY_PORT: String(port),
          GATEHOUSE_DATA: join(data, endpoint),
          ANTHROPIC_API_KEY: options.anthropicApiKey,
        });
        const running = await startGateway(config, {
          clock,
          log: logFor(`gateway ${gateway}/${endpoint}`),
          version: options.version,
        });
        closers.push(() => running.close());
        return running;
      }),
    );
    return { publicUrl, issuer, partnerIssuer, frontDoor, gateways, close };
  } catch (error) {
    await close();
    throw error;
  }
}
