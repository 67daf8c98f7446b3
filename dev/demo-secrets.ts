// The demonstration's own secrets: made at its first start and kept, so that sessions and histories survive a
// restart. Anything but the demonstration is given its secrets and makes none.
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export type DemoSecrets = {
  /** Path of the file that holds 32 random bytes in hex. */
  readonly encryptionKeyFile: string;
  readonly clientSecret: string;
  /** Of the second provider: none may know what another one is shown. */
  readonly partnerClientSecret: string;
};

export function openDemoSecrets(folder: string): DemoSecrets {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const encryptionKeyFile = join(folder, "encryption-key");
  readOrMake(encryptionKeyFile);
  return {
    encryptionKeyFile,
    clientSecret: readOrMake(join(folder, "client-secret")),
    partnerClientSecret: readOrMake(join(folder, "partner-client-secret")),
  };
}

function readOrMake(path: string): string {
  try {
    writeFileSync(path, `${randomBytes(32).toString("hex")}\n`, { flag: "wx", mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  return readFileSync(path, "utf8").trim();
}
