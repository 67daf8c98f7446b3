// Editing IT's and ops's files while people talk to their agents: what the edit takes away ends at once, with the
// right words, and nothing else notices.
import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { request } from "undici";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ADMIN_COMMANDS } from "../../cli/admin-commands.ts";
import type { StatusAnswer } from "../../proxy/admin/answers.ts";
import { type ChatSocket, openChat, refusalOf } from "../support/chat-socket.ts";
import { type DemoFixture, startTestDemo } from "../support/demo-fixture.ts";
import type { ScriptedBrowser } from "../support/scripted-browser.ts";
import { signIn } from "../support/sign-in.ts";

let fixture: DemoFixture;
let origin: string;
beforeEach(async () => {
  fixture = await startTestDemo();
  origin = fixture.demo.publicUrl;
});
afterEach(() => fixture.close());

const headersOf = (browser: ScriptedBrowser) => ({ cookie: browser.jar.header(new URL(origin)), origin });
const socketUrl = (agent: string) => `${origin.replace(/^http/, "ws")}/agents/${agent}/ws`;
const signedIn = async (email: string) => headersOf((await signIn(`${origin}/`, email)).browser);

async function edit(file: string, from: string | RegExp, to: string): Promise<void> {
  const path = join(fixture.configFolder, file);
  const before = await readFile(path, "utf8");
  const after = before.replace(from, to);
  expect(after).not.toBe(before);
  // As most editors and all deployment tools do it.
  await writeFile(`${path}.new`, after);
  await rename(`${path}.new`, path);
}

async function status(): Promise<StatusAnswer> {
  const lines: string[] = [];
  const data = join(fixture.data, "front-door");
  const unset = { user: undefined, provider: undefined, now: false };
  const print = (line: string) => lines.push(line);
  await ADMIN_COMMANDS.get("status")?.run({ data, json: true, ...unset, print }, "");
  return JSON.parse(lines.join("\n"));
}

async function metric(name: string): Promise<string | undefined> {
  const answer = await request(`http://127.0.0.1:${fixture.demo.frontDoor.privatePort}/metrics`);
  const lines = (await answer.body.text()).split("\n");
  return lines.find((line) => line.startsWith(name))?.split(" ")[1];
}

async function answers(chat: ChatSocket): Promise<boolean> {
  return (await chat.ask("whoami")).includes("@example.com");
}

const REMOVE_CODER = [/engineering: \{[^}]*\}/, 'engineering: { agents: ["assistant"] }'] as const;

describe("an edit of IT's file", () => {
  it("ends exactly the chats it takes away, and says who did it and when", async () => {
    const alice = await signedIn("alice@example.com");
    const [coder, assistant] = [
      await openChat(socketUrl("coder"), alice),
      await openChat(socketUrl("assistant"), alice),
    ];
    await edit("access.json5", ...REMOVE_CODER);
    const closed = await coder.closed;
    expect(closed).toEqual({
      code: 1008,
      reason: expect.stringMatching(/^IT removed your access to Coder at \d\d:\d\d UTC$/),
    });
    expect(await answers(assistant)).toBe(true);
    const refused = await refusalOf(socketUrl("coder"), alice);
    expect([refused.status, JSON.parse(refused.body).error.code]).toEqual([403, "agent_not_allowed"]);
    expect((await status()).policy).toMatchObject({ snapshot: 2, faults: [], needsRestart: [] });
    expect(await metric("gatehouse_policy_snapshot")).toBe("2");
    expect(await metric('gatehouse_connections_ended_total{reason="access_removed"}')).toBe("1");
    assistant.close();
  });

  it("counts at the next start too, under the same number", async () => {
    await edit("access.json5", ...REMOVE_CODER);
    await vi.waitFor(async () => expect((await status()).policy.snapshot).toBe(2), { timeout: 10_000 });
    await fixture.restart();
    expect((await status()).policy.snapshot).toBe(2);
  });

  it("changes nothing when it is broken, and everybody who should know is told", async () => {
    const coder = await openChat(socketUrl("coder"), await signedIn("alice@example.com"));
    await edit("access.json5", 'agents: ["assistant", "coder"]', 'agents: ["assistent"], role: 1');
    await vi.waitFor(async () => expect((await status()).policy.faults).not.toEqual([]), { timeout: 10_000 });
    const { policy } = await status();
    expect(policy).toMatchObject({ snapshot: 1, needsRestart: [] });
    expect(policy.faults).toEqual([
      expect.stringContaining("groups.engineering"),
      expect.stringContaining('"assistent"'),
    ]);
    expect(Number(await metric("gatehouse_policy_reload_failures_total"))).toBeGreaterThan(0);
    expect(await answers(coder)).toBe(true);
    await edit("access.json5", 'agents: ["assistent"], role: 1', 'agents: ["assistant"]');
    expect(await coder.closed).toMatchObject({ code: 1008 });
    expect((await status()).policy).toMatchObject({ snapshot: 2, faults: [] });
  });
});

describe("an edit of ops's file", () => {
  it("moves whom it concerns, who come back to the other gateway", async () => {
    const [alice, dana] = [await signedIn("alice@example.com"), await signedIn("dana@example.com")];
    const [moved, stays] = [
      await openChat(socketUrl("assistant"), alice),
      await openChat(socketUrl("assistant"), dana),
    ];
    await edit(
      "routes.json5",
      'users: ["dana@example.com"]',
      'users: ["dana@example.com", "alice@example.com"]',
    );
    expect(await moved.closed).toEqual({ code: 1012, reason: "your agent has moved, connect again" });
    const back = await openChat(socketUrl("assistant"), alice);
    expect(await back.ask("where")).toMatch(/berlin-1/);
    expect(await answers(stays)).toBe(true);
    back.close();
    stays.close();
  });
});

describe("an edit of the front door's own file", () => {
  it("is named as waiting for a restart, and not applied", async () => {
    await edit("front-door.json5", "contact:", "limits: { socketsPerUser: 1 },\n  contact:");
    await vi.waitFor(
      async () => expect((await status()).policy.needsRestart).toEqual(["limits.socketsPerUser"]),
      { timeout: 10_000 },
    );
    const alice = await signedIn("alice@example.com");
    const chats = [await openChat(socketUrl("coder"), alice), await openChat(socketUrl("assistant"), alice)];
    for (const chat of chats) chat.close();
  });

  it("keeps no edit of the other files waiting when it is broken", async () => {
    const coder = await openChat(socketUrl("coder"), await signedIn("alice@example.com"));
    await edit("front-door.json5", "contact:", "contakt:");
    await edit("access.json5", ...REMOVE_CODER);
    expect(await coder.closed).toMatchObject({ code: 1008 });
    expect((await status()).policy.faults).toEqual([expect.stringContaining("contakt")]);
  });
});
