// A real front door on free ports, with a store in memory and gateways of the test's choice. Sessions can be made
// without a provider, so that a test about forwarding need not sign in.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { z } from "zod";
import type { accessSchema } from "../../config/access.ts";
import { frontDoorSchema } from "../../config/front-door.ts";
import { policyOfTexts } from "../../config/policy-files.ts";
import type { routesSchema } from "../../config/routes.ts";
import type { AuditEvent } from "../../core/audit.ts";
import { type Clock, systemClock } from "../../core/clock.ts";
import { newSessionHandle, type SessionHandle, userIdOf } from "../../core/ids.ts";
import { createLog, type Log } from "../../core/log.ts";
import { ok } from "../../core/result.ts";
import type { Store } from "../../core/store.ts";
import { createSessionEndings } from "../../proxy/identify/session-endings.ts";
import { createSessions } from "../../proxy/identify/sessions.ts";
import { type RunningFrontDoor, startFrontDoor } from "../../proxy/main.ts";
import { sessionCookieName } from "../../proxy/request/cookie.ts";
import { createSessionIndex } from "../../token-exchange/session-index.ts";
import { freePort } from "./free-port.ts";
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

export type AuditLine = AuditEvent & { readonly time: string };

export type FrontDoorFixture = {
  readonly running: RunningFrontDoor;
  readonly port: number;
  /** Of its public URL: `localhost:<port>` unless the test says otherwise. */
  readonly host: string;
  readonly publicUrl: string;
  readonly store: MemoryStore;
  readonly data: string;
  /** Makes a session as a login would; the text is a `Cookie` value. */
  signIn(person: TestPerson): Promise<string>;
  /** Ends all sessions of the person, as signing out does. */
  signOut(person: TestPerson): Promise<void>;
  /** Lines already on disk; writing is queued, so the newest may be missing. */
  auditLines(): Promise<AuditLine[]>;
  /** Edits IT's or ops's file and has the door read them. */
  editPolicy(edit: PolicyEdit): Promise<void>;
  /**
   * Another door on the same public port, data and store.
   * @param edit of IT's or ops's file, while there is none
   * @param changes of the door's own file
   */
  restart(edit?: PolicyEdit, changes?: FrontDoorOptions["config"]): Promise<void>;
  /** Closes the door, and answers every line it wrote. */
  closeAndReadAudit(): Promise<AuditLine[]>;
  close(): Promise<void>;
};

export type PolicyEdit = {
  readonly access?: z.input<typeof accessSchema>;
  readonly routes?: z.input<typeof routesSchema>["routes"];
};

export type FrontDoorOptions = {
  /** Endpoint URLs by gateway and endpoint id. */
  readonly gateways: Readonly<Record<string, z.input<typeof routesSchema>["gateways"][string]>>;
  readonly routes?: z.input<typeof routesSchema>["routes"];
  readonly access?: z.input<typeof accessSchema>;
  readonly config?: Partial<z.input<typeof frontDoorSchema>>;
  readonly issuer?: string;
  readonly clock?: Clock;
  readonly log?: Log;
  /** Wraps the store that the door uses, to hold or to watch what it asks for. */
  readonly wrapStore?: (store: Store) => Store;
};

export async function startTestFrontDoor(options: FrontDoorOptions): Promise<FrontDoorFixture> {
  const data = await mkdtemp(join(tmpdir(), "gatehouse-door-"));
  const clock = options.clock ?? systemClock;
  const port = await freePort();
  const scheme = options.config?.tls === undefined ? "http" : "https";
  const publicUrl = `${scheme}://localhost:${port}`;
  const issuer = options.issuer ?? ISSUER;
  const file: z.input<typeof frontDoorSchema> = {
    publicUrl,
    listen: { port },
    privateListen: { port: 0 },
    data,
    encryptionKey: ENCRYPTION_KEY.toString("hex"),
    policy: { access: "access.json5", routes: "routes.json5" },
    providers: {
      sso: {
        name: "Example SSO",
        issuer,
        clientId: "gatehouse",
        clientSecret: "a-client-secret",
        bearer: { audience: "urn:gatehouse" },
      },
    },
    contact: "it@example.com",
    drain: "0s",
    ...options.config,
    // A test that is about something else is not refused because its machine was busy for two seconds.
    limits: { loopDelay: "1h", ...options.config?.limits },
  };
  let config = frontDoorSchema.parse(file);
  const gatewayIds = Object.keys(options.gateways);
  let edited: Required<PolicyEdit> = {
    access: options.access ?? ACCESS,
    routes: options.routes ?? [{ to: gatewayIds[0] ?? "" }],
  };
  const store = createMemoryStore(clock);
  const start = () =>
    startFrontDoor({
      config,
      files: {
        paths: [],
        policy() {
          const routes = { gateways: options.gateways, routes: edited.routes };
          const texts = { access: JSON.stringify(edited.access), routes: JSON.stringify(routes) };
          return { texts, ...policyOfTexts(texts) };
        },
        config: () => config,
      },
      store: options.wrapStore?.(store) ?? store,
      webFolder: new URL("../../dist/web", import.meta.url).pathname,
      clock,
      log: options.log ?? createLog("front-door", "silent"),
    });
  let running = await start();
  const index = createSessionIndex(store, clock.now);
  const endings = createSessionEndings(store, index);
  const sessions = createSessions({
    store,
    index,
    clock,
    encryptionKey: ENCRYPTION_KEY,
    rules: { absoluteMs: config.session.absolute, idleMs: config.session.idle },
    confirm: async (_place, record) => ok(record),
  });

  async function auditLines(): Promise<AuditLine[]> {
    const text = await readFile(join(data, "audit.jsonl"), "utf8").catch(() => "");
    return text
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line));
  }

  async function close() {
    await running.close();
    await rm(data, { recursive: true, force: true });
  }

  return {
    get running() {
      return running;
    },
    port,
    host: new URL(config.publicUrl).host,
    publicUrl: config.publicUrl,
    store,
    data,
    async signIn(person) {
      const handle: SessionHandle = newSessionHandle();
      const { subject, email, name, groups } = person;
      const userId = userIdOf(issuer, subject);
      await sessions.create(
        handle,
        { userId, issuer, email, emailVerified: true, emailTrusted: true, name, groups },
        {
          tokens: { idToken: "not-an-id-token", refreshToken: null, refreshAt: null },
          providerSid: null,
          from: { peer: "127.0.0.1", userAgent: null },
        },
        clock.now(),
      );
      return `${sessionCookieName(config.publicUrl)}=${handle}`;
    },
    async signOut({ subject }) {
      await endings.endOf(userIdOf(issuer, subject), () => true, "signed_out");
    },
    auditLines,
    async editPolicy(edit) {
      edited = { ...edited, ...edit };
      await running.reloadPolicy();
    },
    async closeAndReadAudit() {
      await running.close();
      const lines = await auditLines();
      await close();
      return lines;
    },
    async restart(edit = {}, changes = {}) {
      await running.close();
      edited = { ...edited, ...edit };
      config = frontDoorSchema.parse({ ...file, ...changes });
      running = await start();
    },
    close,
  };
}
