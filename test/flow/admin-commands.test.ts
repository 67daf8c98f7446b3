// The commands of an administrator against a running demonstration: what each ends, whom it leaves alone, what it
// prints and what the audit log keeps.
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ADMIN_COMMANDS, type AdminContext } from "../../cli/admin-commands.ts";
import { CommandFailed } from "../../cli/command.ts";
import type { AuditEvent } from "../../core/audit.ts";
import { userIdOf } from "../../core/ids.ts";
import { PEOPLE } from "../../dev/people.ts";
import type { AdminSessionsAnswer, StatusAnswer } from "../../proxy/admin/answers.ts";
import { type ChatSocket, openChat, refusalOf } from "../support/chat-socket.ts";
import { type DemoFixture, startTestDemo } from "../support/demo-fixture.ts";
import { providerTokensFor, signIn } from "../support/sign-in.ts";

let fixture: DemoFixture;
let origin: string;
beforeEach(async () => {
  fixture = await startTestDemo();
  origin = fixture.demo.publicUrl;
});
afterEach(() => fixture.close());

const doorData = () => join(fixture.data, "front-door");
const socketUrl = (agent: string) => `${origin.replace(/^http/, "ws")}/agents/${agent}/ws`;

async function command(name: string, operand = "", options: Partial<AdminContext> = {}): Promise<string> {
  const lines: string[] = [];
  const unset = { json: false, now: false, user: undefined, provider: undefined };
  await ADMIN_COMMANDS.get(name)?.run(
    { data: doorData(), ...unset, ...options, print: (line) => lines.push(line) },
    operand,
  );
  return lines.join("\n");
}

async function asked<Answer>(name: string, options: Partial<AdminContext> = {}): Promise<Answer> {
  return JSON.parse(await command(name, "", { ...options, json: true }));
}

async function cookieOf(email: string) {
  const { browser } = await signIn(`${origin}/`, email);
  return { cookie: browser.jar.header(new URL(origin)), origin };
}

const chatOf = async (email: string, agent: string) => openChat(socketUrl(agent), await cookieOf(email));

async function answers(chat: ChatSocket): Promise<boolean> {
  return (await chat.ask("whoami")).includes("@example.com");
}

async function adminLines(): Promise<AuditEvent[]> {
  const text = await readFile(join(doorData(), "audit.jsonl"), "utf8");
  const lines = text.trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line)).filter(({ kind }) => kind === "admin");
}

function userIdOfPerson(email: string): string {
  return userIdOf(fixture.demo.issuer, PEOPLE.find((person) => person.email === email)?.sub ?? "");
}

const ADMIN_END = { code: 1008, reason: "an administrator ended your session" };

