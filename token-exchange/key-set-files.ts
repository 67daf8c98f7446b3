// What an operator copies to each gateway: the newest signed key set and the thumbprint to pin. Both are public.
import { randomBytes } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { PublishedKeySet } from "./keyring.ts";

export const KEY_SET_FILE = "key-set.jwt";
export const TRUST_THUMBPRINT_FILE = "trust-thumbprint";

/** Writes `<folder>/key-set.jwt` and `<folder>/trust-thumbprint`; a reader sees the old or the new one, never half. */
export async function writeKeySetFiles(
  folder: string,
  keySet: PublishedKeySet,
  trustThumbprint: string,
): Promise<void> {
  await replace(join(folder, TRUST_THUMBPRINT_FILE), `${trustThumbprint}\n`);
  await replace(join(folder, KEY_SET_FILE), `${keySet.envelope}\n`);
}

async function replace(path: string, text: string): Promise<void> {
  const draft = `${path}.${randomBytes(6).toString("hex")}`;
  try {
    const file = await open(draft, "wx", 0o644);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}
