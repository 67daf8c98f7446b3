import { appendFile, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ChatMessage } from "../../../core/gateway-protocol.ts";
import { createLog } from "../../../core/log.ts";
import { err, ok } from "../../../core/result.ts";
import {
  MAX_SESSION_BYTES,
  openSessionStore,
  type SessionStore,
  type SessionStoreOptions,
} from "../../../gateway/session/session-store.ts";
import { ALICE, agentId, BOB } from "../../support/assertion-fixture.ts";

const MAIN = { userId: ALICE, agentId: agentId("coder"), name: "main" };
let folder: string;
let store: SessionStore;
let ids: number;
/** What the store told of: name, messages, label. */
let changes: unknown[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "gatehouse-sessions-"));
  ids = 0;
  changes = [];
  store = await open();
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function open(): Promise<SessionStore> {
  const newId = () => {
    ids += 1;
    return `session-${ids}`;
  };
  const onChange: SessionStoreOptions["onChange"] = ({ name }, session) =>
    changes.push([name, session?.messageCount, session?.label]);
  return openSessionStore({ folder, newId, log: createLog("test", "silent"), onChange });
}

function message(text: string, changes: Partial<ChatMessage> = {}): ChatMessage {
  return {
    id: `m-${text}`,
    role: "user",
    content: [{ type: "text", text }],
    timestamp: 1_000 + text.length,
    runId: `run-${text}`,
    ...changes,
  };
}

async function textsOf(from: SessionStore, identity = MAIN): Promise<readonly string[]> {
  const session = (await from.sessionsOf(identity.userId)).find(identity);
  if (session === undefined) return [];
  const transcript = await from.read(session);
  const indexes = Array.from({ length: transcript.messageCount }, (_, index) => index);
  return indexes.map((index) =>
    transcript
      .message(index)
      .content.map((part) => part.text)
      .join(""),
  );
}

async function fileOf(user: string): Promise<string> {
  const [name = ""] = await readdir(join(folder, user));
  return join(folder, user, name);
}