describe("sessions", () => {
  it("are listed with whose they are and what they have open, of both kinds", async () => {
    const chat = await chatOf("alice@example.com", "coder");
    const tokens = await providerTokensFor(fixture.demo.issuer, "bob@example.com");
    await fetch(`${origin}/api/token`, { headers: { authorization: `Bearer ${tokens.accessToken}` } });
    const { sessions } = await asked<AdminSessionsAnswer>("sessions list");
    expect(sessions.map(({ email, kind, agents }) => [email, kind, agents]).sort()).toEqual([
      ["alice@example.com", "browser", ["coder"]],
      ["bob@example.com", "bearer", []],
    ]);
    for (const user of ["Alice@Example.com", userIdOfPerson("alice@example.com")]) {
      const found = await asked<AdminSessionsAnswer>("sessions list", { user });
      expect(found.sessions.map(({ email }) => email)).toEqual(["alice@example.com"]);
    }
    const [heading, ...rows] = (await command("sessions list", "", { user: "alice@example.com" })).split(
      "\n",
    );
    expect([heading?.split(/ {2,}/), rows.length]).toEqual([
      ["SESSION", "PERSON", "PROVIDER", "USER ID", "KIND", "SINCE", "LAST SEEN", "FROM", "OPEN AGENTS"],
      1,
    ]);
    expect(await command("sessions list", "", { user: "nobody@example.com" })).toBe("No sessions.");
    chat.close();
  });

  it("end one by one, and the person's others stay", async () => {
    const [ended, stays] = [
      await chatOf("alice@example.com", "coder"),
      await chatOf("alice@example.com", "assistant"),
    ];
    const { sessions } = await asked<AdminSessionsAnswer>("sessions list");
    const sid = sessions.find(({ agents }) => agents.includes("coder"))?.sid ?? "";
    expect(await command("sessions end", sid)).toBe(`Ended one session, with all connections: ${sid}`);
    expect(await ended.closed).toEqual(ADMIN_END);
    expect(await answers(stays)).toBe(true);
    await expect(command("sessions end", sid)).rejects.toEqual(
      new CommandFailed(`there is no session ${sid}`),
    );
    await vi.waitFor(async () =>
      expect((await adminLines()).slice(-2)).toEqual([
        expect.objectContaining({
          outcome: "allowed",
          reason: "sessions end",
          sid,
          event: expect.any(Number),
        }),
        expect.objectContaining({
          outcome: "denied",
          reason: `sessions end: there is no session ${sid}`,
          event: null,
        }),
      ]),
    );
    stays.close();
  });
});

describe("a person", () => {
  it.each([
    ["by e-mail, in any case", () => "ALICE@example.com"],
    ["by user id", () => userIdOfPerson("alice@example.com")],
  ])("is ended everywhere, %s, and nobody else is", async (_how, who) => {
    const cookie = await cookieOf("alice@example.com");
    const chats = [
      await openChat(socketUrl("coder"), cookie),
      await chatOf("alice@example.com", "assistant"),
    ];
    const dana = await chatOf("dana@example.com", "assistant");
    const alice = userIdOfPerson("alice@example.com");
    expect(await command("users end", who())).toMatch(
      new RegExp(
        `^Ended 2 sessions of alice@example\\.com at demo \\(${alice}\\), with all connections: s_\\S+, s_\\S+$`,
      ),
    );
    for (const chat of chats) expect(await chat.closed).toEqual(ADMIN_END);
    expect((await refusalOf(socketUrl("coder"), cookie)).status).toBe(401);
    expect(await answers(dana)).toBe(true);
    dana.close();
  });

  it("without a session, or named by neither, is an error", async () => {
    await expect(command("users end", "alice@example.com")).rejects.toThrow(
      "alice@example.com has no session",
    );
    await expect(command("users end", "alice")).rejects.toThrow("name a person by user id (u_…) or e-mail");
  });
});

describe("a group and a gateway", () => {
  it("lose what is open, while their sessions stay", async () => {
    const alice = await cookieOf("alice@example.com");
    const [chat, bob] = [
      await openChat(socketUrl("coder"), alice),
      await chatOf("bob@example.com", "assistant"),
    ];
    expect(await command("groups end", "engineering")).toBe("Ended one connection.");
    expect(await chat.closed).toEqual({
      code: 1008,
      reason: "an administrator ended your group's connections",
    });
    const again = await openChat(socketUrl("coder"), alice);
    expect(await answers(bob)).toBe(true);
    expect(await command("gateways end", "cloud")).toBe("Ended 2 connections.");
    for (const { closed } of [again, bob])
      expect(await closed).toEqual({
        code: 1012,
        reason: "operations ended this gateway's connections, connect again",
      });
  });

  it("may be one endpoint alone", async () => {
    const [alice, dana] = [
      await chatOf("alice@example.com", "coder"),
      await chatOf("dana@example.com", "assistant"),
    ];
    expect(await command("gateways end", "berlin/berlin-1")).toBe("Ended one connection.");
    expect((await dana.closed).code).toBe(1012);
    expect(await answers(alice)).toBe(true);
    alice.close();
  });

  it.each([
    ["tokyo", "there is no such gateway; there are cloud, berlin"],
    ["", "there is no such gateway; there are cloud, berlin"],
    ["cloud/cloud-9", "cloud has no such endpoint; it has cloud-1, cloud-2"],
    ["berlin/cloud-1", "berlin has no such endpoint; it has berlin-1"],
  ])("that is not there (%s) is named so", async (name, error) => {
    await expect(command("gateways end", name)).rejects.toEqual(new CommandFailed(error));
  });
});

