import { chmodSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { configCheckCommand } from "../../cli/config-command.ts";
import { FRONT_DOOR, folderWith, frontDoorWith, GATEWAY, issuesOf } from "../config/config-folder.ts";
import { type CertificateOptions, selfSigned } from "../support/certificates.ts";

const NOW = Date.UTC(2026, 10, 21);

function printedBy(kind: "front-door" | "gateway", path: string, env: Record<string, string> = {}): string[] {
  const lines: string[] = [];
  configCheckCommand(
    { env, isTerminal: false, version: "0.0.0", print: (line) => lines.push(line) },
    kind,
    path,
    NOW,
  );
  return lines;
}

test("a valid front door's configuration is summed up, with every file it consists of", () => {
  const path = frontDoorWith();
  const files = ["front-door.json5", "access.json5", "routes.json5"].map((name) => join(dirname(path), name));
  expect(printedBy("front-door", path)).toEqual([
    `${files.join(", ")}: valid. 2 agents, 1 gateway, 1 route.`,
  ]);
});

test("a valid gateway's configuration is summed up", () => {
  const path = join(folderWith({ "gateway.json5": GATEWAY }), "gateway.json5");
  expect(printedBy("gateway", path)).toEqual([`${path}: valid. Gateway cloud/cloud-1, agents assistant.`]);
});

test("a file of the other kind has one fault, with the option that takes it, whatever the environment sets", () => {
  const frontDoor = frontDoorWith({ more: { "gateway.json5": GATEWAY } });
  const gateway = join(dirname(frontDoor), "gateway.json5");
  const env = { GATEHOUSE_PUBLIC_URL: "https://agents.example.com", GATEHOUSE_GATEWAY_ID: "cloud" };
  expect(issuesOf(() => printedBy("front-door", gateway, env))).toEqual([
    {
      source: "gateway.json5",
      path: "",
      found: "a gateway's configuration",
      expected:
        "a front door's; this one is for `gatehouse gateway`, or `gatehouse config check --kind gateway`",
    },
  ]);
  expect(issuesOf(() => printedBy("gateway", frontDoor))).toEqual([
    {
      source: "front-door.json5",
      path: "",
      found: "a front door's configuration",
      expected:
        "a gateway's; this one is for `gatehouse front-door`, or `gatehouse config check --kind front-door`",
    },
  ]);
});

test.each<["front-door" | "gateway", object]>([
  ["front-door", { ...FRONT_DOOR, gateway: {} }],
  ["front-door", { gateways: {} }],
  ["gateway", { ...GATEWAY, publicUrl: "https://agents.example.com" }],
  ["gateway", { gatewey: {} }],
])("a %s's file that is not plainly of the other kind has its own faults told: %j", (kind, content) => {
  const path = join(folderWith({ "file.json5": content }), "file.json5");
  const faults = issuesOf(() => printedBy(kind, path));
  expect(faults.length).toBeGreaterThan(0);
  expect(faults.some(({ found }) => found.endsWith("configuration"))).toBe(false);
});

test("the environment counts as it would at start", () => {
  const path = frontDoorWith();
  expect(issuesOf(() => printedBy("front-door", path, { GATEHOUSE_PUBLIC_URL: "nowhere" }))).toMatchObject([
    { source: "GATEHOUSE_PUBLIC_URL" },
  ]);
});

test("every fault is thrown at once, and nothing printed", () => {
  const path = frontDoorWith({ frontDoor: {}, routes: { gateways: {}, routes: [{ to: "tokyo" }] } });
  const faults = issuesOf(() => printedBy("front-door", path));
  expect(faults.map(({ source }) => source)).toEqual(expect.arrayContaining(["front-door.json5"]));
  expect(faults.length).toBeGreaterThan(2);
});

/** Paths of a front door's and a gateway's file, each with this certificate and key beside it. */
async function withTls(options: CertificateOptions, keyMode = 0o600) {
  const { cert, key } = await selfSigned(options);
  const tls = { certificate: "cert.pem", key: "key.pem" };
  const more = {
    "cert.pem": cert,
    "key.pem": key,
    "gateway.json5": { ...GATEWAY, gateway: { ...GATEWAY.gateway, tls } },
  };
  const frontDoor = frontDoorWith({ frontDoor: { ...FRONT_DOOR, tls }, more });
  chmodSync(join(dirname(frontDoor), "key.pem"), keyMode);
  return { frontDoor, gateway: join(dirname(frontDoor), "gateway.json5") };
}

const fromTo = (from: string, until: string) => ({ from: new Date(from), until: new Date(until) });

test("a certificate that can be used is nothing to speak of", async () => {
  const paths = await withTls(fromTo("2026-01-01", "2027-01-01"));
  expect(printedBy("front-door", paths.frontDoor)).toEqual([expect.stringContaining(": valid. ")]);
  expect(printedBy("gateway", paths.gateway)).toEqual([expect.stringContaining(": valid. ")]);
});

test.each([
  ["has expired", fromTo("2025-01-01", "2026-11-20"), "expired on 2026-11-20", "renew it"],
  [
    "is not valid yet",
    fromTo("2026-11-22", "2027-01-01"),
    "is not valid before 2026-11-22",
    "wait, or look at this machine's clock",
  ],
])("a certificate that %s is a fault, with file, key and remedy", async (_what, dates, found, remedy) => {
  const paths = await withTls(dates);
  const issue = (path: string) => ({
    source: "cert.pem",
    path,
    found: `a certificate that ${found}`,
    expected: `one that is valid now and for a while: ${remedy}`,
  });
  expect(issuesOf(() => printedBy("front-door", paths.frontDoor))).toEqual([issue("tls.certificate")]);
  expect(issuesOf(() => printedBy("gateway", paths.gateway))).toEqual([issue("gateway.tls.certificate")]);
});

test("a certificate that expires soon, and a key that everybody may read, are warnings", async () => {
  const { frontDoor } = await withTls(fromTo("2026-01-01", "2026-12-01"), 0o644);
  const folder = dirname(frontDoor);
  expect(printedBy("front-door", frontDoor)).toEqual([
    `warning: ${folder}/cert.pem: tls.certificate: found a certificate that expires on 2026-12-01; expected one that is valid now and for a while: renew it`,
    `warning: ${folder}/key.pem: tls.key: found a key that everybody on this machine may read (mode 644); expected one that only its process may read: chmod 600`,
    expect.stringContaining(": valid. "),
  ]);
});

test("a key that its group may read is nothing to speak of", async () => {
  const { gateway } = await withTls({}, 0o640);
  expect(printedBy("gateway", gateway)).toEqual([expect.stringContaining(": valid. ")]);
});

test.each<[string, Record<string, string>, object[]]>([
  [
    "no certificate",
    { "key.pem": "a secret" },
    [
      { source: "cert.pem", path: "tls.certificate", found: "no file" },
      { source: "key.pem", path: "tls.key", found: "no private key that can be read" },
    ],
  ],
  ["no key", {}, [{ source: "key.pem", path: "tls.key", found: "no file" }]],
  [
    "what is no key",
    { "key.pem": "a secret" },
    [{ source: "key.pem", path: "tls.key", found: "no private key that can be read" }],
  ],
])("%s is a fault that shows no byte of the files", async (what, files, faults) => {
  const certificate = what === "no certificate" ? {} : { "cert.pem": (await selfSigned()).cert };
  const tls = { certificate: "cert.pem", key: "key.pem" };
  const path = frontDoorWith({ frontDoor: { ...FRONT_DOOR, tls }, more: { ...certificate, ...files } });
  const issues = issuesOf(() => printedBy("front-door", path));
  expect(issues).toMatchObject(faults);
  expect(JSON.stringify(issues)).not.toContain("a secret");
});

test("certificate and key are looked at beside whatever else is wrong, and each fault has file, key and remedy", () => {
  const tls = { certificate: "tls/cert.pem", key: "tls/key.pem" };
  const path = frontDoorWith({
    frontDoor: { ...FRONT_DOOR, publicUrl: "http://localhost:8080", tls },
    more: { "gateway.json5": { ...GATEWAY, gateway: { ...GATEWAY.gateway, endpoint: "A", tls } } },
  });
  const files = (key: string) => [
    {
      source: "cert.pem",
      path: `${key}.certificate`,
      found: "no file",
      expected:
        "a PEM file of the certificate, behind it the chain that leads to its CA: put it there, or correct the path",
    },
    {
      source: "key.pem",
      path: `${key}.key`,
      found: "no file",
      expected:
        "a PEM file of the certificate's private key, without a passphrase, that this process may read: put it there, or correct the path",
    },
  ];
  expect(issuesOf(() => printedBy("front-door", path))).toEqual([
    {
      source: "front-door.json5",
      path: "publicUrl",
      found: '"http://localhost:8080"',
      expected: "https, because tls is set; to serve plain http on loopback, take tls out",
    },
    ...files("tls"),
  ]);
  expect(issuesOf(() => printedBy("gateway", join(dirname(path), "gateway.json5")))).toEqual([
    expect.objectContaining({ source: "gateway.json5", path: "gateway.endpoint" }),
    ...files("gateway.tls"),
  ]);
});

test("another certificate's key is a fault", async () => {
  const tls = { certificate: "cert.pem", key: "key.pem" };
  const more = { "cert.pem": (await selfSigned()).cert, "key.pem": (await selfSigned()).key };
  const path = frontDoorWith({ frontDoor: { ...FRONT_DOOR, tls }, more });
  const issues = issuesOf(() => printedBy("front-door", path));
  expect(issues).toMatchObject([{ source: "key.pem", path: "tls.key", found: "another certificate's key" }]);
  expect(JSON.stringify(issues)).not.toContain("PRIVATE");
});
