// A valid configuration in a temporary folder, of which each test changes what it is about.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { ConfigError, type ConfigIssue } from "../../core/config-error.ts";

export const FRONT_DOOR = {
  publicUrl: "https://agents.example.com",
  encryptionKey: "0f".repeat(32),
  policy: { access: "access.json5", routes: "routes.json5" },
  providers: {
    okta: {
      name: "Okta",
      issuer: "https://login.example.com/",
      clientId: "gatehouse",
      clientSecret: "correct horse",
    },
  },
};

export const ACCESS = {
  agents: { assistant: { name: "Assistant" }, coder: { name: "Coder" } },
  groups: { engineering: { agents: ["assistant", "coder"] } },
};

export const ROUTES = {
  gateways: { cloud: { endpoints: { "cloud-1": "https://10.0.1.10:18789" } } },
  routes: [{ to: "cloud" }],
};

export const GATEWAY = {
  gateway: {
    id: "cloud",
    endpoint: "cloud-1",
    auth: { trust: "t".repeat(43), keySet: "keys/set.jws" },
  },
  agents: { entries: { assistant: { name: "Assistant" } } },
};

/** `${NAME}`, as a configuration file says it. */
export function reference(name: string): string {
  return `\${${name}}`;
}

/** Text is written as it is, anything else as JSON. Returns the folder, which is gone after the test. */
export function folderWith(files: Readonly<Record<string, unknown>>): string {
  const folder = mkdtempSync(join(tmpdir(), "gatehouse-config-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [name, content] of Object.entries(files)) {
    const isText = typeof content === "string" || Buffer.isBuffer(content);
    writeFileSync(join(folder, name), isText ? content : JSON.stringify(content));
  }
  return folder;
}

/** A front door's three files; a file left out is the valid one. Returns the path of front-door.json5. */
export function frontDoorWith(
  files: { frontDoor?: unknown; access?: unknown; routes?: unknown; more?: Record<string, unknown> } = {},
): string {
  const { frontDoor = FRONT_DOOR, access = ACCESS, routes = ROUTES, more = {} } = files;
  const folder = folderWith({
    "front-door.json5": frontDoor,
    "access.json5": access,
    "routes.json5": routes,
    ...more,
  });
  return join(folder, "front-door.json5");
}

/** The issues that loading throws, with file names instead of the temporary folder's paths; none if it does not. */
export function issuesOf(load: () => unknown): ConfigIssue[] {
  try {
    load();
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.issues.map((issue) => ({ ...issue, source: issue.source.replace(/^.*\//, "") }));
  }
}

/** The same, as `source path` lines: for tests whose point is which faults there are, not their words. */
export function placesOf(load: () => unknown): string[] {
  return issuesOf(load).map(({ source, path }) => `${source} ${path}`);
}
