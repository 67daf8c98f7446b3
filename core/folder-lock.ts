// One process for each folder. The lock is a Unix socket that its holder listens on: the kernel itself knows whether
// the holder lives, whatever number it had. Process ids do not: they are reused, and of two containers that share
// a volume each is process 1 to itself.
import { randomBytes } from "node:crypto";
import { readdir, rename, rm } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { join } from "node:path";
import { ConfigError } from "./config-error.ts";
import { MAX_SOCKET_PATH_BYTES, shortestPath } from "./unix-socket.ts";

/** Any process's, not only this one's: a name cut short would look like nobody's. */
const LONGEST_NAME = "lock-4194304-00000000.sock";
const LOCK_NAME = /^lock-(\d+)-[0-9a-f]+\.sock$/;

/**
 * Locks a folder until the returned function is called or the process dies. Each holder has a lock of its own name
 * and looks at the others only after its own is seen to live: of two that start at once, one or both give up, and
 * removing a dead one's lock can never hit a living one's.
 * @throws ConfigError when another process, or this one, holds the folder
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  refuseIfTooDeep(folder);
  const name = `${process.pid}-${randomBytes(4).toString("hex")}.sock`;
  const unborn = join(folder, `bind-${name}`);
  const own = join(folder, `lock-${name}`);
  const server = await listen(unborn, folder);
  async function unlock() {
    await rm(own, { force: true });
    await new Promise((resolve) => server.close(resolve));
  }
  try {
    // Named as a lock only now: between bind and listen it would look dead.
    await rename(unborn, own);
    await refuseIfHeld(folder, own);
  } catch (error) {
    await unlock();
    throw error;
  }
  return unlock;
}

async function refuseIfHeld(folder: string, own: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const pid = LOCK_NAME.exec(name)?.[1];
    if (pid === undefined || path === own) continue;
    if (await isListening(path))
      throw refusal(
        folder,
        `a folder in use by process ${pid}`,
        `one process for each folder: stop process ${pid}, or give this one a folder of its own`,
      );
    await rm(path, { force: true });
  }
}

function listen(path: string, folder: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.on("error", (error) => {
      reject(refusal(folder, error.message, "a folder on a local file system that holds Unix sockets"));
    });
    server.listen(shortestPath(path), () => resolve(server.unref()));
  });
}

function refuseIfTooDeep(folder: string): void {
  const bytes = Buffer.byteLength(shortestPath(join(folder, LONGEST_NAME)));
  if (bytes <= MAX_SOCKET_PATH_BYTES) return;
  const expected = `at most ${MAX_SOCKET_PATH_BYTES}, the limit of Unix sockets: choose a shorter path`;
  throw refusal(folder, `a path that makes the lock's ${bytes} bytes long`, expected);
}

/** Only a clear "nobody listens" counts as dead: an error that is not understood must not free the folder. */
function isListening(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(shortestPath(path));
    socket.on("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", (error: NodeJS.ErrnoException) => {
      resolve(error.code !== "ECONNREFUSED" && error.code !== "ENOENT");
    });
  });
}

function refusal(source: string, found: string, expected: string): ConfigError {
  return new ConfigError([{ source, path: "", found, expected }]);
}
