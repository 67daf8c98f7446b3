import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { loadFrontDoor, loadGateway } from "../../config/load.ts";
import { ConfigError } from "../../core/config-error.ts";
import {
  ACCESS,
  FRONT_DOOR,
  folderWith,
  frontDoorWith,
  GATEWAY,
  issuesOf,
  placesOf,
  ROUTES,
  reference,
} from "./config-folder.ts";

const NO_ENV = {};

function gatewayWith(gateway: unknown = GATEWAY): string {
  return join(folderWith({ "gateway.json5": gateway }), "gateway.json5");
}

describe("loading the front door", () => {
  test("fills in defaults and makes every path absolute from the file's folder", () => {
    const path = frontDoorWith();
    const folder = dirname(path);
    expect(loadFrontDoor(path, NO_ENV)).toEqual({
      config: {
        publicUrl: "https://agents.example.com",
        listen: { host: "127.0.0.1", port: 8080 },
        privateListen: { host: "127.0.0.1", port: 9464 },
        trustedProxies: [],
        data: join(folder, ".gatehouse/front-door"),
        encryptionKey: Buffer.alloc(32, 0x0f),
        policy: { access: join(folder, "access.json5"), routes: join(folder, "routes.json5") },
        providers: {
          okta: {
            name: "Okta",
            // Not a byte changed: Auth0's issuers end in a slash.
            issuer: "https://login.example.com/",
            clientId: "gatehouse",
            clientSecret: "correct horse",
            scopes: ["openid", "profile", "email"],
            idTokenSigningAlg: "RS256",
            emailTrusted: false,
            groups: { claim: "groups", whenMissing: "refuse", prefix: "" },
            timeout: 8_000,
          },
        },
        session: { absolute: 43_200_000, idle: 28_800_000, providerGrace: 600_000 },
        assertion: { issuer: "gatehouse", rotateEvery: 2_592_000_000, overlap: 600_000 },
        control: { lease: 60_000 },
        audit: { onFailure: "refuse" },
        contact: "your IT department",
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
          ["assistant", { name: "Assistant", description: "" }],
          ["coder", { name: "Coder", description: "" }],
        ]),
        groups: new Map([["engineering", { agents: ["assistant", "coder"], roles: [] }]]),
        userIds: new Map(),
        emails: new Map(),
        deniesByEmail: false,
      },
      routing: {
        gateways: new Map([
          [
            "cloud",
            {
              id: "cloud",
              label: "cloud",
              endpoints: [{ id: "cloud-1", url: "https://10.0.1.10:18789" }],
              userHeader: undefined,
              sendGroups: false,
            },
          ],
        ]),
        rules: [{ index: 0, users: undefined, groups: undefined, agents: undefined, to: "cloud" }],
      },
      files: [path, join(folder, "access.json5"), join(folder, "routes.json5")],
    });
  });

  test("freezes the whole result", () => {
    const { config, access, routing } = loadFrontDoor(frontDoorWith(), NO_ENV);
    expect(() => Object.assign(config.session, { idle: 0 })).toThrow(TypeError);
    expect(() => (routing.rules as unknown[]).pop()).toThrow(TypeError);
    expect(() => (access.emails as Map<string, unknown>).clear()).toThrow(TypeError);
  });

  test.each<[string, object, string[][]]>([
    [
      "but not its secret",
      { ...FRONT_DOOR.providers.okta, name: "", clientSecret: "horse", scope: [] },
      [
        ["name", '""', "at least 1 character"],
        ["clientSecret", "a value of 5 characters", "at least 8 characters"],
        ["scope", "an unknown key", expect.stringContaining("did you mean scopes?")],
      ],
    ],
    [
      "but no variable of which it cannot be part",
      { ...FRONT_DOOR.providers.okta, clientSecret: undefined },
      [["clientSecret", "nothing", "text in quotes; set it in the file"]],
    ],
  ])("names what is wrong in a provider whose id is wrong, %s", (_, provider, faults) => {
    const path = frontDoorWith({ frontDoor: { ...FRONT_DOOR, providers: { "s s o": provider } } });
    const issues = issuesOf(() => loadFrontDoor(path, NO_ENV));
    expect(issues.map(({ path, found, expected }) => [path, found, expected])).toEqual([
      ['providers["s s o"]', "this key", expect.stringContaining("a provider id")],
      ...faults.map(([key, ...rest]) => [`providers["s s o"].${key}`, ...rest]),
    ]);
  });

  test("names the faults of all files and of the environment together", () => {
    const path = frontDoorWith({
      frontDoor: {
        ...FRONT_DOOR,
        publicUrl: "http://agents.example.com",
        encryptionKey: "short",
        providers: { okta: { ...FRONT_DOOR.providers.okta, clientSecret: 12, scope: ["openid"] } },
        session: { absolute: "1h", idle: "2h" },
        limits: { sockets: 0 },
      },
      access: {
        ...ACCESS,
        groups: { engineering: { agents: ["assistent"], role: ["it"] }, field: { agents: ["assistent"] } },
      },
      routes: { ...ROUTES, routes: [{ agents: ["codar"], to: "clowd" }, { to: "cloud" }, { to: "cloud" }] },
    });
    const env = { GATEHOUSE_LISTEN_PORT: "eighty", GATEHOUSE_SESION_IDLE: "secret?" };
    expect(issuesOf(() => loadFrontDoor(path, env))).toEqual([
      {
        source: "GATEHOUSE_LISTEN_PORT",
        path: "listen.port",
        found: '"eighty"',
        expected: "a port number, 0 to 65535 (0: any free one)",
      },
      {
        source: "front-door.json5",
        path: "encryptionKey",
        found: "a value of 5 characters",
        expected: "32 random bytes in hex or base64, as `openssl rand -hex 32` prints",
      },
      {
        source: "front-door.json5",
        path: "providers.okta.clientSecret",
        found: "a value of 2 characters",
        expected: "text in quotes",
      },
      {
        source: "front-door.json5",
        path: "providers.okta.scope",
        found: "an unknown key",
        expected:
          "a known key, did you mean scopes? (known: name, issuer, clientId, clientSecret, scopes, idTokenSigningAlg, emailTrusted, emailDomains, groups, timeout, bearer)",
      },
      { source: "front-door.json5", path: "limits.sockets", found: "0", expected: "at least 1" },
      {
        source: "front-door.json5",
        path: "publicUrl",
        found: '"http://agents.example.com"',
        expected: "https: over plain http everyone on the way can read the session cookie",
      },
      {
        source: "front-door.json5",
        path: "session.idle",
        found: '"2h"',
        expected: "at most session.absolute",
      },
      {
        source: "access.json5",
        path: "groups.engineering.role",
        found: "an unknown key",
        expected: "a known key, did you mean roles? (known: agents, roles)",
      },
      {
        source: "access.json5",
        path: "groups.engineering.agents[0]",
        found: '"assistent"',
        expected: "an agent of the catalogue, did you mean assistant? (known: assistant, coder)",
      },
      {
        source: "access.json5",
        path: "groups.field.agents[0]",
        found: '"assistent"',
        expected: "an agent of the catalogue, did you mean assistant? (known: assistant, coder)",
      },
      {
        source: "routes.json5",
        path: "routes[0].agents[0]",
        found: '"codar"',
        expected: "an agent of the catalogue, did you mean coder? (known: assistant, coder)",
      },
      {
        source: "routes.json5",
        path: "routes[0].to",
        found: '"clowd"',
        expected: "a gateway of this file, did you mean cloud? (known: cloud)",
      },
      {
        source: "routes.json5",
        path: "routes[2]",
        found: "a rule after routes[1], which always holds",
        expected: "the rule without conditions to be the last one",
      },
      {
        source: "GATEHOUSE_SESION_IDLE",
        path: "",
        found: "a variable that nothing reads",
        expected: "a name that docs/config.md lists, did you mean GATEHOUSE_SESSION_IDLE?",
      },
    ]);
  });

  test("lists each missing value with every way to give it, not the object that would hold it", () => {
    expect(
      issuesOf(() => loadFrontDoor(frontDoorWith({ frontDoor: { providers: { okta: {} } } }), NO_ENV)),
    ).toEqual(
      [
        [
          "publicUrl",
          'an http or https origin such as "https://agents.example.com", without a path',
          "PUBLIC_URL",
        ],
        [
          "encryptionKey",
          "32 random bytes in hex or base64, as `openssl rand -hex 32` prints",
          "ENCRYPTION_KEY or GATEHOUSE_ENCRYPTION_KEY_FILE",
        ],
        ["policy.access", "path", "POLICY_ACCESS"],
        ["policy.routes", "path", "POLICY_ROUTES"],
        ["providers.okta.name", "text in quotes", "PROVIDERS_OKTA_NAME"],
        [
          "providers.okta.issuer",
          "an absolute http or https URL without user, query or fragment",
          "PROVIDERS_OKTA_ISSUER",
        ],
        ["providers.okta.clientId", "text in quotes", "PROVIDERS_OKTA_CLIENT_ID"],
        [
          "providers.okta.clientSecret",
          "text in quotes",
          "PROVIDERS_OKTA_CLIENT_SECRET or GATEHOUSE_PROVIDERS_OKTA_CLIENT_SECRET_FILE",
        ],
      ].map(([path, expected, variables]) => ({
        source: "front-door.json5",
        path,
        found: "nothing",
        expected: `${expected}; set it in the file or by GATEHOUSE_${variables}`,
      })),
    );
  });

  test("names a policy file as it stands beside the front door's, and goes on with the others", () => {
    const frontDoor = { ...FRONT_DOOR, policy: { access: "it/access.json5", routes: "routes.json5" } };
    const path = frontDoorWith({ frontDoor, routes: "{ gateways: {}, routes: [ }" });
    let thrown: unknown;
    try {
      loadFrontDoor(path, NO_ENV);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toEqual(
      new ConfigError([
        {
          source: join(dirname(path), "it/access.json5"),
          path: "",
          found: "no such file",
          expected: "a file that this process may read",
        },
        {
          source: join(dirname(path), "routes.json5"),
          path: "",
          found: "a syntax error in line 1, column 27: invalid character '}'",
          expected: "JSON5",
        },
      ]),
    );
  });

  test("judges the environment even when the file cannot be read", () => {
    const load = () => loadFrontDoor("/nowhere/front-door.json5", { GATEHOUSE_LISTEN_PORT: "x" });
    expect(placesOf(load)).toEqual(["front-door.json5 ", "GATEHOUSE_LISTEN_PORT listen.port"]);
  });

  test("does not show where a policy file is when a variable says so", () => {
    const frontDoor = {
      ...FRONT_DOOR,
      policy: { access: `${reference("WHERE")}/access.json5`, routes: "routes.json5" },
    };
    const load = () => loadFrontDoor(frontDoorWith({ frontDoor }), { WHERE: "hush-hush" });
    expect(issuesOf(load)).toEqual([
      {
        source: "front-door.json5 (policy.access)",
        path: "",
        found: "no such file",
        expected: "a file that this process may read",
      },
    ]);
  });

  test.each([
    ["a list", "[]", { found: "a list of 0", expected: "an object: { … }" }],
    ["null", "null", { found: "null", expected: "an object: { … }" }],
    ["text", '"x"', { found: "a value of 1 character", expected: "an object: { … }" }],
    ["NUL", "{}\0", { found: "a NUL character", expected: "UTF-8 text without NUL" }],
    [
      "no UTF-8",
      Buffer.from([0x7b, 0xff, 0x7d]),
      { found: "bytes that are not UTF-8", expected: "UTF-8 text" },
    ],
    ["empty", "", { found: "a syntax error in line 1, column 1: invalid end of input", expected: "JSON5" }],
    ["large", `{}${" ".repeat(1_048_576)}`, { found: "1048578 bytes", expected: "at most 1048576 bytes" }],
  ])("refuses a file that is %s", (_, frontDoor, fault) => {
    expect(issuesOf(() => loadFrontDoor(frontDoorWith({ frontDoor }), NO_ENV))).toEqual([
      { source: "front-door.json5", path: "", ...fault },
    ]);
  });

  test("refuses a folder in a file's place", () => {
    const path = frontDoorWith({
      frontDoor: { ...FRONT_DOOR, policy: { access: "access.d", routes: "routes.json5" } },
    });
    mkdirSync(join(dirname(path), "access.d"));
    expect(issuesOf(() => loadFrontDoor(path, NO_ENV))).toEqual([
      { source: "access.d", path: "", found: "something that is not a file", expected: "a file" },
    ]);
  });

  test("names a key __proto__ once, and nothing inherits from it", () => {
    const frontDoor = `{ __proto__: { contact: "nobody" }, ${JSON.stringify(FRONT_DOOR).slice(1)}`;
    const access = `{ agents: { __proto__: { name: "Root" } }, users: { "a@b": { "__proto__": { deny: true } } } }`;
    const load = () => loadFrontDoor(frontDoorWith({ frontDoor, access }), NO_ENV);
    const fault = { found: "a reserved key", expected: "another name" };
    expect(issuesOf(load)).toEqual([
      { source: "front-door.json5", path: "__proto__", ...fault },
      { source: "access.json5", path: "agents.__proto__", ...fault },
      { source: "access.json5", path: 'users["a@b"].__proto__', ...fault },
    ]);
    expect(Reflect.get({}, "deny")).toBeUndefined();
  });

  test("reads a file that starts with a byte order mark", () => {
    const frontDoor = `\uFEFF${JSON.stringify(FRONT_DOOR)}`;
    expect(loadFrontDoor(frontDoorWith({ frontDoor }), NO_ENV).config.publicUrl).toBe(
      "https://agents.example.com",
    );
  });
});

