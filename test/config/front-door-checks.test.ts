import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { loadFrontDoor } from "../../config/load.ts";
import { FRONT_DOOR, frontDoorWith, issuesOf, placesOf } from "./config-folder.ts";

function loadWith(change: Record<string, unknown>) {
  return () => loadFrontDoor(frontDoorWith({ frontDoor: { ...FRONT_DOOR, ...change } }), {});
}

function loadWithProvider(change: Record<string, unknown>) {
  return loadWith({ providers: { okta: { ...FRONT_DOOR.providers.okta, ...change } } });
}

describe("publicUrl", () => {
  test.each(["http://localhost:8080", "http://claw.localhost:8080", "http://127.0.0.1", "http://[::1]:8080"])(
    "may be %s",
    (publicUrl) => {
      expect(issuesOf(loadWith({ publicUrl }))).toEqual([]);
    },
  );

  test.each(["http://agents.example.com", "http://10.0.0.1", "http://localhost.example.com"])(
    "must not be %s",
    (publicUrl) => {
      expect(placesOf(loadWith({ publicUrl }))).toEqual(["front-door.json5 publicUrl"]);
    },
  );

  test.each(["0.0.0.0", "::", "10.0.0.1", "agents.example.com"])(
    "on plain http keeps the listener on loopback, so not on %s",
    (host) => {
      expect(issuesOf(loadWith({ publicUrl: "http://localhost:8080", listen: { host } }))).toEqual([
        {
          source: "front-door.json5",
          path: "listen.host",
          found: JSON.stringify(host),
          expected: "a loopback address, because publicUrl is plain http",
        },
      ]);
    },
  );

  test("on https may be listened for anywhere", () => {
    expect(issuesOf(loadWith({ listen: { host: "0.0.0.0" } }))).toEqual([]);
  });
});

describe("the two listeners", () => {
  test.each([
    [{ port: 9464 }, {}],
    [{ host: "0.0.0.0", port: 9464 }, {}],
    [{ port: 9464 }, { host: "::" }],
    [{ host: "localhost", port: 9464 }, {}],
    [
      { host: "GW", port: 1 },
      { host: "gw", port: 1 },
    ],
  ])("must not be the same: %o and %o", (listen, privateListen) => {
    expect(placesOf(loadWith({ listen, privateListen }))).toEqual(["front-door.json5 privateListen.port"]);
  });

  test("say so even when the clash is with a default", () => {
    expect(issuesOf(loadWith({ listen: { port: 9464 } }))).toEqual([
      {
        source: "front-door.json5",
        path: "privateListen.port",
        found: "the default 9464",
        expected: "another port than the public listener's (listen.port)",
      },
    ]);
  });

  test.each([
    [{ port: 0 }, { port: 0 }],
    [
      { host: "10.0.0.1", port: 80 },
      { host: "10.0.0.2", port: 80 },
    ],
  ])("may be %o and %o", (listen, privateListen) => {
    expect(issuesOf(loadWith({ listen, privateListen }))).toEqual([]);
  });
});

describe("the provider", () => {
  test.each(["http://localhost:8081", "http://127.0.0.1:8081", "https://login.example.com/realms/x"])(
    "may be %s",
    (issuer) => {
      expect(issuesOf(loadWithProvider({ issuer }))).toEqual([]);
    },
  );

  test.each([
    "http://login.example.com",
    "http://login.localhost",
    "https://169.254.169.254",
    "http://0.0.0.0",
  ])("must not be %s", (issuer) => {
    expect(placesOf(loadWithProvider({ issuer }))).toEqual(["front-door.json5 providers.okta.issuer"]);
  });

  test("must not have the client id as the audience of access tokens: ID tokens have it", () => {
    expect(issuesOf(loadWithProvider({ bearer: { audience: "gatehouse" } }))).toEqual([
      {
        source: "front-door.json5",
        path: "providers.okta.bearer.audience",
        found: '"gatehouse"',
        expected: "the audience of access tokens for this front door, never the provider's clientId",
      },
    ]);
  });

  test("is asked for an ID token", () => {
    expect(issuesOf(loadWithProvider({ scopes: ["profile"] }))).toEqual([
      {
        source: "front-door.json5",
        path: "providers.okta.scopes",
        found: "a list of 1",
        expected: 'a list with "openid" in it',
      },
    ]);
  });
});

test("a session may be idle for as long as it lasts, not longer", () => {
  expect(issuesOf(loadWith({ session: { absolute: "1h", idle: "60m" } }))).toEqual([]);
  expect(issuesOf(loadWith({ session: { absolute: "1h" } }))).toEqual([
    {
      source: "front-door.json5",
      path: "session.idle",
      found: 'the default "8h"',
      expected: "at most session.absolute",
    },
  ]);
});

describe("tls", () => {
  const tls = { certificate: "tls/chain.pem", key: "/etc/ssl/key.pem" };

  test("is for a publicUrl that is https", () => {
    expect(issuesOf(loadWith({ tls }))).toEqual([]);
    const fault = {
      source: "front-door.json5",
      path: "publicUrl",
      found: '"http://localhost:8080"',
      expected: "https, because tls is set; to serve plain http on loopback, take tls out",
    };
    const loopback = { publicUrl: "http://localhost:8080", listen: { host: "0.0.0.0" } };
    expect(issuesOf(loadWith({ tls, ...loopback }))).toEqual([fault]);
    expect(issuesOf(loadWith({ tls: { ...tls, key: 7 }, ...loopback }))).toEqual([
      expect.objectContaining({ path: "tls.key" }),
      fault,
    ]);
  });

  test("names both files or none, from the folder of the configuration", () => {
    const path = frontDoorWith({ frontDoor: { ...FRONT_DOOR, tls } });
    expect(loadFrontDoor(path, {}).config.tls).toEqual({
      certificate: join(dirname(path), "tls/chain.pem"),
      key: "/etc/ssl/key.pem",
    });
    expect(placesOf(loadWith({ tls: { certificate: "tls/chain.pem" } }))).toEqual([
      "front-door.json5 tls.key",
    ]);
  });
});

test("a request gets at least the time of its head", () => {
  const limits = { headersTimeout: "10s", requestTimeout: "9s" };
  expect(issuesOf(loadWith({ limits }))).toEqual([
    {
      source: "front-door.json5",
      path: "limits.requestTimeout",
      found: '"9s"',
      expected: "at least limits.headersTimeout",
    },
  ]);
  expect(placesOf(loadWith({ limits: { headersTimeout: "6m" } }))).toEqual([
    "front-door.json5 limits.requestTimeout",
  ]);
  expect(issuesOf(loadWith({ limits: { headersTimeout: "5m" } }))).toEqual([]);
});

test("a page gets at least the time of the three questions that a login may have for the provider", () => {
  expect(issuesOf(loadWith({ limits: { pageTimeout: "23s" } }))).toEqual([
    {
      source: "front-door.json5",
      path: "providers.okta.timeout",
      found: 'the default "8s"',
      expected: "at most a third of limits.pageTimeout",
    },
  ]);
  expect(issuesOf(loadWith({ limits: { pageTimeout: "24s" } }))).toEqual([]);
});