describe("an endpoint that was set up anew", () => {
  it("has its key forgotten once, so that the next one is remembered", async () => {
    // Known as soon as the control channel is open.
    const told = await vi.waitFor(() => command("gateways forget-key", "cloud/cloud-1"), { timeout: 10_000 });
    expect(told).toBe("The key of cloud/cloud-1 is forgotten; the one it shows next is remembered.");
    await expect(command("gateways forget-key", "cloud/cloud-1")).rejects.toEqual(
      new CommandFailed("no key of cloud/cloud-1 is known"),
    );
    await expect(command("gateways forget-key", "cloud")).rejects.toEqual(
      new CommandFailed("name an endpoint as <gateway>/<endpoint>"),
    );
  });
});

describe("keys", () => {
  it("rotate without anybody noticing: the next one is published and does not sign yet", async () => {
    const chat = await chatOf("alice@example.com", "coder");
    const before = (await asked<StatusAnswer>("status")).keys;
    const after = await asked<StatusAnswer["keys"]>("keys rotate");
    expect(after.keySet).toBeGreaterThan(before.keySet);
    expect(after.keys.map(({ state }) => state)).toEqual(["signing", "next"]);
    expect(after.keys[0]).toEqual(before.keys[0]);
    expect(await answers(chat)).toBe(true);
    chat.close();
  });

  it("are replaced at once in an emergency, and what they admitted ends", async () => {
    const chat = await chatOf("alice@example.com", "coder");
    const before = (await asked<StatusAnswer>("status")).keys;
    expect(await command("keys rotate", "", { now: true })).toMatch(/^Key set \d+\nKEY/);
    expect(await chat.closed).toEqual({
      code: 1012,
      reason: "the front door's keys were replaced, connect again",
    });
    const after = (await asked<StatusAnswer>("status")).keys;
    expect(after.keys.map(({ state }) => state)).toEqual(["signing"]);
    expect(after.keys[0]?.kid).not.toBe(before.keys[0]?.kid);
    await vi.waitFor(async () =>
      expect((await adminLines()).at(-1)).toMatchObject({
        outcome: "allowed",
        reason: `keys rotate --now: key set ${after.keySet}`,
        event: expect.any(Number),
      }),
    );
  });
});

describe("status and policy", () => {
  it("are told as people read them", async () => {
    const chat = await chatOf("alice@example.com", "coder");
    const text = await command("status");
    expect(text).toContain(`front door     ${origin}, process ${process.pid}, since 20`);
    expect(text).toContain("policy         snapshot 1, since 20");
    expect(text).toMatch(/berlin +berlin-1 +up +(?:connected|away) +0 +http:\/\/127/);
    expect(text).toMatch(/cloud +cloud-[12] +up +(?:connected|away) +1 +http/);
    expect(await command("policy reload")).toBe("Policy snapshot 1, as before.");
    expect((await adminLines()).filter(({ reason }) => reason.includes("status"))).toEqual([]);
    chat.close();
  });
});

describe("the control socket", () => {
  it("is for the front door's own user alone, and gone when it stops", async () => {
    const path = join(doorData(), "control.sock");
    const modes = [(await stat(path)).mode & 0o777, (await stat(doorData())).mode & 0o777];
    expect(modes).toEqual([0o600, 0o700]);
    await fixture.demo.close();
    await expect(stat(path)).rejects.toThrow("ENOENT");
    await expect(command("status")).rejects.toEqual(
      new CommandFailed(`no front door listens at ${path}; is it running, with this configuration?`, 3),
    );
  });
});
