// The chat in real Chromium, against the real demonstration: what people do in it, and what becomes of it when the
// network, the gateway, the session or the access goes away under it.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { SessionSummary } from "../../core/gateway-protocol.ts";
import { violations } from "../support/axe.ts";
import { ask, emailLines, focused, say, waitForState } from "../support/chat-page.ts";
import {
  collectErrors,
  fillSignInForm,
  hasChromium,
  screenshot,
  signInByForm,
  startChromium,
} from "../support/chromium.ts";
import { type DemoFixture, startTestDemo } from "../support/demo-fixture.ts";
import { routeGateway, type Shown, said } from "../support/routed-gateway.ts";

function sessionOf(name: string, derivedTitle: string, updatedAt: number): SessionSummary {
  const key = `agent:coder:${name}`;
  const session = { key, sessionId: name, agentId: "coder", chatType: "direct", messageCount: 2 } as const;
  return { ...session, label: null, derivedTitle, updatedAt };
}

describe.skipIf(!hasChromium)("the chat in Chromium", () => {
  let fixture: DemoFixture;
  let browser: Browser;
  let origin: string;
  let context: BrowserContext;
  let errors: string[];
  /** Hosts that the page asked for anything. */
  let hosts: Set<string>;
  beforeAll(async () => {
    [fixture, browser] = await Promise.all([startTestDemo(), startChromium()]);
    origin = fixture.demo.publicUrl;
  });
  afterAll(async () => {
    await browser.close();
    await fixture.close();
  });
  beforeEach(async () => {
    context = await browser.newContext({
      viewport: { width: 1280, height: 800 },
      locale: "en-GB",
      timezoneId: "UTC",
    });
    context.setDefaultTimeout(10_000);
    errors = collectErrors(context);
    hosts = new Set();
  });
  afterEach(async () => {
    await context.close();
    expect(errors).toEqual([]);
  });

  async function openChat(email: string, agent: string, fragment = ""): Promise<Page> {
    const page = await context.newPage();
    await signInByForm(page, `${origin}/chat/${agent}`, email);
    await waitForState(page, "Connected");
    if (fragment !== "") {
      await page.goto(`${origin}/chat/${agent}${fragment}`);
      await waitForState(page, "Connected");
    }
    page.on("request", (request) => hosts.add(new URL(request.url()).host));
    return page;
  }

  /** Alice's chat with Coder, where the gateway says this. */
  async function openRouted(shown: Partial<Shown>): Promise<Page> {
    const page = await context.newPage();
    await signInByForm(page, `${origin}/`, "alice@example.com");
    await page.waitForURL(`${origin}/`);
    await routeGateway(page, shown);
    await page.goto(`${origin}/chat/coder`);
    await waitForState(page, "Connected");
    return page;
  }

  it.each([
    ["alice@example.com", "coder", "cloud"],
    ["bob@example.com", "analyst", "berlin"],
    ["dana@example.com", "assistant", "berlin"],
    ["ivy@example.com", "analyst", "berlin"],
  ])("answers %s, who asks the %s on %s", async (email, agent, gateway) => {
    const page = await openChat(email, agent, "#who");
    expect(await ask(page, "whoami")).toContain(`E-mail: ${email}`);
    expect(await ask(page, "where")).toContain(`Gateway: ${gateway}`);
  });

  it.each(["omar@example.com", "zoe@example.com"])("refuses %s, and says whom to ask", async (email) => {
    const page = await context.newPage();
    await signInByForm(page, `${origin}/chat/coder`, email);
    await page.getByRole("heading", { name: 'You may not use the agent "Coder"' }).waitFor();
    await page.getByText("Ask IT (it@example.com) and pass this on:").waitFor();
    expect(await page.getByRole("button", { name: "Send", exact: true }).count()).toBe(0);
    await page.getByRole("link", { name: "Your agents" }).last().click();
    await page.waitForURL(`${origin}/`);
  });

  it("refuses eve by name, before there is a chat", async () => {
    const page = await context.newPage();
    await signInByForm(page, `${origin}/chat/coder`, "eve@example.com");
    await page.getByRole("heading", { name: "You may not use this front door" }).waitFor();
    await page.getByText("IT's rules refuse this account by name, whatever its groups grant.").waitFor();
  });

  it("is read in the order in which it is seen, with names and roles", async () => {
    const page = await openRouted({
      sessions: [sessionOf("main", "Where?", Date.UTC(2026, 10, 21, 12))],
      messages: [said(1, "user", "Where?"), said(1, "assistant", "In the *cloud*.")],
    });
    await page.locator(".answer").waitFor();
    expect(await page.locator("main").ariaSnapshot()).toMatchInlineSnapshot(`
      "- main:
        - navigation "Sessions":
          - button "New session"
          - list:
            - listitem:
              - link "Where? 21 Nov 2026, 12:00":
                - /url: "#main"
        - heading "Coder , session Where?" [level=1]
        - button "Rename"
        - button "Delete"
        - status:
          - strong: Connected
        - region "Conversation":
          - list:
            - listitem:
              - heading "You" [level=2]
              - text: Where?
              - heading "Coder" [level=2]
              - paragraph:
                - text: In the
                - emphasis: cloud
                - text: .
        - text: Message to Coder
        - textbox "Message to Coder":
          - /placeholder: Write a message
        - paragraph: Enter sends, Shift+Enter starts a new line.
        - button "Send"
        - status"
    `);
  });

  it("shows an answer's markdown, copies its code, and asks no other host for anything", async () => {
    const page = await openChat("alice@example.com", "coder", "#markdown");
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    await ask(page, "markdown");
    expect(await page.locator(".answer").ariaSnapshot()).toMatchInlineSnapshot(`
      "- heading "Coder" [level=2]
      - heading "Formatted text" [level=3]
      - paragraph:
        - text: An answer may have
        - strong: strong
        - text: and
        - emphasis: stressed
        - text: words,
        - code: code
        - text: ","
        - deletion: what no longer holds
        - text: and
        - link "links":
          - /url: https://example.com/
        - text: .
      - list:
        - listitem: First this,
        - listitem:
          - text: "then that:"
          - list:
            - listitem: with a list
            - listitem: inside of it
      - blockquote:
        - paragraph: Words of somebody else.
      - region "Table":
        - table:
          - rowgroup:
            - row "agent does":
              - columnheader "agent"
              - columnheader "does"
          - rowgroup:
            - row "Coder writes code":
              - cell "Coder"
              - cell "writes code"
            - row "Analyst reads figures":
              - cell "Analyst"
              - cell "reads figures"
      - text: js
      - button "Copy code": Copy
      - code: // Copied with one press. const sum = [1, 2, 3].reduce((total, number) => total + number, 0);
      - paragraph:
        - text: <b>Markup</b> stays text, and
        - link "a picture":
          - /url: https://example.com/picture.png
        - text: is a link.
      - paragraph: About 2 tokens read, 126 written (estimated)"
    `);
    await page.getByRole("button", { name: "Copy code" }).click();
    await page.getByRole("button", { name: "Copied code" }).waitFor();
    expect(await page.evaluate("navigator.clipboard.readText()")).toBe(
      "// Copied with one press.\nconst sum = [1, 2, 3].reduce((total, number) => total + number, 0);",
    );
    expect([...hosts].filter((host) => host !== new URL(origin).host)).toEqual([]);
  });

  it("has a name and a role for everything, and no fault that axe-core finds, in light and dark", async () => {
    const page = await openChat("alice@example.com", "coder", "#axe");
    await ask(page, "markdown");
    await say(page, "slow");
    await page.getByText("Answering…").waitFor();
    const movement = () =>
      page.evaluate("getComputedStyle(document.querySelector('.turn-live'), '::before').animationName");
    expect(await movement()).toBe("pulse");
    await page.emulateMedia({ reducedMotion: "reduce" });
    expect(await movement()).toBe("none");
    for (const width of [1280, 390, 360])
      for (const colorScheme of ["light", "dark"] as const) {
        await page.setViewportSize({ width, height: 800 });
        await page.emulateMedia({ colorScheme });
        expect(await violations(page)).toEqual([]);
        expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(width);
        await screenshot(page, `chat-${width}-${colorScheme}`);
      }
    await page.setViewportSize({ width: 390, height: 800 });
    await page.getByRole("button", { name: "Sessions" }).click();
    expect(await violations(page)).toEqual([]);
    // The list has taken its room from the conversation, which stays at its end.
    expect(await page.getByRole("button", { name: "Newest message" }).count()).toBe(0);
    await screenshot(page, "chat-390-sessions");
    await page.getByRole("button", { name: "Delete" }).click();
    expect(await violations(page)).toEqual([]);
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Stop", exact: true }).click();
  });

  it("puts the focus where one writes when a session opens, and takes it from nobody", async () => {
    const page = await openChat("dana@example.com", "assistant", "#focus");
    const box = "textarea Message to Assistant";
    await expect.poll(() => focused(page)).toBe(box);
    await ask(page, "where");
    await page.getByRole("button", { name: "New session" }).click();
    await expect.poll(() => page.getByText("Nothing here yet.").count()).toBe(1);
    expect(await focused(page)).toBe(box);
    expect(await page.locator("#message").getAttribute("aria-describedby")).toBe(
      "session-title message-keys",
    );
    expect(await page.locator("#session-title").textContent()).toBe("New session");
    await page.getByRole("link", { name: "where" }).click();
    await page.locator(".answer", { hasText: "Agent: assistant" }).waitFor();
    expect(await focused(page)).toBe(box);
    await page.goBack();
    await page.getByText("Nothing here yet.").waitFor();
    expect(await focused(page)).toBe(box);
    // Whoever is somewhere already before the page's script has run stays there.
    await page.route("**/assets/chat-*.js", async (route) => {
      await page.getByRole("button", { name: "Sign out" }).focus();
      await route.continue();
    });
    await page.reload();
    await waitForState(page, "Connected");
    expect(await focused(page)).toBe("button Sign out");
  });

  it("where a finger points, opens no keyboard by itself, and lets Enter begin a line", async () => {
    await context.close();
    context = await browser.newContext({
      viewport: { width: 360, height: 740 },
      hasTouch: true,
      isMobile: true,
    });
    context.setDefaultTimeout(10_000);
    errors = collectErrors(context);
    const page = await openChat("bob@example.com", "analyst", "#touch");
    await expect.poll(() => focused(page)).toBe("h1 Analyst, session New session");
    await page.locator("#message").fill("where");
    await page.locator("#message").press("Enter");
    expect(await page.locator("#message").inputValue()).toBe("where\n");
    expect(await page.getByText("Enter sends").count()).toBe(0);
    await page.getByRole("button", { name: "Send", exact: true }).tap();
    await page.locator(".usage").waitFor();
    await page.getByRole("button", { name: "Sessions" }).tap();
    await page.getByRole("button", { name: "New session" }).tap();
    await expect.poll(() => focused(page)).toBe("h1 Analyst, session New session");
    await page.getByRole("button", { name: "Sessions" }).tap();
    await page.getByRole("link", { name: "where" }).tap();
    await expect.poll(() => focused(page)).toBe("h1 Analyst, session where");
    await page.locator("#message").fill("slow");
    await page.getByRole("button", { name: "Send", exact: true }).tap();
    await page.getByRole("button", { name: "Stop", exact: true }).tap();
    await page.getByText(/^Stopped/).waitFor();
    expect(await focused(page)).toMatch(/^section Conversation/);
    expect(await violations(page)).toEqual([]);
    await screenshot(page, "chat-360-touch");
    // With its keyboard up, or held across.
    for (const [width, height] of [
      [360, 330],
      [740, 360],
    ] as const) {
      await page.setViewportSize({ width, height });
      const box = await page.getByRole("region", { name: "Conversation" }).boundingBox();
      expect(box?.height).toBeGreaterThan(height / 2.5);
      await page.getByRole("button", { name: "Send", exact: true }).click({ trial: true });
      await screenshot(page, `chat-touch-low-${width}`);
    }
  });

  it("is used by the keyboard alone", async () => {
    const page = await openChat("ivy@example.com", "assistant", "#keys");
    await page.locator("#message").focus();
    await page.keyboard.type("markdown");
    await page.keyboard.press("Enter");
    await page.locator(".usage").waitFor();
    expect(await focused(page)).toBe("textarea Message to Assistant");
    await page.getByRole("link", { name: "Your agents" }).focus();
    const order: string[] = [];
    while (order.at(-1) !== "button Send") {
      await page.keyboard.press("Tab");
      order.push(await focused(page));
    }
    expect(order).toEqual([
      "button Sign out",
      "button New session",
      expect.stringMatching(/^a markdown /),
      "button Rename",
      "button Delete",
      "section Conversation",
      "a links",
      "section Table",
      "button Copy code",
      "pre // Copied with one press. const sum = [1, 2, 3].reduce((tota",
      "a a picture",
      "textarea Message to Assistant",
      "button Send",
    ]);
  });

  it("says as whom one is signed in, and offers no way out when one is out", async () => {
    const page = await openChat("alice@example.com", "assistant", "#account");
    const header = page.getByRole("banner");
    for (const width of [1280, 390, 360]) {
      await page.setViewportSize({ width, height: 800 });
      expect(await header.ariaSnapshot()).toBe(
        [
          "- banner:",
          '  - link "Your agents":',
          "    - /url: /",
          "  - paragraph: Signed in as Alice Archer , alice@example.com",
          '  - button "Sign out"',
        ].join("\n"),
      );
      expect(await header.getByText("Alice Archer").isVisible()).toBe(true);
      // Broken nowhere in a word.
      expect(await emailLines(page)).toEqual(
        width === 360 ? ["alice@", "example.com"] : ["alice@example.com"],
      );
      expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(width);
      await screenshot(page, `chat-account-${width}`);
    }
    await context.request.post(`${origin}/auth/logout`, { headers: { origin } });
    await waitForState(page, "Signed out");
    expect(await header.ariaSnapshot()).toBe('- banner:\n  - link "Your agents":\n    - /url: /');
    await page.getByText("Nothing here yet.", { exact: true }).waitFor();
    await screenshot(page, "chat-account-signed-out");
  });

  it("tells sessions that began with the same question apart by their time", async () => {
    const page = await openRouted({
      sessions: [
        sessionOf("main", "whoami", Date.UTC(2026, 10, 21, 12)),
        sessionOf("b", "whoami", Date.UTC(2026, 10, 20, 7, 30)),
      ],
    });
    const alike = page.getByRole("navigation", { name: "Sessions" }).getByRole("link", { name: "whoami" });
    expect(await alike.allInnerTexts()).toEqual(["whoami\n21 Nov 2026, 12:00", "whoami\n20 Nov 2026, 07:30"]);
  });

  it("keeps sessions apart, names them, deletes them, and finds the open one again after a reload", async () => {
    const page = await openChat("ivy@example.com", "coder");
    const sessions = page.getByRole("navigation", { name: "Sessions" });
    await ask(page, "whoami");
    await page.getByRole("button", { name: "New session" }).click();
    await page.getByText("Nothing here yet.").waitFor();
    expect(await focused(page)).toBe("textarea Message to Coder");
    expect(await ask(page, "where")).toContain("Agent: coder");
    const titles = () => sessions.getByRole("link").locator("bdi").allTextContents();
    expect(await titles()).toEqual(["where", "whoami"]);

    await page.getByRole("button", { name: "Rename" }).click();
    await page.getByRole("textbox", { name: "Name" }).fill("<b>Places</b> \u202Eand more");
    await page.keyboard.press("Enter");
    await sessions.getByRole("link", { name: "<b>Places</b>" }).waitFor();
    await expect.poll(() => focused(page)).toBe("button Rename");
    const url = page.url();
    await page.reload();
    await page.locator(".answer", { hasText: "Agent: coder" }).waitFor();
    expect(page.url()).toBe(url);

    await sessions.getByRole("link", { name: "whoami" }).click();
    await page.locator(".answer", { hasText: "E-mail: ivy@example.com" }).waitFor();
    await page.goBack();
    await page.locator(".answer", { hasText: "Agent: coder" }).waitFor();
    await page.getByRole("button", { name: "Delete" }).click();
    await expect.poll(() => focused(page)).toBe("button Cancel");
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await page.locator(".answer", { hasText: "E-mail: ivy@example.com" }).waitFor();
    await expect.poll(() => focused(page)).toBe("textarea Message to Coder");
    expect(await titles()).toEqual(["whoami"]);
    expect(page.url()).toBe(`${origin}/chat/coder#main`);
  });

  it("says in another tab that the session that is open there was deleted, and keeps what is written", async () => {
    const page = await openChat("ivy@example.com", "coder", "#shared");
    await ask(page, "whoami");
    const other = await context.newPage();
    await other.goto(`${origin}/chat/coder#shared`);
    await waitForState(other, "Connected");
    await other.locator(".answer").waitFor();
    await other.locator("#message").fill("Half a thought");
    await page.getByRole("button", { name: "Delete" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    const notice = other
      .getByRole("alert")
      .getByText("This session was deleted in another tab or on another device.");
    await notice.waitFor();
    expect(await page.getByRole("alert").count()).toBe(0);
    expect(await other.locator(".answer").count()).toBe(0);
    expect(await other.locator("#message").inputValue()).toBe("Half a thought");
  });

  it("tells the place in line, takes a waiting message back, and asks again what was stopped", async () => {
    const page = await openChat("alice@example.com", "coder", "#line");
    await say(page, "slow");
    await page.getByText("Answering…").waitFor();
    await say(page, "where");
    await page.getByText("Waiting: next in line.").waitFor();
    await say(page, "whoami");
    await page.getByText("Waiting: number 2 in line.").waitFor();
    await page.getByRole("button", { name: "Stop all 3" }).click();
    await page
      .getByRole("alert")
      .getByText(
        "Stopped. 2 questions that were waiting were taken back: each can be asked again where it stands.",
      )
      .waitFor();
    expect(await page.locator(".turn-state").allTextContents()).toEqual([
      "Stopped.",
      "Stopped before it was answered.",
      "Stopped before it was answered.",
    ]);
    expect(await focused(page)).toBe("textarea Message to Coder");
    await screenshot(page, "chat-taken-back");
    await page.getByRole("button", { name: "Ask again" }).nth(1).click();
    expect(await focused(page)).toBe("textarea Message to Coder");
    await page.locator(".answer", { hasText: "Agent: coder" }).waitFor();
    expect(await page.getByRole("alert").count()).toBe(0);
    const stopped = ["Stopped.", "Stopped before it was answered.", "Stopped before it was answered."];
    await expect.poll(() => page.locator(".turn-state").allTextContents()).toEqual(stopped);
    await page.reload();
    await page.locator(".answer", { hasText: "Agent: coder" }).waitFor();
    expect(await page.locator(".turn-state").allTextContents()).toEqual(stopped);
  });

  it("keeps what is written and not sent, for each session, over a reload, until the person signs out", async () => {
    const page = await openChat("bob@example.com", "assistant", "#drafts");
    await page.locator("#message").pressSequentially("Half a que");
    await page.getByRole("button", { name: "New session" }).click();
    await expect.poll(() => page.locator("#message").inputValue()).toBe("");
    await page.locator("#message").pressSequentially("Another");
    await page.goBack();
    await expect.poll(() => page.locator("#message").inputValue()).toBe("Half a que");
    await page.reload();
    await expect.poll(() => page.locator("#message").inputValue()).toBe("Half a que");
    expect(await page.evaluate("sessionStorage.length")).toBe(2);
    await page.getByRole("banner").getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("heading", { name: "You are signed out" }).waitFor();
    expect(await page.evaluate("sessionStorage.length + localStorage.length")).toBe(0);
  });

  it("goes on where it was, word by word, when the network was away", async () => {
    const page = await openChat("alice@example.com", "coder", "#network");
    await say(page, "slow");
    await page.getByText("word-3 ").waitFor();
    const network = await context.newCDPSession(page);
    const offline = (isOffline: boolean) =>
      network.send("Network.emulateNetworkConditions", {
        offline: isOffline,
        latency: 0,
        downloadThroughput: -1,
        uploadThroughput: -1,
      });
    await network.send("Network.enable");
    await offline(true);
    await waitForState(page, "Reconnecting");
    await screenshot(page, "chat-reconnecting");
    await page
      .getByText("The rest of this answer is shown when the connection is back, if the gateway still has it.")
      .waitFor();
    await say(page, "Written while it was away");
    await page.getByText("Will be sent when the connection is back.").waitFor();
    await offline(false);
    await waitForState(page, "Connected");
    await page.getByText(/word-\d+ word-\d+ word-(2\d)/).waitFor();
    const answer = (await page.locator(".answer .text").first().innerText()).trim();
    const words = answer.split(/\s+/);
    expect(words).toEqual(words.map((_, index) => `word-${index + 1}`));
    await page.getByText("Waiting: next in line.").waitFor();
    await page.getByRole("button", { name: "Stop all 2" }).click();
  });

  it("sends after a reload what was written while the network was away, and once", async () => {
    const page = await openChat("alice@example.com", "coder", "#unsent");
    await ask(page, "whoami");
    await context.setOffline(true);
    await waitForState(page, "Reconnecting");
    await say(page, "where");
    await page.getByText("Will be sent when the connection is back.").waitFor();
    await context.setOffline(false);
    await page.reload();
    await page.locator(".answer", { hasText: "Agent: coder" }).waitFor();
    expect(await page.locator(".question .text").allTextContents()).toEqual(["whoami", "where"]);
    expect(await page.evaluate("sessionStorage.length")).toBe(0);
  });

  it("keeps half an answer when the gateway restarts, and asks again", async () => {
    const page = await openChat("dana@example.com", "assistant", "#restart");
    await say(page, "slow");
    await page.getByText("word-3 ").waitFor();
    await fixture.restart();
    await waitForState(page, "Connected");
    await page.getByText("Stopped.", { exact: true }).waitFor();
    const answer = (await page.locator(".answer .text").innerText()).trim();
    const words = answer.split(/\s+/);
    expect(words).toEqual(words.map((_, index) => `word-${index + 1}`));
    await page.getByRole("button", { name: "Ask again" }).click();
    await page.locator(".answer .text").nth(1).waitFor();
    await page.getByRole("button", { name: "Stop", exact: true }).click();
  });

  it("says that the session has ended when its tab comes back", async () => {
    const page = await openChat("alice@example.com", "coder");
    // What a cookie that has expired is like: the connection does not notice.
    await context.clearCookies();
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))");
    await waitForState(page, "Signed out");
    expect(await violations(page)).toEqual([]);
    await screenshot(page, "chat-signed-out-1280");
    await page.getByRole("link", { name: "Sign in again" }).click();
    await fillSignInForm(page, "alice@example.com");
    await page.waitForURL((url) => url.href.startsWith(`${origin}/chat/coder`));
    await waitForState(page, "Connected");
  });

  it("comes back to the same session after signing in again, where the answer has gone on", async () => {
    const page = await openChat("alice@example.com", "coder", "#signed-out");
    await say(page, "slow");
    await page.getByText("word-3 ").waitFor();
    const changes = page.getByRole("button", { name: /^(Rename|Delete)$/ });
    expect(await changes.count()).toBe(2);
    const other = await context.newPage();
    await other.goto(origin);
    await other.getByRole("banner").getByRole("button", { name: "Sign out" }).click();
    await waitForState(page, "Signed out");
    await page.getByText("The rest of this answer is shown when you have signed in again.").waitFor();
    expect(await changes.count()).toBe(0);
    await page.getByText("Signed out in another tab or window.", { exact: true }).waitFor();
    await screenshot(page, "chat-signed-out-mid-answer");
    await other.getByRole("heading", { name: "You are signed out" }).waitFor();
    await page.getByRole("link", { name: "Sign in again" }).click();
    await fillSignInForm(page, "alice@example.com");
    await page.waitForURL(`${origin}/chat/coder#signed-out`);
    await page.getByText(/word-3 .*word-1\d/).waitFor();
    expect(await page.evaluate("sessionStorage.length")).toBe(0);
    await page.getByRole("button", { name: "Stop", exact: true }).click();
  });

  it("says nothing of a refusal when a session ends, and names nobody once it has", async () => {
    const page = await openChat("alice@example.com", "coder", "#ends");
    // Slow enough that what is shown until the answer is drawn.
    await page.route("**/api/me", async (route) => {
      await new Promise((resolve) => setTimeout(resolve, 300));
      await route.continue();
    });
    await page.evaluate(`{
      window.shown = [];
      new MutationObserver(() => {
        const word = document.querySelector(".state-word").textContent;
        const named = document.querySelector("#account").textContent.includes("Alice");
        const text = word + (named ? ", named" : "");
        if (window.shown.at(-1) !== text) window.shown.push(text);
      }).observe(document.body, { subtree: true, childList: true, characterData: true });
    }`);
    await context.request.post(`${origin}/auth/logout`, { headers: { origin } });
    await waitForState(page, "Signed out");
    await page.getByRole("banner").getByText("Alice").waitFor({ state: "detached" });
    expect(await page.evaluate("window.shown")).toEqual(["Disconnected, named", "Signed out"]);
  });

  it("comes back by itself after signing in again in another tab", async () => {
    const page = await openChat("alice@example.com", "coder", "#again");
    await ask(page, "where");
    const other = await context.newPage();
    await other.goto(origin);
    await other.getByRole("banner").getByRole("button", { name: "Sign out" }).click();
    await waitForState(page, "Signed out");
    await other.getByRole("heading", { name: "You are signed out" }).waitFor();
    await signInByForm(other, `${origin}/`, "alice@example.com");
    await other.waitForURL(`${origin}/`);
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))");
    await waitForState(page, "Connected");
    await page.locator(".answer", { hasText: "Agent: coder" }).waitFor();
  });

  it("shows nothing of one person to the next one", async () => {
    const page = await openChat("alice@example.com", "assistant", "#hers");
    await ask(page, "whoami");
    const other = await context.newPage();
    await other.goto(origin);
    await other.getByRole("banner").getByRole("button", { name: "Sign out" }).click();
    await waitForState(page, "Signed out");
    await other.getByRole("heading", { name: "You are signed out" }).waitFor();
    await signInByForm(other, `${origin}/`, "bob@example.com");
    await other.waitForURL(`${origin}/`);
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))");
    await waitForState(page, "Connected");
    await page.getByText("alice@example.com").waitFor({ state: "detached" });
  });

  it("goes with its agent to another gateway, and says that what was said may have stayed", async () => {
    const page = await openChat("alice@example.com", "assistant", "#moved");
    expect(await ask(page, "where")).toContain("Gateway: cloud");
    const file = join(fixture.configFolder, "routes.json5");
    const routes = await readFile(file, "utf8");
    await writeFile(
      file,
      routes.replace('["dana@example.com"]', '["dana@example.com", "alice@example.com"]'),
    );
    const notice = page.getByText("Your agent has moved. What was said before may have stayed where it ran.");
    await notice.waitFor();
    await page.locator(".answer").waitFor({ state: "detached" });
    expect(await violations(page)).toEqual([]);
    await screenshot(page, "chat-moved");
    expect(await ask(page, "where")).toContain("Gateway: berlin");
    await writeFile(file, routes);
    await page.locator(".answer", { hasText: "Gateway: cloud" }).waitFor();
  });

  it("says that IT removed the agent that is open, and who is asked", async () => {
    const page = await openChat("ivy@example.com", "coder", "#removed");
    const file = join(fixture.configFolder, "access.json5");
    const policy = await readFile(file, "utf8");
    await writeFile(file, policy.replace('it: { agents: ["*"]', 'it: { agents: ["assistant"]'));
    await waitForState(page, "Refused");
    await page.getByText(/IT removed your access to Coder at \d\d:\d\d UTC\./).waitFor();
    await page.getByText("If that is wrong, ask IT (it@example.com).").waitFor();
    expect(await violations(page)).toEqual([]);
    await screenshot(page, "chat-removed");
    await writeFile(file, policy);
    // The file is read a moment after it is written.
    const connectAgain = page.getByRole("button", { name: "Connect again" });
    await expect
      .poll(async () => {
        if (await connectAgain.isVisible()) await connectAgain.click();
        return await page.locator(".state-word").textContent();
      })
      .toBe("Connected");
  });
});
