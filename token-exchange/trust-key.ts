// The trust key: signs key sets and nothing else. A file kept apart from the store, because whoever has it can
// name new signing keys to every gateway that has pinned its thumbprint.
import type { KeyObject } from "node:crypto";
import { open, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { ConfigError } from "../core/config-error.ts";
import type { Store } from "../core/store.ts";
import { type EcKeyPair, ecKeyPairFromPem, generateEcKeyPair, privateKeyToPem } from "./ec-key-pair.ts";
import { KEY_SET_PLACE } from "./keyring.ts";

export type TrustKey = {
  readonly key: KeyObject;
  /** What gateways pin: RFC 7638, base64url. */
  readonly thumbprint: string;
};

export const TRUST_KEY_FILE = "trust-key.pem";

/**
 * Reads `<folder>/trust-key.pem`, or makes it at the very first start. Throws {@link ConfigError} when the file is
 * missing beside a store that has already published key sets: with a new one, no pinned gateway would believe us.
 */
export async function openTrustKey(folder: string, store: Store): Promise<TrustKey> {
  const path = join(folder, TRUST_KEY_FILE);
  const found = await readPem(path);
  if (found !== undefined) return trustKeyOf(parsePem(path, found));
  if ((await store.get(KEY_SET_PLACE)) !== undefined) {
    throw fault(
      path,
      "no file, but a store whose key sets it has signed",
      "the trust key that gateways have pinned; restore it from a backup. If it is lost: make one with " +
        "`openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256`, mode 600, and pin its thumbprint at every gateway",
    );
  }
  const made = generateEcKeyPair();
  await writeNew(path, privateKeyToPem(made.privateKey));
  return trustKeyOf(made);
}

function trustKeyOf(pair: EcKeyPair): TrustKey {
  return { key: pair.privateKey, thumbprint: pair.jwk.kid };
}

async function readPem(path: string): Promise<string | undefined> {
  try {
    const { mode } = await stat(path);
    if ((mode & 0o077) !== 0) {
      throw fault(
        path,
        `mode ${(mode & 0o777).toString(8)}`,
        "a file that nobody else can read; run `chmod 600` on it",
      );
    }
    return await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    throw fault(path, `a file that cannot be read (${code ?? "unknown error"})`, "a readable PEM file");
  }
}

function parsePem(path: string, pem: string): EcKeyPair {
  try {
    return ecKeyPairFromPem(pem);
  } catch {
    throw fault(path, "a file that is not such a key", "an EC P-256 private key, PKCS #8 in PEM");
  }
}

async function writeNew(path: string, pem: string): Promise<void> {
  // `wx`: never over a key that another process has just made.
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
