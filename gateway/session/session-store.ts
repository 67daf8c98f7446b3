// Every session and its history, on disk under <data>/sessions/<user id>/. A message is acknowledged only when it
// would survive the process being killed. What lists sessions is read from their files, so it cannot disagree.
import { createHash } from "node:crypto";
import { mkdir, open, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { ChatMessage } from "../../core/gateway-protocol.ts";
import { isUserId, type UserId } from "../../core/ids.ts";
import type { Log } from "../../core/log.ts";
import { err, ok, type Result } from "../../core/result.ts";
import { createInOrder } from "./in-order.ts";
import type { SessionIdentity } from "./session-key.ts";
import { titleFrom } from "./session-title.ts";
import {
  completeLength,
  encodeLine,
  readHead,
  readTranscript,
  type Transcript,
  TranscriptDamaged,
  type TranscriptHead,
} from "./transcript.ts";

export type StoredSession = TranscriptHead & {
  /** Milliseconds since 1970: its last message's time. */
  readonly updatedAt: number;
  readonly messageCount: number;
  /** What its owner calls it. */
  readonly label: string | null;
  /** How its first question begins. */
  readonly derivedTitle: string | null;
  readonly bytes: number;
};

/** One person's sessions as they are at the moment of each call. Files that cannot be read are left out. */
export type UserSessions = {
  find(identity: SessionIdentity): StoredSession | undefined;
  /** The newest first. */
  list(): readonly StoredSession[];
};

export type SessionStore = {
  sessionsOf(userId: UserId): Promise<UserSessions>;
  /** The history as it was when `session` was found: what was written since is not in it. */
  read(session: StoredSession): Promise<Transcript>;
  /**
   * Adds one message, creating the session with its first. Rejects when it could not be written; then it is not
   * part of the history.
   * @param whenWritten called in the very step in which the message becomes part of the history
   */
  append(identity: SessionIdentity, message: ChatMessage, whenWritten?: () => void): Promise<void>;
  /** Names a session, or takes its name away: another line of its file, which a full one gets no more of. */
  rename(identity: SessionIdentity, label: string | null): Promise<Renamed>;
  /** Deletes a session with its history; false when there was none. */
  remove(identity: SessionIdentity): Promise<boolean>;
  /** Sessions of everybody, on disk. */
  total(): number;
  /** Resolves when every message handed over is written. */
  close(): Promise<void>;
};

export type Renamed = Result<StoredSession, "not_found" | "session_full">;

export type SessionStoreOptions = {
  readonly folder: string;
  readonly newId: () => string;
  readonly log: Log;
  /** Told of every change of a session, in the step in which it takes effect; undefined: it was deleted. */
  readonly onChange: (identity: SessionIdentity, session: StoredSession | undefined) => void;
};

/** What one session may fill by its owner's own messages and names; far beyond what a person writes. */
export const MAX_SESSION_BYTES = 64 * 1024 * 1024;

type Shelf = Map<string, StoredSession>;

export async function openSessionStore(options: SessionStoreOptions): Promise<SessionStore> {
  const { folder, newId, log, onChange } = options;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const shelves = new Map<UserId, Promise<Shelf>>();
  const writing = createInOrder();
  let total = await countFiles(folder);

  function shelfOf(userId: UserId): Promise<Shelf> {
    const known = shelves.get(userId);
    if (known !== undefined) return known;
    const loading = loadShelf(folder, userId, log);
    shelves.set(userId, loading);
    // A disk that fails once is asked again.
    loading.catch(() => shelves.delete(userId));
    return loading;
  }

  function pathOf(identity: SessionIdentity): string {
    return join(folder, identity.userId, fileNameOf(identity));
  }

  async function write(identity: SessionIdentity, message: ChatMessage, whenWritten: () => void) {
    const shelf = await shelfOf(identity.userId);
    const fileName = fileNameOf(identity);
    const before = shelf.get(fileName) ?? emptySession(identity, newId(), message.timestamp);
    const line = encodeLine(message);
    const bytes = before.bytes === 0 ? Buffer.concat([encodeLine(headOf(before)), line]) : line;
    await mkdir(join(folder, identity.userId), { recursive: true, mode: 0o700 });
    await writeAt(pathOf(identity), bytes, before.bytes);
    if (before.bytes === 0) total += 1;
    const after: StoredSession = {
      ...before,
      updatedAt: message.timestamp,
      messageCount: before.messageCount + 1,
      derivedTitle: before.derivedTitle ?? titleFrom(message),
      bytes: before.bytes + bytes.length,
    };
    shelf.set(fileName, after);
    whenWritten();
    onChange(identity, after);
  }

  async function writeLabel(identity: SessionIdentity, label: string | null): Promise<Renamed> {
    const shelf = await shelfOf(identity.userId);
    const fileName = fileNameOf(identity);
    const before = shelf.get(fileName);
    if (before === undefined) return err("not_found");
    if (before.label === label) return ok(before);
    if (before.bytes > MAX_SESSION_BYTES) return err("session_full");
    const line = encodeLine({ label });
    await writeAt(pathOf(identity), line, before.bytes);
    const after: StoredSession = { ...before, label, bytes: before.bytes + line.length };
    shelf.set(fileName, after);
    onChange(identity, after);
    return ok(after);
  }

  async function removeFile(identity: SessionIdentity) {
    const shelf = await shelfOf(identity.userId);
    const fileName = fileNameOf(identity);
    if (!shelf.has(fileName)) return false;
    await rm(pathOf(identity));
    shelf.delete(fileName);
    total -= 1;
    onChange(identity, undefined);
    return true;
  }

  return {
    async sessionsOf(userId) {
      const shelf = await shelfOf(userId);
      return {
        find: (identity) => (identity.userId === userId ? shelf.get(fileNameOf(identity)) : undefined),
        list: () => [...shelf.values()].sort((a, b) => b.updatedAt - a.updatedAt),
      };
    },
    async read(session) {
      const bytes = await readFile(pathOf(session));
      return readTranscript(bytes.subarray(0, session.bytes));
    },
    append: (identity, message, whenWritten = () => {}) =>
      writing.run(pathOf(identity), () => write(identity, message, whenWritten)),
    rename: (identity, label) => writing.run(pathOf(identity), () => writeLabel(identity, label)),
    remove: (identity) => writing.run(pathOf(identity), () => removeFile(identity)),
    total: () => total,
    close: () => writing.idle(),
  };
}

// A key may hold `:` and `..`, and file systems fold case: the file is named for its hash.
function fileNameOf({ agentId, name }: SessionIdentity): string {
  return `${createHash("sha256").update(`${agentId}\0${name}`).digest("hex").slice(0, 40)}.jsonl`;
}

async function loadShelf(folder: string, userId: UserId, log: Log): Promise<Shelf> {
  const shelf: Shelf = new Map();
  for (const fileName of await sessionFilesIn(join(folder, userId))) {
    const path = join(folder, userId, fileName);
    try {
      const session = summarise(await readFile(path));
      // Torn in its very first write, which nobody was told of: the name is free again.
      if (session === undefined) await rm(path);
      else if (session.userId === userId && fileNameOf(session) === fileName) shelf.set(fileName, session);
      else throw new TranscriptDamaged("it belongs to another session");
    } catch (error) {
      // Never written over either (`wx` below): what is left of it may be mended by hand.
      log.error({ err: error, path }, "a session cannot be read and is left out");
    }
  }
  return shelf;
}

function summarise(file: Buffer): StoredSession | undefined {
  const bytes = completeLength(file);
  if (bytes === 0) return undefined;
  const complete = file.subarray(0, bytes);
  const head = readHead(complete);
  const { label, messageCount, message } = readTranscript(complete);
  const updatedAt = messageCount === 0 ? head.createdAt : message(messageCount - 1).timestamp;
  const derivedTitle = messageCount === 0 ? null : titleFrom(message(0));
  return { ...head, updatedAt, messageCount, label, derivedTitle, bytes };
}

function emptySession(identity: SessionIdentity, sessionId: string, createdAt: number): StoredSession {
  const { userId, agentId, name } = identity;
  const head = { sessionId, userId, agentId, name, chatType: "direct", createdAt } as const;
  return { ...head, updatedAt: createdAt, messageCount: 0, label: null, derivedTitle: null, bytes: 0 };
}

function headOf({ sessionId, userId, agentId, name, chatType, createdAt }: StoredSession): TranscriptHead {
  return { sessionId, userId, agentId, name, chatType, createdAt };
}

// At the known end, cutting off first what an earlier write that failed or was torn may have left behind.
async function writeAt(path: string, bytes: Buffer, position: number): Promise<void> {
  const file = await open(path, position === 0 ? "wx" : "r+", 0o600);
  try {
    await file.truncate(position);
    const { bytesWritten } = await file.write(bytes, 0, bytes.length, position);
    if (bytesWritten !== bytes.length) throw new Error("the disk took only a part of a message");
    await file.datasync();
  } catch (error) {
    if (position === 0) await rm(path, { force: true });
    throw error;
  } finally {
    await file.close();
  }
}

async function countFiles(folder: string): Promise<number> {
  let count = 0;
  for (const user of await readdir(folder)) {
    if (isUserId(user)) count += (await sessionFilesIn(join(folder, user))).length;
  }
  return count;
}

async function sessionFilesIn(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  return names.filter((name) => /^[0-9a-f]{40}\.jsonl$/.test(name));
}