describe("session store", () => {
  test("keeps sessions and histories over a restart, with their ids and times", async () => {
    await store.append(MAIN, message("one"));
    await store.append(MAIN, message("three", { role: "assistant", stopReason: "stop" }));
    await store.append({ ...MAIN, name: "notes" }, message("seventeen"));
    const reopened = await open();
    expect(await textsOf(reopened)).toEqual(["one", "three"]);
    expect((await reopened.sessionsOf(ALICE)).list()).toEqual([
      {
        ...MAIN,
        name: "notes",
        sessionId: "session-2",
        chatType: "direct",
        createdAt: 1_009,
        updatedAt: 1_009,
        messageCount: 1,
        label: null,
        derivedTitle: "seventeen",
        bytes: expect.any(Number),
      },
      {
        ...MAIN,
        sessionId: "session-1",
        chatType: "direct",
        createdAt: 1_003,
        updatedAt: 1_005,
        messageCount: 2,
        label: null,
        derivedTitle: "one",
        bytes: expect.any(Number),
      },
    ]);
    expect(reopened.total()).toBe(2);
  });

  test("cuts off a line that was torn by a kill, and goes on behind what was complete", async () => {
    await store.append(MAIN, message("kept"));
    const torn = JSON.stringify(message("torn"));
    await appendFile(await fileOf(ALICE), torn.slice(0, torn.length - 5));
    const reopened = await open();
    expect(await textsOf(reopened)).toEqual(["kept"]);
    await reopened.append(MAIN, message("x"));
    expect(await textsOf(await open())).toEqual(["kept", "x"]);
  });

  test("has every acknowledged message after a kill at any byte of the next one", async () => {
    await store.append(MAIN, message("kept"));
    const path = await fileOf(ALICE);
    const kept = (await readFile(path)).length;
    await store.append(MAIN, message("next"));
    const whole = await readFile(path);
    for (let length = kept; length <= whole.length; length += 1) {
      await writeFile(path, whole.subarray(0, length));
      expect(await textsOf(await open())).toEqual(length === whole.length ? ["kept", "next"] : ["kept"]);
    }
  });

  test("writes over what a failed write has left behind, to its last byte", async () => {
    await store.append(MAIN, message("kept"));
    const failed = [message("never acknowledged"), message("nor this")].map((line) => JSON.stringify(line));
    await appendFile(await fileOf(ALICE), `${failed.join("\n")}\n`);
    await store.append(MAIN, message("next"));
    expect(await textsOf(await open())).toEqual(["kept", "next"]);
  });

  test("starts a session anew whose very first write was torn", async () => {
    await store.append(MAIN, message("never acknowledged"));
    await truncate(await fileOf(ALICE), 10);
    const reopened = await open();
    expect(await textsOf(reopened)).toEqual([]);
    await reopened.append(MAIN, message("first"));
    expect(await textsOf(reopened)).toEqual(["first"]);
  });

  test("leaves out a damaged session, keeps the others, and never writes over it", async () => {
    await store.append(MAIN, message("damaged"));
    const path = await fileOf(ALICE);
    const damaged = (await readFile(path, "utf8")).replace('"sessionId"', '"sessionid"');
    await writeFile(path, damaged);
    await store.append({ ...MAIN, name: "notes" }, message("fine"));
    const reopened = await open();
    expect((await reopened.sessionsOf(ALICE)).list().map(({ name }) => name)).toEqual(["notes"]);
    await expect(reopened.append(MAIN, message("over it"))).rejects.toThrow("EEXIST");
    expect(await readFile(path, "utf8")).toBe(damaged);
  });

  test("does not take over a file that belongs to somebody else", async () => {
    await store.append(MAIN, message("alice's"));
    const path = await fileOf(ALICE);
    await store.append({ ...MAIN, userId: BOB }, message("bob's"));
    await writeFile(await fileOf(BOB), await readFile(path));
    expect((await (await open()).sessionsOf(BOB)).list()).toEqual([]);
  });

  test("keeps the sessions of two people with the same key apart", async () => {
    await store.append(MAIN, message("alice's"));
    await store.append({ ...MAIN, userId: BOB }, message("bob's"));
    expect(await textsOf(store)).toEqual(["alice's"]);
    expect(await textsOf(store, { ...MAIN, userId: BOB })).toEqual(["bob's"]);
    expect((await store.sessionsOf(BOB)).find(MAIN)).toBeUndefined();
  });

  test.each(["..", "...", "a:b", "con", "x".repeat(116)])(
    "never uses the name %j in a path",
    async (name) => {
      await store.append({ ...MAIN, name }, message("kept"));
      expect(await readdir(folder)).toEqual([ALICE]);
      expect(await readdir(join(folder, ALICE))).toEqual([expect.stringMatching(/^[0-9a-f]{40}\.jsonl$/)]);
      expect(await textsOf(await open(), { ...MAIN, name })).toEqual(["kept"]);
    },
  );

  test("writes messages handed over together one after the other", async () => {
    const texts = Array.from({ length: 20 }, (_, index) => `message ${index}`);
    await Promise.all(texts.map((text) => store.append(MAIN, message(text))));
    expect(await textsOf(await open())).toEqual(texts);
  });

  test("says that a message is part of the history in the step in which it becomes so", async () => {
    const sessions = await store.sessionsOf(ALICE);
    const counts: (number | undefined)[] = [];
    await store.append(MAIN, message("one"), () => counts.push(sessions.find(MAIN)?.messageCount));
    expect(counts).toEqual([1]);
  });

  test("reads a history as it was when the session was found", async () => {
    await store.append(MAIN, message("one"));
    const found = (await store.sessionsOf(ALICE)).find(MAIN);
    await store.append(MAIN, message("two"));
    expect(found && (await store.read(found)).messageCount).toBe(1);
  });

  test("finds the message of a run, and is not misled by text that looks like one", async () => {
    await store.append(MAIN, message('"runId":"run-b"', { runId: "run-a" }));
    await store.append(MAIN, message("real", { runId: "run-c" }));
    const session = (await store.sessionsOf(ALICE)).find(MAIN);
    const transcript = session && (await store.read(session));
    expect(transcript?.userMessageOf("run-b")).toBeUndefined();
    expect(transcript?.userMessageOf("run-c")).toEqual(message("real", { runId: "run-c" }));
  });

  const sessionNow = async (from = store) => (await from.sessionsOf(ALICE)).find(MAIN);

  test("names a session, names it anew, and keeps the last name over a restart beside its messages", async () => {
    await store.append(MAIN, message("one"));
    expect(await store.rename(MAIN, "First")).toMatchObject({ value: { label: "First", messageCount: 1 } });
    await store.append(MAIN, message("two"));
    await store.rename(MAIN, '"runId":"run-x"');
    await store.append(MAIN, message("three"));
    const reopened = await open();
    expect(await sessionNow(reopened)).toEqual(await sessionNow());
    expect(await sessionNow(reopened)).toMatchObject({
      label: '"runId":"run-x"',
      messageCount: 3,
      updatedAt: 1_005,
    });
    expect(await textsOf(reopened)).toEqual(["one", "two", "three"]);
    await reopened.rename(MAIN, null);
    expect((await sessionNow(await open()))?.label).toBeNull();
  });

  test("has a name, or the one before, after a kill at any byte of it, and every message", async () => {
    await store.append(MAIN, message("kept"));
    await store.rename(MAIN, "Old");
    const path = await fileOf(ALICE);
    const kept = (await readFile(path)).length;
    await store.rename(MAIN, "New");
    const whole = await readFile(path);
    for (let length = kept; length <= whole.length; length += 1) {
      await writeFile(path, whole.subarray(0, length));
      const reopened = await open();
      expect((await sessionNow(reopened))?.label).toBe(length === whole.length ? "New" : "Old");
      expect(await textsOf(reopened)).toEqual(["kept"]);
    }
  });

  test("neither names nor makes a session that does not exist", async () => {
    expect(await store.rename(MAIN, "Name")).toEqual(err("not_found"));
    expect(await readdir(folder)).toEqual([]);
  });

  test("takes no more names into a session that is full, so that no disk is filled by renaming", async () => {
    await store.append(MAIN, message("one"));
    await store.rename(MAIN, "Name");
    await store.append(MAIN, message("x".repeat(MAX_SESSION_BYTES)));
    const full = await sessionNow();
    expect(await store.rename(MAIN, "Other")).toEqual(err("session_full"));
    expect(await store.rename(MAIN, null)).toEqual(err("session_full"));
    // Nothing to write.
    expect(await store.rename(MAIN, "Name")).toEqual(ok(full));
    expect((await stat(await fileOf(ALICE))).size).toBe(full?.bytes);
  });

  test("deletes a session with its file; its key begins a new one", async () => {
    await store.append(MAIN, message("gone"));
    await store.append({ ...MAIN, userId: BOB }, message("bob's"));
    expect(await store.remove(MAIN)).toBe(true);
    expect([await store.remove(MAIN), await readdir(join(folder, ALICE)), store.total()]).toEqual([
      false,
      [],
      1,
    ]);
    expect(await textsOf(store, { ...MAIN, userId: BOB })).toEqual(["bob's"]);
    await store.append(MAIN, message("new"));
    expect(await textsOf(await open())).toEqual(["new"]);
    expect((await sessionNow())?.sessionId).toBe("session-3");
  });

  test("tells of every change, and not of what changed nothing", async () => {
    await store.append(MAIN, message("one"));
    await store.rename(MAIN, "Name");
    await store.rename(MAIN, "Name");
    await store.remove(MAIN);
    await store.remove(MAIN);
    await store.rename(MAIN, "Gone");
    expect(changes).toEqual([
      ["main", 1, null],
      ["main", 1, "Name"],
      ["main", undefined, undefined],
    ]);
  });
});
