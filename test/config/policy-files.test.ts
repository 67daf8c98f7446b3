import { describe, expect, test } from "vitest";
import { documentOf } from "../../config/document.ts";
import { checkPolicy } from "../../config/policy-files.ts";
import { ACCESS, ROUTES, reference } from "./config-folder.ts";

function check(access: unknown, routes: unknown, env: Record<string, string> = {}) {
  return checkPolicy(
    documentOf("access.json5", JSON.stringify(access), { env }),
    documentOf("routes.json5", JSON.stringify(routes), { env }),
  );
}

function placesIn(access: unknown, routes: unknown): string[] {
  return check(access, routes).issues.map(({ source, path }) => `${source} ${path}`);
}

function withGateway(change: Record<string, unknown>) {
  return { ...ROUTES, gateways: { cloud: { ...ROUTES.gateways.cloud, ...change } } };
}

const USER_ID = `u_${"b".repeat(26)}`;

describe("IT's file", () => {
  test("becomes a policy with * resolved, the catalogue's order, and people by id and by e-mail", () => {
    const access = {
      ...ACCESS,
      groups: {
        it: { agents: ["*"], roles: ["it", "it"] },
        all: { agents: ["coder", "assistant", "coder"] },
      },
      users: { "Eve@Example.com": { deny: true }, [USER_ID]: { agents: ["coder"] } },
    };
    expect(check(access, ROUTES).value?.access).toEqual({
      agents: new Map([
        ["assistant", { name: "Assistant", description: "" }],
        ["coder", { name: "Coder", description: "" }],
      ]),
      groups: new Map([
        ["it", { agents: ["assistant", "coder"], roles: ["it"] }],
        ["all", { agents: ["assistant", "coder"], roles: [] }],
      ]),
      userIds: new Map([[USER_ID, { agents: ["coder"], roles: [], deny: false }]]),
      emails: new Map([["eve@example.com", { agents: [], roles: [], deny: true }]]),
      deniesByEmail: true,
    });
  });

  test("may have an empty catalogue, of which * is nothing", () => {
    const access = { agents: {}, groups: { it: { agents: ["*"] } } };
    expect(check(access, ROUTES).value?.access.groups).toEqual(new Map([["it", { agents: [], roles: [] }]]));
  });

  test("keeps group names exactly as they are", () => {
    const access = { ...ACCESS, groups: { Admins: {}, admins: {}, "admins\u200b": {}, constructor: {} } };
    expect([...(check(access, ROUTES).value?.access.groups.keys() ?? [])]).toEqual([
      "Admins",
      "admins",
      "admins\u200b",
      "constructor",
    ]);
  });

  test("has every fault named by its place", () => {
    const access = {
      agents: { assistant: { name: "" }, Coder: { name: "Coder" } },
      groups: { "it staff": { agents: ["asistant", "Coder", "*", 7], roles: ["root"] } },
      users: {
        "eve@example.com": { deny: true },
        "EVE@example.com": { agents: ["assistant"] },
        eve: { deny: "yes" },
        "a@b@c": {},
      },
    };
    expect(check(access, ROUTES).issues).toEqual(
      [
        ["agents.assistant.name", '""', "at least 1 character"],
        ["agents.Coder", "this key", "an agent id: lower-case letters, digits and hyphens, at most 63"],
        ['groups["it staff"].agents[1]', '"Coder"', 'an agent id, or "*"'],
        ['groups["it staff"].agents[3]', "7", 'an agent id, or "*"'],
        ['groups["it staff"].roles[0]', '"root"', '"it" or "ops"'],
        [
          "users.eve",
          "this key",
          'a user id (u_ and 26 characters) or an e-mail address such as "dana@example.com"',
        ],
        ["users.eve.deny", '"yes"', "true or false"],
        [
          'users["a@b@c"]',
          "this key",
          'a user id (u_ and 26 characters) or an e-mail address such as "dana@example.com"',
        ],
        [
          'groups["it staff"].agents[0]',
          '"asistant"',
          "an agent of the catalogue, did you mean assistant? (known: assistant, Coder)",
        ],
        [
          'users["EVE@example.com"]',
          "the person of eve@example.com again",
          "one entry for eve@example.com: upper and lower case are the same person",
        ],
      ].map(([path, found, expected]) => ({ source: "access.json5", path, found, expected })),
    );
  });
});

