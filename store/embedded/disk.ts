// The few operations that the log needs of a file system: the seam at which tests fail writes and cut the power.
import { type FileHandle, open, readFile, rename } from "node:fs/promises";

export type AppendFile = {
  /** Appends all of the bytes, or throws. Nothing is durable before `sync`. */
  append(bytes: Uint8Array): Promise<void>;
  sync(): Promise<void>;
  close(): Promise<void>;
};

export type Disk = {
  /** Undefined when there is no such file. */
  read(path: string): Promise<Buffer | undefined>;
  /** An empty file, `0600`, in place of any other of that name. */
  create(path: string): Promise<AppendFile>;
  /** Replaces `to` at once; durable only after `syncFolder`. */
  rename(from: string, to: string): Promise<void>;
  /** Makes created and renamed names durable. */
  syncFolder(folder: string): Promise<void>;
};

export const nodeDisk: Disk = {
  async read(path) {
    try {
      return await readFile(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  },
  async create(path) {
    return appendFile(await open(path, "w", 0o600));
  },
  rename,
  async syncFolder(folder) {
    const handle = await open(folder, "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
};

function appendFile(handle: FileHandle): AppendFile {
  return {
    // Unlike `write`, goes on after a short write; from where the last one ended.
    append: (bytes) => handle.appendFile(bytes),
    sync: () => handle.sync(),
    close: () => handle.close(),
  };
}
