import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { readEnvironment } from "../../config/environment.ts";
import { FRONT_DOOR_SETTINGS, GATEWAY_SETTINGS } from "../../config/environment-names.ts";
import { loadFrontDoor, loadGateway } from "../../config/load.ts";
import {
  FRONT_DOOR,
  folderWith,
  frontDoorWith,
  GATEWAY,
  issuesOf,
  placesOf,
  reference,
} from "./config-folder.ts";

function gatewayFile(more: Record<string, unknown> = {}): string {
  return join(folderWith({ "gateway.json5": { ...GATEWAY, ...more } }), "gateway.json5");
}

describe("names of variables", () => {
  test.each([
    ["front door", FRONT_DOOR_SETTINGS],
    ["gateway", GATEWAY_SETTINGS],
  ])("are different for every key of the %s", (_, settings) => {
    const names = settings.flatMap(({ variable, fileVariable, aliases }) => [
      variable,
      ...(fileVariable === undefined ? [] : [fileVariable]),
      ...aliases,
    ]);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  test("are the keys in capitals", () => {
    const names = new Map(FRONT_DOOR_SETTINGS.map(({ key, variable }) => [key.path.join("."), variable]));
    expect(names.get("providers.*.clientSecret")).toBe("GATEHOUSE_PROVIDERS_<ID>_CLIENT_SECRET");
    expect(names.get("session.providerGrace")).toBe("GATEHOUSE_SESSION_PROVIDER_GRACE");
    expect(names.get("publicUrl")).toBe("GATEHOUSE_PUBLIC_URL");
  });
});

describe("the environment", () => {
  test("wins over the file, in every kind of value", () => {
    const env = {
      GATEHOUSE_CONTACT: "Ivy",
      GATEHOUSE_LISTEN_PORT: "9000",
      GATEHOUSE_SESSION_IDLE: "5m",
      GATEHOUSE_PROVIDERS_OKTA_EMAIL_TRUSTED: "true",
      GATEHOUSE_PROVIDERS_OKTA_BEARER_AUDIENCE: "door",
      GATEHOUSE_PROVIDERS_OKTA_BEARER_TYPES: "at+jwt, jwt",
      GATEHOUSE_TRUSTED_PROXIES: "",
      GATEHOUSE_DATA: "elsewhere",
    };
    const frontDoor = { ...FRONT_DOOR, contact: "Omar", listen: { port: 1 }, trustedProxies: ["10.0.0.1"] };
    const path = frontDoorWith({ frontDoor });
    const { config } = loadFrontDoor(path, env);
    expect({
      contact: config.contact,
      listen: config.listen,
      idle: config.session.idle,
      emailTrusted: config.providers["okta"]?.emailTrusted,
      bearer: config.providers["okta"]?.bearer,
      trustedProxies: config.trustedProxies,
      data: config.data,
    }).toEqual({
      contact: "Ivy",
      listen: { host: "127.0.0.1", port: 9_000 },
      idle: 300_000,
      emailTrusted: true,
      bearer: { audience: "door", types: ["at+jwt", "jwt"], algorithms: ["RS256", "ES256"] },
      trustedProxies: [],
      data: join(dirname(path), "elsewhere"),
    });
  });

  test("is named as the source of a fault, for an item of a list too", () => {
    const env = {
      GATEHOUSE_PROVIDERS_OKTA_EMAIL_TRUSTED: "yes",
      GATEHOUSE_TRUSTED_PROXIES: "10.0.0.1,0.0.0.0/0",
      GATEHOUSE_PROVIDERS_OKTA_CLIENT_SECRET: "hunter2",
    };
    expect(issuesOf(() => loadFrontDoor(frontDoorWith(), env))).toEqual([
      {
        source: "GATEHOUSE_TRUSTED_PROXIES",
        path: "trustedProxies[1]",
        found: '"0.0.0.0/0"',
        expected: 'an IP address or prefix such as "10.0.0.0/8" or "fd00::/8", not everybody\'s ("/0")',
      },
      {
        source: "GATEHOUSE_PROVIDERS_OKTA_CLIENT_SECRET",
        path: "providers.okta.clientSecret",
        found: "a value of 7 characters",
        expected: "at least 8 characters",
      },
      {
        source: "GATEHOUSE_PROVIDERS_OKTA_EMAIL_TRUSTED",
        path: "providers.okta.emailTrusted",
        found: '"yes"',
        expected: "true or false",
      },
    ]);
  });

  test("does not replace an object's place when the file has something else there", () => {
    const frontDoor = { ...FRONT_DOOR, listen: 8080 };
    expect(
      issuesOf(() => loadFrontDoor(frontDoorWith({ frontDoor }), { GATEHOUSE_LISTEN_PORT: "1" })),
    ).toEqual([{ source: "front-door.json5", path: "listen", found: "8080", expected: "an object: { … }" }]);
  });

  test("need not set what a file refers to when it replaces that value anyway", () => {
    const frontDoor = { ...FRONT_DOOR, contact: reference("NOBODY") };
    const load = () => loadFrontDoor(frontDoorWith({ frontDoor }), { GATEHOUSE_CONTACT: "Ivy" });
    expect(load().config.contact).toBe("Ivy");
  });

  test("is not searched for references: a secret may look like one", () => {
    const secret = `pass${reference("HOME")}word`;
    const { config } = loadFrontDoor(frontDoorWith(), { GATEHOUSE_PROVIDERS_OKTA_CLIENT_SECRET: secret });
    expect(config.providers["okta"]?.clientSecret).toBe(secret);
  });

  test("may hold our names for a file to refer to, and the other process's names", () => {
    const frontDoor = { ...FRONT_DOOR, contact: reference("GATEHOUSE_HELP_DESK") };
    const env = {
      GATEHOUSE_HELP_DESK: "Ivy",
      GATEHOUSE_GATEWAY_PORT: "1",
      PATH: "/bin",
      GATEHOUSE_GONE: undefined,
    };
    expect(loadFrontDoor(frontDoorWith({ frontDoor }), env).config.contact).toBe("Ivy");
  });

  test("has no inherited variables", () => {
    const env = Object.create({ GATEHOUSE_CONTACT: "inherited" }) as Record<string, string>;
    expect(loadFrontDoor(frontDoorWith(), env).config.contact).toBe("your IT department");
  });
});

describe("a secret from a file", () => {
  test.each([
    ["without a newline", "from a file", "from a file"],
    ["with a newline", "from a file\n", "from a file"],
    ["with a Windows newline", "from a file\r\n", "from a file"],
    ["with two newlines, of which one is its own", "from a file\n\n", "from a file\n"],
  ])("is read %s, from beside the configuration, and counts as one of its files", (_, content, secret) => {
    const path = frontDoorWith({ more: { "client-secret": content } });
    const { config, files } = loadFrontDoor(path, {
      GATEHOUSE_PROVIDERS_OKTA_CLIENT_SECRET_FILE: "client-secret",
    });
    expect(config.providers["okta"]?.clientSecret).toBe(secret);
    expect(files.at(-1)).toBe(join(dirname(path), "client-secret"));
  });

  test("is a fault when it cannot be read or comes both ways, and nothing says it is missing too", () => {
    const { clientSecret: _, ...okta } = FRONT_DOOR.providers.okta;
    const env = {
      GATEHOUSE_PROVIDERS_OKTA_CLIENT_SECRET_FILE: "my-secret-put-here-by-mistake",
      GATEHOUSE_ENCRYPTION_KEY: "00".repeat(32),
      GATEHOUSE_ENCRYPTION_KEY_FILE: "key",
    };
    const frontDoor = { ...FRONT_DOOR, providers: { okta } };
    expect(issuesOf(() => loadFrontDoor(frontDoorWith({ frontDoor }), env))).toEqual([
      {
        source: "GATEHOUSE_ENCRYPTION_KEY_FILE",
        path: "encryptionKey",
        found: "GATEHOUSE_ENCRYPTION_KEY too",
        expected: "one of the two",
      },
      {
        source: "GATEHOUSE_PROVIDERS_OKTA_CLIENT_SECRET_FILE",
        path: "providers.okta.clientSecret",
        found: "no such file",
        expected: "a file that this process may read",
      },
    ]);
  });

  test("is never shown when it is wrong", () => {
    const path = frontDoorWith({ more: { key: "not-a-key" } });
    expect(issuesOf(() => loadFrontDoor(path, { GATEHOUSE_ENCRYPTION_KEY_FILE: "key" }))).toEqual([
      {
        source: "GATEHOUSE_ENCRYPTION_KEY_FILE",
        path: "encryptionKey",
        found: "a value of 9 characters",
        expected: "32 random bytes in hex or base64, as `openssl rand -hex 32` prints",
      },
    ]);
  });

  test("is not offered for what is no secret", () => {
    expect(readEnvironment(FRONT_DOOR_SETTINGS, { GATEHOUSE_CONTACT_FILE: "x" }, "/").overrides).toEqual([]);
  });
});

describe("the entries of a table whose names are words", () => {
  const okta = FRONT_DOOR.providers.okta;
  const partner = {
    name: "Partner",
    issuer: "https://partner.example",
    clientId: "door",
    clientSecret: "from the file",
    emailDomains: [],
    groups: { prefix: "partner/" },
  };
  const frontDoor = { ...FRONT_DOOR, providers: { okta: { ...okta, emailDomains: [] }, partner } };

  test("are each overridden by variables of their own, lists and secrets from files included", () => {
    const path = frontDoorWith({ frontDoor, more: { secret: "from another file\n" } });
    const { config, files } = loadFrontDoor(path, {
      GATEHOUSE_PROVIDERS_OKTA_CLIENT_SECRET: "from the environment",
      GATEHOUSE_PROVIDERS_PARTNER_CLIENT_SECRET_FILE: "secret",
      GATEHOUSE_PROVIDERS_PARTNER_EMAIL_DOMAINS: "Partner.example, partner.test",
      GATEHOUSE_PROVIDERS_PARTNER_GROUPS_PREFIX: "p/",
    });
    const { clientSecret, emailDomains, groups } = config.providers["partner"] ?? {};
    expect({ okta: config.providers["okta"]?.clientSecret, clientSecret, emailDomains, groups }).toEqual({
      okta: "from the environment",
      clientSecret: "from another file",
      emailDomains: ["partner.example", "partner.test"],
      groups: { claim: "groups", whenMissing: "refuse", prefix: "p/" },
    });
    expect(files.at(-1)).toBe(join(dirname(path), "secret"));
  });

  test("have no variable unless the file has the entry", () => {
    const env = { GATEHOUSE_PROVIDERS_PARTNRE_CLIENT_SECRET: "hunter2", GATEHOUSE_PROVIDERS_OKTA: "hunter2" };
    const issues = issuesOf(() => loadFrontDoor(frontDoorWith({ frontDoor }), env));
    expect(issues.map(({ source, found }) => [source, found])).toEqual([
      ["GATEHOUSE_PROVIDERS_PARTNRE_CLIENT_SECRET", "a variable that nothing reads"],
      ["GATEHOUSE_PROVIDERS_OKTA", "a variable that nothing reads"],
    ]);
    expect(issues[0]?.expected).toContain("did you mean GATEHOUSE_PROVIDERS_PARTNER_CLIENT_SECRET?");
    expect(JSON.stringify(issues)).not.toContain("hunter2");
  });

  test("are known to the gateway, and not judged where the file cannot be read", () => {
    const env = { GATEHOUSE_PROVIDERS_OKTA_CLIENT_SECRET: "from the environment" };
    expect(issuesOf(() => loadGateway(gatewayFile(), env))).toEqual([]);
    expect(placesOf(() => loadFrontDoor(frontDoorWith({ frontDoor: "{" }), env))).toEqual([
      "front-door.json5 ",
    ]);
  });

  test.each([
    ["in the table's place", "hunter2-hunter2"],
    ["in an entry's place", { okta: "hunter2-hunter2" }],
    ["under an id that is none", { "Okta!": { ...okta, clientSecret: ["hunter2-hunter2"], name: 1 } }],
    ["of the wrong kind", { okta: { ...okta, clientSecret: 1_234_567 } }],
  ])("never show a secret: %s", (_what, providers) => {
    const issues = issuesOf(() =>
      loadFrontDoor(frontDoorWith({ frontDoor: { ...FRONT_DOOR, providers } }), {}),
    );
    expect(issues).not.toEqual([]);
    expect(JSON.stringify(issues)).not.toMatch(/hunter2|1234567/);
  });
});

describe("names of other programs", () => {
  test("are read by the gateway", () => {
    const env = {
      OPENCLAW_GATEWAY_PORT: "4000",
      OPENCLAW_GATEWAY_HOST: "127.0.0.1",
      ANTHROPIC_API_KEY: "key",
    };
    const { gateway, anthropic } = loadGateway(gatewayFile(), env);
    expect([gateway.port, gateway.bind, anthropic.apiKey]).toEqual([4_000, "127.0.0.1", "key"]);
  });

  test("may agree with ours", () => {
    const env = { OPENCLAW_GATEWAY_PORT: "4000", GATEHOUSE_GATEWAY_PORT: "4000" };
    expect(loadGateway(gatewayFile(), env).gateway.port).toBe(4_000);
  });

  test("must not differ from ours, and no message shows either value", () => {
    const env = {
      OPENCLAW_GATEWAY_PORT: "4000",
      GATEHOUSE_GATEWAY_PORT: "4001",
      ANTHROPIC_API_KEY: "one",
      GATEHOUSE_ANTHROPIC_API_KEY: "two",
    };
    const expected = "one of the two, or the same value in both";
    expect(issuesOf(() => loadGateway(gatewayFile(), env))).toEqual([
      {
        source: "OPENCLAW_GATEWAY_PORT",
        path: "gateway.port",
        found: "another value than in GATEHOUSE_GATEWAY_PORT",
        expected,
      },
      {
        source: "ANTHROPIC_API_KEY",
        path: "anthropic.apiKey",
        found: "another value than in GATEHOUSE_ANTHROPIC_API_KEY",
        expected,
      },
    ]);
  });

  test("count as not set when they are empty", () => {
    expect(loadGateway(gatewayFile(), { ANTHROPIC_API_KEY: "" }).anthropic).toEqual({ timeout: 600_000 });
  });
});
