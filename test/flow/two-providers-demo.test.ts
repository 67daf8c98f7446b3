// The demonstration with the providers of two companies: what one sees who tries several providers.
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ADMIN_COMMANDS, type AdminContext } from "../../cli/admin-commands.ts";
import { userIdOf } from "../../core/ids.ts";
import { openChat, refusalOf } from "../support/chat-socket.ts";
import { type DemoFixture, startTestDemo } from "../support/demo-fixture.ts";
import { createScriptedBrowser, type ScriptedBrowser } from "../support/scripted-browser.ts";
import { signIn } from "../support/sign-in.ts";

const ALICE = "alice@example.com";

let fixture: DemoFixture;
let origin: string;
/** Of alice at the one company and of alice at the other. */
let ours: string;
let theirs: string;
beforeAll(async () => {
  fixture = await startTestDemo(undefined, 2);
  const { publicUrl, issuer, partnerIssuer } = fixture.demo;
  origin = publicUrl;
  [ours, theirs] = [userIdOf(issuer, "demo-alice"), userIdOf(String(partnerIssuer), "demo-alice")];
});
afterAll(() => fixture.close());

async function signedIn(
  provider: string,
  email: string,
  browser = createScriptedBrowser(),
): Promise<ScriptedBrowser> {
  const { page } = await signIn(`${origin}/auth/login?return_to=%2F&provider=${provider}`, email, {
    browser,
  });
  expect([page.status, page.url.href]).toEqual([200, `${origin}/`]);
  return browser;
}

async function me(browser: ScriptedBrowser): Promise<Record<string, unknown>> {
  const { body } = await browser.send(`${origin}/api/me`, {
    headers: { accept: "application/json", "sec-fetch-mode": "cors" },
  });
  const { id, email, groups, agents, error } = JSON.parse(body);
  return error === undefined
    ? { id, email, groups, agents: agents.map((agent: { id: string }) => agent.id) }
    : { refused: error.code };
}

async function command(name: string, operand: string, options: Partial<AdminContext> = {}): Promise<string> {
  const lines: string[] = [];
  const data = join(fixture.data, "front-door");
  const unset = { json: false, now: false, user: undefined, provider: undefined };
  const print = (line: string) => lines.push(line);
  await ADMIN_COMMANDS.get(name)?.run({ data, ...unset, ...options, print }, operand);
  return lines.join("\n");
}

describe("who opens the front door", () => {
  it("chooses between the companies, and the sign-in page says whose it is", async () => {
    const browser = createScriptedBrowser();
    const choice = await browser.open(`${origin}/`);
    expect([...choice.body.matchAll(/<li><a [^>]*><bdi>(.*?)<\/bdi>/g)].map(([, name]) => name)).toEqual([
      "Example Ltd",
      "Partner Ltd",
    ]);
    for (const [provider, company, not] of [
      ["demo", "Example Ltd", "pat@partner.example"],
      ["partner", "Partner Ltd", "bob@example.com"],
    ]) {
      const page = await browser.open(`${origin}/auth/login?return_to=%2F&provider=${provider}`);
      expect(page.body).toContain(`<h1>Demonstration sign-in at ${company}</h1>`);
      expect(page.body).not.toContain(not);
    }
  });

  it("is who they are at the one that they chose, also after the other in the same browser", async () => {
    const browser = await signedIn("demo", ALICE);
    await browser.send(`${origin}/auth/logout`, { method: "POST", from: new URL(origin) });
    await signedIn("partner", "pat@partner.example", browser);
    // The first company's provider remembers the browser still: neither takes the other's cookies for its own.
    const again = await browser.open(`${String(fixture.demo.issuer)}/session/end`);
    expect(again.body).toContain('<button class="submit" type="submit">Sign out</button>');
    expect(await me(browser)).toMatchObject({ email: "pat@partner.example" });
  });
});

describe("a person of the second company", () => {
  it("gets what the groups of that company grant, and nothing for a name that the first one has too", async () => {
    const browser = await signedIn("partner", "pat@partner.example");
    expect(await me(browser)).toEqual({
      id: userIdOf(String(fixture.demo.partnerIssuer), "partner-pat"),
      email: "pat@partner.example",
      groups: ["partner/engineering"],
      agents: ["assistant"],
    });
    const headers = { cookie: browser.jar.header(new URL(origin)), origin };
    const socketUrl = (agent: string) => `${origin.replace(/^http/, "ws")}/agents/${agent}/ws`;
    const chat = await openChat(socketUrl("assistant"), headers);
    expect(await chat.ask("whoami")).toContain("pat@partner.example");
    chat.close();
    expect((await refusalOf(socketUrl("coder"), headers)).status).toBe(403);
  });

  it("is somebody else than whoever has the same subject and e-mail at the first", async () => {
    const [one, other] = [await signedIn("demo", ALICE), await signedIn("partner", ALICE)];
    expect([await me(one), await me(other)]).toEqual([
      { id: ours, email: ALICE, groups: ["engineering"], agents: ["assistant", "coder"] },
      { id: theirs, email: ALICE, groups: ["partner/auditors"], agents: ["analyst"] },
    ]);
  });

  it("is ended alone when named with the provider, and together with the other by the e-mail", async () => {
    await expect(command("users end", ALICE)).resolves.toContain(" of 2 people, ");
    const [one, other] = [await signedIn("demo", ALICE), await signedIn("partner", ALICE)];
    expect((await command("sessions list", "")).split("\n").at(-1)).toBe(
      `${ALICE} is 2 people: users end ends them all, unless it is told which one.`,
    );
    expect(await command("users end", ALICE, { provider: "partner" })).toMatch(
      new RegExp(`^Ended one session of ${ALICE} at partner \\(${theirs}\\), with all connections: s_\\S+$`),
    );
    expect([await me(one), await me(other)]).toEqual([
      expect.objectContaining({ id: ours }),
      { refused: "session_missing" },
    ]);
    await signedIn("partner", ALICE);
    expect((await command("users end", ALICE)).split("\n")).toEqual([
      "Ended 2 sessions of 2 people, with all connections. That e-mail is all of theirs:",
      expect.stringMatching(new RegExp(`^  ${ALICE} at partner \\(${theirs}\\): s_\\S+$`)),
      expect.stringMatching(new RegExp(`^  ${ALICE} at demo \\(${ours}\\): s_\\S+$`)),
      "To end one of them alone, name the user id, or the e-mail and --provider <id>.",
    ]);
    expect(await me(one)).toEqual({ refused: "session_missing" });
  });
});
