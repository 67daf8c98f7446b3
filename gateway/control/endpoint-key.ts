// The key by which this endpoint proves to the front door that it is the same one as ever. Made at the first start,
// in the locked data folder; it never leaves it.
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { open, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { ConfigError } from "../../core/config-error.ts";
import { type PublicSigningKey, readPublicKey } from "../../core/key-set.ts";

export type EndpointKey = {
  readonly privateKey: KeyObject;
  /** `kid` is the thumbprint that the front door remembers. */
  readonly jwk: PublicSigningKey;
};

const ENDPOINT_KEY_FILE = "endpoint-key.pem";

/** Reads `<folder>/endpoint-key.pem`, or makes it. Throws {@link ConfigError} for a file that is none, or that others can read. */
export async function openEndpointKey(folder: string): Promise<EndpointKey> {
  const path = join(folder, ENDPOINT_KEY_FILE);
  const pem = await readPem(path);
  if (pem !== undefined) return parsePem(path, pem);
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  await writeNew(path, privateKey.export({ type: "pkcs8", format: "pem" }).toString());
  return endpointKeyOf(privateKey);
}

async function readPem(path: string): Promise<string | undefined> {
  try {
    const { mode } = await stat(path);
    if ((mode & 0o077) !== 0)
      throw fault(path, `mode ${(mode & 0o777).toString(8)}`, `mode 600: chmod 600 ${path}`);
    return await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    throw fault(path, `a file that cannot be read (${code ?? "unknown error"})`, "a readable PEM file");
  }
}

function parsePem(path: string, pem: string): EndpointKey {
  try {
    return endpointKeyOf(createPrivateKey(pem));
  } catch {
    const expected =
      "an EC P-256 private key in PEM; restore it from a backup, or remove it: the front door then asks its operator";
    throw fault(path, "a file that is not such a key", expected);
  }
}

function endpointKeyOf(privateKey: KeyObject): EndpointKey {
  const read = readPublicKey(createPublicKey(privateKey).export({ format: "jwk" }));
  if (read === undefined) throw new TypeError("not a key on the curve P-256");
  return { privateKey, jwk: read.jwk };
}

async function writeNew(path: string, pem: string): Promise<void> {
  // `wx`: never over a key.
  const file = await open(path, "wx", 0o600);
  try {
    await file.writeFile(pem);
    await file.sync();
  } finally {
    await file.close();
  }
}

function fault(source: string, found: string, expected: string): ConfigError {
  return new ConfigError([{ source, path: "", found, expected }]);
}
