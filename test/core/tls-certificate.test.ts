import { generateKeyPairSync } from "node:crypto";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it, test } from "vitest";
import { readCertificate } from "../../core/tls-certificate.ts";
import { folderWith } from "../config/config-folder.ts";
import { createTestCa, selfSigned, type TestCertificate } from "../support/certificates.ts";

let own: TestCertificate;
let other: TestCertificate;
let chain: string;
beforeAll(async () => {
  own = await selfSigned({ from: new Date("2026-01-01"), until: new Date("2027-01-01") });
  other = await selfSigned();
  chain = (await createTestCa()).cert;
});

function read(files: { readonly cert?: string | Buffer; readonly key?: string | Buffer }) {
  const named = Object.entries(files).filter(([, content]) => content !== undefined);
  const folder = folderWith(Object.fromEntries(named));
  const result = readCertificate({ certificate: join(folder, "cert"), key: join(folder, "key") }, "tls");
  const nameOnly = (text: string) => text.replaceAll(`${folder}/`, "");
  if (result.ok) return result.value;
  return result.error.map(({ source, path, found, expected }) => {
    return { source: nameOnly(source), path, found, expected: nameOnly(expected) };
  });
}

const A_CERTIFICATE = "a PEM file of the certificate, behind it the chain that leads to its CA";
const A_KEY = "a PEM file of the certificate's private key, without a passphrase, that this process may read";
const PUT_IT_THERE = ": put it there, or correct the path";
const certificateFault = (found: string, expected = A_CERTIFICATE) => ({
  source: "cert",
  path: "tls.certificate",
  found,
  expected,
});
const keyFault = (found: string, expected = A_KEY) => ({ source: "key", path: "tls.key", found, expected });

describe("a certificate and its key", () => {
  it("are read with what others need to know of them", () => {
    expect(read(own)).toEqual({
      cert: own.cert,
      key: own.key,
      fingerprint: own.fingerprint,
      validFrom: Date.UTC(2026, 0, 1),
      expiresAt: Date.UTC(2027, 0, 1),
    });
  });

  it("may have a chain behind them", () => {
    expect(read({ ...own, cert: own.cert + chain })).toMatchObject({ fingerprint: own.fingerprint });
  });

  test.each<[string, () => Parameters<typeof read>[0], object]>([
    [
      "no certificate",
      () => ({ key: own.key }),
      certificateFault("no file", `${A_CERTIFICATE}${PUT_IT_THERE}`),
    ],
    ["no key", () => ({ cert: own.cert }), keyFault("no file", `${A_KEY}${PUT_IT_THERE}`)],
    [
      "an empty certificate",
      () => ({ ...own, cert: "" }),
      certificateFault("no certificate that can be read"),
    ],
    [
      "half a certificate",
      () => ({ ...own, cert: own.cert.slice(0, own.cert.length / 2) }),
      certificateFault("no certificate that can be read"),
    ],
    [
      "half a chain",
      () => ({ ...own, cert: own.cert + chain.slice(0, chain.length / 2) }),
      certificateFault("no certificate that can be read"),
    ],
    ["an empty key", () => ({ ...own, key: "" }), keyFault("no private key that can be read")],
    [
      "half a key",
      () => ({ ...own, key: own.key.slice(0, 90) }),
      keyFault("no private key that can be read"),
    ],
    [
      "a key with a passphrase",
      () => ({ ...own, key: lockedKey() }),
      keyFault("no private key that can be read"),
    ],
    [
      "another certificate's key",
      () => ({ cert: own.cert, key: other.key }),
      keyFault(
        "another certificate's key",
        "the private key that cert was issued for; it must be the first certificate in its file",
      ),
    ],
    [
      "the chain before the certificate",
      () => ({ ...own, cert: chain + own.cert }),
      keyFault(
        "another certificate's key",
        "the private key that cert was issued for; it must be the first certificate in its file",
      ),
    ],
  ])("are refused with %s, by file and remedy", (_what, files, expected) => {
    expect(read(files())).toEqual([expected]);
  });

  it.each([
    ["missing", {}, "no file", "no file"],
    [
      "no certificate and no key",
      { cert: "x", key: "x" },
      "no certificate that can be read",
      "no private key that can be read",
    ],
  ])("are both named when both are %s", (_what, files, certificate, key) => {
    const remedy = "cert" in files ? "" : PUT_IT_THERE;
    expect(read(files)).toEqual([
      certificateFault(certificate, `${A_CERTIFICATE}${remedy}`),
      keyFault(key, `${A_KEY}${remedy}`),
    ]);
  });

  it("that may not be read say so", () => {
    // The system's root may read everything.
    if (process.getuid?.() === 0) return;
    const folder = folderWith({ cert: own.cert, key: own.key });
    chmodSync(join(folder, "key"), 0);
    const result = readCertificate({ certificate: join(folder, "cert"), key: join(folder, "key") }, "tls");
    expect(result).toMatchObject({ error: [{ found: "a file that cannot be read (EACCES)" }] });
  });
});

function lockedKey(): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return String(privateKey.export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "x" }));
}
