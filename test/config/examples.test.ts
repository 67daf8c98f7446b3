import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import JSON5 from "json5";
import { describe, expect, test } from "vitest";
import { accessSchema } from "../../config/access.ts";
import { frontDoorSchema } from "../../config/front-door.ts";
import { gatewaySchema } from "../../config/gateway.ts";
import { loadFrontDoor, loadGateway } from "../../config/load.ts";
import { routesSchema } from "../../config/routes.ts";
import { schemaKeys } from "../../config/schema-keys.ts";

const EXAMPLES = resolve("config/examples");

describe("the examples", () => {
  test("of the front door, IT's and ops's files load as they say", () => {
    const env = {
      GATEHOUSE_ENCRYPTION_KEY: "ab".repeat(32),
      OKTA_CLIENT_SECRET: "from the environment",
      PARTNER_CLIENT_SECRET: "theirs, from the environment",
    };
    const all = ["assistant", "coder", "analyst"];
    expect(loadFrontDoor(join(EXAMPLES, "front-door.json5"), env)).toEqual({
      config: {
        publicUrl: "https://agents.example.com",
        listen: { host: "127.0.0.1", port: 8080 },
        tls: { certificate: join(EXAMPLES, "tls/fullchain.pem"), key: join(EXAMPLES, "tls/key.pem") },
        privateListen: { host: "127.0.0.1", port: 9464 },
        trustedProxies: ["127.0.0.1", "::1"],
        data: join(EXAMPLES, ".gatehouse/front-door"),
        encryptionKey: Buffer.alloc(32, 0xab),
        policy: { access: join(EXAMPLES, "access.json5"), routes: join(EXAMPLES, "routes.json5") },
        providers: {
          okta: {
            name: "Okta",
            issuer: "https://example.okta.com",
            clientId: "0oa1gatehouse",
            clientSecret: "from the environment",
            scopes: ["openid", "profile", "email", "groups"],
            idTokenSigningAlg: "RS256",
            emailTrusted: false,
            emailDomains: ["example.com"],
            groups: { claim: "groups", whenMissing: "refuse", prefix: "" },
            timeout: 8_000,
            bearer: {
              audience: "https://agents.example.com",
              types: ["at+jwt"],
              algorithms: ["RS256", "ES256"],
            },
          },
          partner: {
            name: "Partner Ltd",
            issuer: "https://login.partner.example/realms/staff",
            clientId: "gatehouse",
            clientSecret: "theirs, from the environment",
            scopes: ["openid", "profile", "email"],
            idTokenSigningAlg: "RS256",
            emailTrusted: false,
            emailDomains: ["partner.example"],
            groups: { claim: "groups", whenMissing: "refuse", prefix: "partner/" },
            timeout: 8_000,
          },
        },
        session: { absolute: 43_200_000, idle: 28_800_000, providerGrace: 600_000 },
        assertion: { issuer: "gatehouse", rotateEvery: 2_592_000_000, overlap: 600_000 },
        control: { lease: 60_000 },
        audit: { onFailure: "refuse" },
        contact: "the IT help desk, help@example.com",
        limits: {
          headerBytes: 16_384,
          headerCount: 100,
          requestBodyBytes: 104_857_600,
          pageBodyBytes: 32_768,
          headersTimeout: 10_000,
          requestTimeout: 300_000,
          keepAliveTimeout: 65_000,
          pageTimeout: 60_000,
          idleTimeout: 3_600_000,
          connectTimeout: 5_000,
          answerTimeout: 30_000,
          connections: 24_000,
          connectionsPerAddress: 2_000,
          exchanges: 10_000,
          exchangesPerUser: 100,
          sockets: 20_000,
          socketsPerUser: 100,
          socketsPerAddress: 2_000,
          pendingUpgrades: 1_000,
          loopDelay: 2_000,
          failedAttemptsPerMinute: 60,
        },
        drain: 20_000,
        log: { level: "info" },
      },
      access: {
        agents: new Map([
          ["assistant", { name: "Assistant", description: "Answers questions and drafts texts." }],
          ["coder", { name: "Coder", description: "Reads and writes code." }],
          [
            "analyst",
            { name: "Analyst", description: "Works with the finance data, which stays in Berlin." },
          ],
        ]),
        groups: new Map([
          ["engineering", { agents: ["assistant", "coder"], roles: [] }],
          ["finance", { agents: ["assistant", "analyst"], roles: [] }],
          ["field", { agents: ["assistant"], roles: [] }],
          ["it", { agents: all, roles: ["it"] }],
          ["platform", { agents: [], roles: ["ops"] }],
        ]),
        userIds: new Map(),
        emails: new Map([
          ["omar@example.com", { agents: ["assistant"], roles: ["ops"], deny: false }],
          ["eve@example.com", { agents: [], roles: [], deny: true }],
        ]),
        deniesByEmail: true,
      },
      routing: {
        gateways: new Map([
          [
            "cloud",
            {
              id: "cloud",
              label: "Cloud",
              endpoints: [
                { id: "cloud-1", url: "https://cloud-1.gateways.example.com:18789" },
                { id: "cloud-2", url: "https://cloud-2.gateways.example.com:18789" },
              ],
              userHeader: "x-forwarded-user",
              sendGroups: false,
            },
          ],
          [
            "oslo",
            {
              id: "oslo",
              label: "oslo",
              endpoints: [
                {
                  id: "oslo-1",
                  url: "https://10.8.0.9:18789",
                  fingerprint: "3b7f0a9451c26ed81fa37709e45b208c96dd4a13f068bc257e913ca805ef42d6",
                },
              ],
              userHeader: undefined,
              sendGroups: false,
            },
          ],
          [
            "berlin",
            {
              id: "berlin",
              label: "Berlin office",
              endpoints: [{ id: "berlin-1", url: "http://10.8.0.7:18789" }],
              userHeader: undefined,
              sendGroups: true,
            },
          ],
        ]),
        rules: [
          { index: 0, users: undefined, groups: undefined, agents: ["analyst"], to: "berlin" },
          { index: 1, users: ["dana@example.com"], groups: undefined, agents: undefined, to: "berlin" },
          { index: 2, users: undefined, groups: ["oslo"], agents: undefined, to: "oslo" },
          { index: 3, users: undefined, groups: ["field"], agents: ["assistant"], to: "berlin" },
          { index: 4, users: undefined, groups: undefined, agents: undefined, to: "cloud" },
        ],
      },
      files: ["front-door", "access", "routes"].map((name) => join(EXAMPLES, `${name}.json5`)),
    });
  });

  test("of the gateway loads as it says", () => {
    expect(loadGateway(join(EXAMPLES, "gateway.json5"), { CLAUDE_API_KEY: "from the environment" })).toEqual({
      gateway: {
        id: "cloud",
        endpoint: "cloud-1",
        bind: "loopback",
        port: 18_789,
        tls: { certificate: join(EXAMPLES, "tls/certificate.pem"), key: join(EXAMPLES, "tls/key.pem") },
        auth: {
          mode: "assertion",
          issuer: "gatehouse",
          trust: "rPRTNB1T0rrCtMsmLYBJBbIXcqUWkrUVHEGVvDrFbB8",
          keySet: join(EXAMPLES, "key-set.jwt"),
        },
        lease: 60_000,
        heartbeat: { interval: 30_000, timeout: 10_000 },
        maxMessageSize: 26_214_400,
        concurrentConnections: 1_000,
        replayMemory: 100_000,
      },
      agents: {
        defaults: {
          model: "claude-sonnet-5-5",
          maxConcurrent: 4,
          maxQueued: 100,
          maxOutputTokens: 8_192,
        },
        entries: {
          assistant: {
            name: "Assistant",
            description: "Answers questions and drafts texts.",
            instructions: "You are a helpful assistant.",
          },
          coder: {
            name: "Coder",
            description: "Reads and writes code.",
            instructions: "You are a careful software engineer.",
            model: "claude-opus-5-5",
          },
        },
      },
      drain: 20_000,
      anthropic: {
        apiKey: "from the environment",
        baseUrl: "https://api.anthropic.com",
        timeout: 600_000,
      },
      data: join(EXAMPLES, ".gatehouse/gateway"),
      audit: { onFailure: "refuse" },
      log: { level: "info" },
    });
  });

  test.each([
    ["front-door", frontDoorSchema],
    ["access", accessSchema],
    ["routes", routesSchema],
    ["gateway", gatewaySchema],
  ])("%s.json5 has every key of its schema", (name, schema) => {
    const example: unknown = JSON5.parse(readFileSync(join(EXAMPLES, `${name}.json5`), "utf8"));
    const absent = schemaKeys(schema).filter(({ path }) => placesAt(example, path).length === 0);
    expect(absent.map(({ path }) => path.join("."))).toEqual([]);
  });
});

/** Every value at a path in which `*` stands for any key and `[]` for any item. */
function placesAt(value: unknown, path: readonly string[]): unknown[] {
  const [key, ...rest] = path;
  if (key === undefined) return [value];
  if (typeof value !== "object" || value === null) return [];
  if (key === "*" || key === "[]") return Object.values(value).flatMap((entry) => placesAt(entry, rest));
  return Object.hasOwn(value, key) ? placesAt(Reflect.get(value, key), rest) : [];
}