describe("ops's file", () => {
  test("has the faults named that are inside entries whose keys are wrong, however deep", () => {
    const gateways = {
      Cloud: { label: 7, endpoints: { "Cloud 1": "nowhere", "cloud-2": "https://10.0.1.10/path" } },
      berlin: { endpoints: { "berlin-1": "https://10.0.1.11", "Berlin 2": "nowhere" } },
    };
    const faults = check(ACCESS, { gateways, routes: [{ to: "berlin" }] }).issues;
    expect(faults.map(({ path, found }) => [path, found])).toEqual([
      ["gateways.Cloud", "this key"],
      ["gateways.Cloud.label", "7"],
      ['gateways.Cloud.endpoints["Cloud 1"]', "this key"],
      ['gateways.Cloud.endpoints["Cloud 1"]', '"nowhere"'],
      ['gateways.Cloud.endpoints["cloud-2"]', '"https://10.0.1.10/path"'],
      ['gateways.berlin.endpoints["Berlin 2"]', "this key"],
      ['gateways.berlin.endpoints["Berlin 2"]', '"nowhere"'],
    ]);
  });

  test("becomes a table with lower-case people and header names, and a label for every gateway", () => {
    const routes = {
      gateways: {
        cloud: { endpoints: { "cloud-1": "https://10.0.1.10:18789/" }, userHeader: "X-Forwarded-User" },
        berlin: { label: "Berlin", endpoints: { b: "http://10.8.0.7" }, allowPlain: true, sendGroups: true },
      },
      routes: [{ users: ["Dana@Example.com", USER_ID], groups: ["Field"], to: "berlin" }, { to: "cloud" }],
    };
    expect(check(ACCESS, routes).value?.routing).toEqual({
      gateways: new Map([
        [
          "cloud",
          {
            id: "cloud",
            label: "cloud",
            endpoints: [{ id: "cloud-1", url: "https://10.0.1.10:18789" }],
            userHeader: "x-forwarded-user",
            sendGroups: false,
          },
        ],
        [
          "berlin",
          {
            id: "berlin",
            label: "Berlin",
            endpoints: [{ id: "b", url: "http://10.8.0.7" }],
            userHeader: undefined,
            sendGroups: true,
          },
        ],
      ]),
      rules: [
        {
          index: 0,
          users: ["dana@example.com", USER_ID],
          groups: ["Field"],
          agents: undefined,
          to: "berlin",
        },
        { index: 1, users: undefined, groups: undefined, agents: undefined, to: "cloud" },
      ],
    });
  });

  test.each([
    ["http://localhost:18789", false],
    ["http://127.0.0.1:18789", false],
    ["https://gw.example.com", false],
    ["https://8.8.8.8", false],
    ["http://10.8.0.7:18789", true],
    ["http://100.64.3.2", true],
    ["http://[fd7a:115c:a1e0::1]", true],
  ])("may send assertions to %s (allowPlain: %s)", (url, allowPlain) => {
    expect(placesIn(ACCESS, withGateway({ endpoints: { a: url }, allowPlain }))).toEqual([]);
  });

  test.each([
    ["http://10.8.0.7:18789", false],
    ["http://gw.example.com", true],
    ["http://8.8.8.8", true],
    ["http://gw.localhost", true],
    ["https://169.254.169.254", true],
    ["https://[::ffff:169.254.169.254]", true],
    ["http://2852039166", true],
    ["http://[fe80::1]", true],
    ["http://0.0.0.0:18789", true],
    ["http://100.100.100.200", true],
    ["https://gw.example.com/path", true],
    ["https://user:pass@gw.example.com", true],
    ["ws://127.0.0.1", true],
  ])("never sends assertions to %s (allowPlain: %s)", (url, allowPlain) => {
    expect(placesIn(ACCESS, withGateway({ endpoints: { a: url }, allowPlain }))).toEqual([
      "routes.json5 gateways.cloud.endpoints.a",
    ]);
  });

  test("pins a certificate for all endpoints of a gateway, and only where there is one", () => {
    const tls = { fingerprint: "AB".repeat(32) };
    const pinned = withGateway({ tls });
    const [gateway] = check(ACCESS, pinned).value?.routing.gateways.values() ?? [];
    expect(gateway?.endpoints).toEqual([
      { id: "cloud-1", url: "https://10.0.1.10:18789", fingerprint: "ab".repeat(32) },
    ]);
    expect(check(ACCESS, withGateway({ tls, endpoints: { a: "http://127.0.0.1:1" } })).issues).toEqual([
      {
        source: "routes.json5",
        path: "gateways.cloud.endpoints.a",
        found: '"http://127.0.0.1:1"',
        expected: "https, because tls.fingerprint pins a certificate",
      },
    ]);
    expect(placesIn(ACCESS, withGateway({ tls: { fingerprint: "ab" } }))).toEqual([
      "routes.json5 gateways.cloud.tls.fingerprint",
    ]);
  });

  test("has every fault named by its place, whatever else is wrong", () => {
    const routes = {
      gateways: {
        cloud: { endpoints: {}, userHeader: "Authorization", color: "red" },
        berlin: { endpoints: { "Berlin 1": "https://10.0.0.1", b: "http://10.0.0.2" }, allowPlain: "no" },
      },
      routes: [
        { users: [], to: "clowd" },
        { agents: ["assistant", "chef"], users: ["dana"], to: "nowhere" },
        { group: "field", to: "cloud" },
        { to: "cloud" },
      ],
    };
    expect(placesIn(ACCESS, routes)).toEqual(
      [
        "gateways.cloud.endpoints",
        "gateways.cloud.color",
        'gateways.berlin.endpoints["Berlin 1"]',
        "gateways.berlin.allowPlain",
        "routes[0].users",
        "routes[1].users[0]",
        "routes[2].group",
        "gateways.cloud.userHeader",
        "gateways.berlin.endpoints.b",
        "routes[0].to",
        "routes[1].agents[1]",
        "routes[1].to",
        "routes[3]",
      ].map((path) => `routes.json5 ${path}`),
    );
  });

  test("is judged by itself when IT's file cannot be read", () => {
    const { issues } = checkPolicy(
      documentOf("access.json5", "{", { env: {} }),
      documentOf("routes.json5", JSON.stringify({ ...ROUTES, routes: [{ agents: ["x"], to: "y" }] }), {
        env: {},
      }),
    );
    expect(issues.map(({ source, path }) => `${source} ${path}`)).toEqual([
      "access.json5 ",
      "routes.json5 routes[0].to",
    ]);
  });

  test("does not show what a variable holds", () => {
    const routes = withGateway({ endpoints: { a: reference("BOX") }, userHeader: reference("HEADER") });
    const { issues } = check(ACCESS, routes, { BOX: "http://10.0.0.9", HEADER: "Cookie" });
    expect(issues.map(({ found }) => found)).toEqual(["a value of 15 characters", "a value of 6 characters"]);
  });
});
