// A real front door on free ports, with a store in memory and gateways of the test's choice. Sessions can be made
// without a provider, so that a test about forwarding need not sign in.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { z } from "zod";
import { accessSchema } from "../../config/access.ts";
import { frontDoorSchema } from "../../config/front-door.ts";
import { accessPolicyOf, routingTableOf } from "../../config/policy.ts";
import { routesSchema } from "../../config/routes.ts";
import type { AuditEvent } from "../../core/audit.ts";
import { type Clock, systemClock } from "../../core/clock.ts";
import { newSessionHandle, type SessionHandle, userIdOf } from "../../core/ids.ts";
import { createLog } from "../../core/log.ts";
import { createSessions } from "../../proxy/identify/sessions.ts";
import { type RunningFrontDoor, startFrontDoor } from "../../proxy/main.ts";
import { createMemoryStore, type MemoryStore } from "./memory-store.ts";

export const ISSUER = "http://localhost:1";
export const ENCRYPTION_KEY = Buffer.alloc(32, 7);

export type TestPerson = {
  readonly subject: string;
  readonly email: string | null;
  readonly name: string | null;
  readonly groups: readonly string[];
};

export const ALICE: TestPerson = {
  subject: "alice",
  email: "alice@example.com",
  name: "Alice Archer",
  groups: ["engineering"],
};
export const BOB: TestPerson = {
  subject: "bob",
  email: "bob@example.com",
  name: "Bob Baker",
  groups: ["finance"],
};
export const EVE: TestPerson = {
  subject: "eve",
  email: "eve@example.com",
  name: "Eve",
  groups: ["engineering"],
};

export const ACCESS = {
  agents: { assistant: { name: "Assistant" }, coder: { name: "Coder" }, analyst: { name: "Analyst" } },
  groups: {
    engineering: { agents: ["assistant", "coder"] },
    finance: { agents: ["assistant", "analyst"] },
  },
  users: { "eve@example.com": { deny: true } },
};

export type FrontDoorFixture = {
  readonly running: RunningFrontDoor;
  readonly port: number;
  /** `localhost:<port>` */
  readonly host: string;
  readonly publicUrl: string;
  readonly store: MemoryStore;
  readonly data: string;
  /** Makes a session as a login would; the text is a `Cookie` value. */
  signIn(person: TestPerson): Promise<string>;
  auditLines(): Promise<(AuditEvent & { time: string })[]>;
  close(): Promise<void>;
};

export type FrontDoorOptions = {
  /** Endpoint URLs by gateway and endpoint id. */
  readonly gateways: Readonly<Record<string, z.input<typeof routesSchema>["gateways"][string]>>;
  readonly routes?: z.input<typeof routesSchema>["routes"];
  readonly access?: z.input<typeof accessSchema>;
  readonly config?: Partial<z.input<typeof frontDoorSchema>>;
  readonly issuer?: string;
  readonly clock?: Clock;
};

export async function startTestFrontDoor(options: FrontDoorOptions): Promise<FrontDoorFixture> {
  const data = await mkdtemp(join(tmpdir(), "gatehouse-door-"));
  const clock = options.clock ?? systemClock;
  const port = await freePort();
  const publicUrl = `http://localhost:${port}`;
  const issuer = options.issuer ?? ISSUER;
  const config = frontDoorSchema.parse({
    publicUrl,
    listen: { port },
    privateListen: { port: 0 },
    data,
    encryptionKey: ENCRYPTION_KEY.toString("hex"),
    policy: { access: "access.json5", routes: "routes.json5" },
    provider: {
      name: "Example SSO",
      issuer,
      clientId: "gatehouse",
      clientSecret: "a-client-secret",
      bearer: { audience: "urn:gatehouse" },
    },
    contact: "it@example.com",
    ...options.config,
  });
  const gatewayIds = Object.keys(options.gateways);
  const routes = options.routes ?? [{ to: gatewayIds[0] ?? "" }];
  const store = createMemoryStore(clock);
  const running = await startFrontDoor({
    config,
    access: accessPolicyOf(accessSchema.parse(options.access ?? ACCESS)),
    routing: routingTableOf(routesSchema.parse({ gateways: options.gateways, routes })),
    store,
    webFolder: new URL("../../dist/web", import.meta.url).pathname,
    clock,
    log: createLog("front-door", "silent"),
  });
  const sessions = createSessions({
    store,
    clock,
    encryptionKey: ENCRYPTION_KEY,
    rules: { absoluteMs: config.session.absolute, idleMs: config.session.idle },
  });

  return {
    running,
    port,
    host: `localhost:${port}`,
    publicUrl,
    store,
    data,
    async signIn(person) {
      const handle: SessionHandle = newSessionHandle();
      const { subject, email, name, groups } = person;
      const userId = userIdOf(issuer, subject);
      await sessions.create(
        handle,
        { userId, issuer, email, emailTrusted: true, name, groups },
        "not-an-id-token",
      );
      return `gatehouse=${handle}`;
    },
    async auditLines() {
      const text = await readFile(join(data, "audit.jsonl"), "utf8").catch(() => "");
      return text
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line));
    },
    async close() {
      await running.close();
      await rm(data, { recursive: true, force: true });
    },
  };
}

/** A port that was free a moment ago: the door's own address is part of its configuration. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}
