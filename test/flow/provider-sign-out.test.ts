// Signing out at the provider itself ends what the front door gave: it says so over the back channel.
import { afterAll, beforeAll, expect, it } from "vitest";
import { openChat } from "../support/chat-socket.ts";
import { type DemoFixture, startTestDemo } from "../support/demo-fixture.ts";
import { formsOf, type ScriptedBrowser } from "../support/scripted-browser.ts";
import { signIn } from "../support/sign-in.ts";

let fixture: DemoFixture;
let origin: string;
beforeAll(async () => {
  fixture = await startTestDemo();
  origin = fixture.demo.publicUrl;
});
afterAll(() => fixture.close());

function chatOf(browser: ScriptedBrowser) {
  const headers = { cookie: browser.jar.header(new URL(origin)), origin };
  return openChat(`${origin.replace(/^http/, "ws")}/agents/assistant/ws`, headers);
}

it("ends the chats of that browser with the right words, and nobody else's", async () => {
  const [alice, elsewhere, bob] = await Promise.all(
    ["alice@example.com", "alice@example.com", "bob@example.com"].map(
      async (email) => (await signIn(`${origin}/`, email)).browser,
    ),
  );
  if (alice === undefined || elsewhere === undefined || bob === undefined) throw new Error("three signed in");
  const [chat, ...staying] = await Promise.all([alice, elsewhere, bob].map(chatOf));

  const asking = await alice.open(`${fixture.demo.issuer}/session/end`);
  const form = formsOf(asking)[0];
  if (form === undefined) throw new Error("the provider asks whether to sign out");
  await alice.open(form.action, { form: { ...form.fields, logout: "yes" }, from: asking.url });

  expect(await chat?.closed).toEqual({ code: 1008, reason: "signed out at your identity provider" });
  const headers = { accept: "application/json", "sec-fetch-mode": "cors" };
  expect((await alice.send(`${origin}/api/me`, { headers })).status).toBe(401);
  expect(await Promise.all(staying.map((each) => each.ask("whoami", "still-here")))).toEqual([
    expect.stringContaining("alice@example.com"),
    expect.stringContaining("bob@example.com"),
  ]);
  for (const each of staying) each.close();
});
