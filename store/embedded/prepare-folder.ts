// The folder that the store lives in: private to its owner, and durably there.
import { mkdir, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { ConfigError } from "../../core/config-error.ts";
import { nodeDisk } from "./disk.ts";

/**
 * Creates the folder `0700`, parents included, when absent. An existing one that others may enter is refused, not
 * changed: a mistyped path must not take a system folder from its users.
 * @throws ConfigError
 */
export async function prepareFolder(folder: string): Promise<void> {
  const mode = await createAndStat(folder).catch((error: NodeJS.ErrnoException) => {
    throw refusal(folder, error.message, "a folder that this process may create and write");
  });
  const others = mode & 0o077;
  if (others !== 0)
    throw refusal(folder, `mode ${(mode & 0o777).toString(8)}`, `mode 700: chmod 700 ${folder}`);
}

async function createAndStat(folder: string): Promise<number> {
  const first = await mkdir(folder, { recursive: true, mode: 0o700 });
  if (first !== undefined) await syncNewFolders(resolve(first), resolve(folder));
  return (await stat(folder)).mode;
}

// A new folder is durable when its parent is synced.
async function syncNewFolders(first: string, last: string): Promise<void> {
  for (let created = last; ; created = dirname(created)) {
    await nodeDisk.syncFolder(dirname(created));
    if (created === first || created === dirname(created)) return;
  }
}

function refusal(source: string, found: string, expected: string): ConfigError {
  return new ConfigError([{ source, path: "", found, expected }]);
}