describe("loading a gateway", () => {
  test("fills in defaults and makes every path absolute from the file's folder", () => {
    const path = gatewayWith();
    expect(loadGateway(path, NO_ENV)).toEqual({
      gateway: {
        id: "cloud",
        endpoint: "cloud-1",
        bind: "loopback",
        port: 18_789,
        auth: {
          mode: "assertion",
          issuer: "gatehouse",
          trust: "t".repeat(43),
          keySet: join(dirname(path), "keys/set.jws"),
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
          assistant: { name: "Assistant", description: "", instructions: "You are a helpful assistant." },
        },
      },
      drain: 20_000,
      anthropic: { timeout: 600_000 },
      data: join(dirname(path), ".gatehouse/gateway"),
      audit: { onFailure: "refuse" },
      log: { level: "info" },
    });
  });

  test("knows no agent that nobody configured, whatever objects inherit", () => {
    const { entries } = loadGateway(gatewayWith(), NO_ENV).agents;
    expect(["constructor", "toString", "__proto__"].map((id) => Reflect.get(entries, id))).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  test.each(["loopback", "127.0.0.1", "0.0.0.0", "::", "fd00::7", "10.0.1.10"])("binds to %s", (bind) => {
    expect(loadGateway(gatewayWith(), { GATEHOUSE_GATEWAY_BIND: bind }).gateway.bind).toBe(bind);
  });

  test("refuses no agents, a name to bind to, plain http for the API key and a mode that does not exist", () => {
    const faulty = {
      gateway: { ...GATEWAY.gateway, bind: "localhost", auth: { ...GATEWAY.gateway.auth, mode: "none" } },
      agents: { entries: {} },
      anthropic: { baseUrl: "http://proxy.example.com" },
    };
    expect(issuesOf(() => loadGateway(gatewayWith(faulty), NO_ENV))).toEqual([
      {
        source: "gateway.json5",
        path: "gateway.bind",
        found: '"localhost"',
        expected: '"loopback", or an IP address to listen on such as "10.0.1.10", "0.0.0.0" or "::"',
      },
      { source: "gateway.json5", path: "gateway.auth.mode", found: '"none"', expected: '"assertion"' },
      { source: "gateway.json5", path: "agents.entries", found: "an object", expected: "at least one agent" },
      {
        source: "gateway.json5",
        path: "anthropic.baseUrl",
        found: '"http://proxy.example.com"',
        expected: "an https URL (http only on loopback): the API key travels over it",
      },
    ]);
  });
});
