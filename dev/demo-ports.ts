// The ports of the demonstration, each with the option that changes it.
import { createServer } from "node:net";
import { ConfigError, type ConfigIssue } from "../core/config-error.ts";

export const DEMO_PORTS = {
  port: { option: "--port", default: 8080, what: "front door" },
  privatePort: { option: "--private-port", default: 9464, what: "front door, private listener" },
  providerPort: { option: "--provider-port", default: 8081, what: "OpenID provider" },
  provider2Port: {
    option: "--provider-2-port",
    default: 8082,
    what: "OpenID provider of Partner Ltd, with --providers 2",
  },
  cloud1Port: { option: "--cloud-1-port", default: 18789, what: "gateway cloud/cloud-1" },
  cloud2Port: { option: "--cloud-2-port", default: 18791, what: "gateway cloud/cloud-2" },
  berlin1Port: { option: "--berlin-1-port", default: 18790, what: "gateway berlin/berlin-1" },
} as const;

export type DemoPorts = Readonly<Record<keyof typeof DEMO_PORTS, number>>;

/** How many companies' people can sign in, each company's at a provider of its own. */
export type ProviderCount = 1 | 2;

/** Throws one {@link ConfigError} that names every port that is needed and cannot be listened on, with its option. */
export async function checkDemoPorts(ports: DemoPorts, providers: ProviderCount): Promise<void> {
  const issues: ConfigIssue[] = [];
  for (const [key, { option, what }] of Object.entries(DEMO_PORTS)) {
    if (key === "provider2Port" && providers === 1) continue;
    const port = ports[key as keyof DemoPorts];
    const fault = await listenFault(port);
    if (fault === undefined) continue;
    issues.push({
      source: what,
      path: option,
      found: `port ${port}, which cannot be listened on (${fault})`,
      expected: `a free port: end what uses ${port}, or start with ${option} <another port>`,
    });
  }
  if (issues.length > 0) throw new ConfigError(issues);
}

function listenFault(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", (error: NodeJS.ErrnoException) =>
      resolve(error.code === "EADDRINUSE" ? "in use" : (error.code ?? error.message)),
    );
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(undefined)));
  });
}
