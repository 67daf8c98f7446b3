// What the chat page does with text that was made to harm it: hostile names, markup, directions, sizes and numbers.
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { SessionSummary } from "../../core/gateway-protocol.ts";
import { violations } from "../support/axe.ts";
import { say, waitForState } from "../support/chat-page.ts";
import { collectErrors, hasChromium, screenshot, signInByForm, startChromium } from "../support/chromium.ts";
import { type DemoFixture, startTestDemo } from "../support/demo-fixture.ts";
import { type RoutedGateway, routeGateway, type Shown, said } from "../support/routed-gateway.ts";

const HOSTILE = [
  '<img src=x onerror="alert(1)"><script>alert(2)</script>',
  "\u202Etxet desrever\u202C \u2066isolated\u2069 \u202Eunclosed",
  "null \u0000 and \u0001 control \u001b[31m characters",
  "👩‍👩‍👧‍👦 🏳️‍🌈 e\u0301 \uD83D lone surrogate",
  "Z\u0351\u036B\u0343\u036A\u0302\u0363".repeat(20),
  "x".repeat(3_000),
];

/** Elements that reach beyond the window without a box of their own that scrolls or cuts. */
const TOO_WIDE = `document.documentElement.scrollWidth <= innerWidth ? [] : [...document.body.querySelectorAll("*")]
  .filter((element) => element.scrollWidth > innerWidth)
  .map((element) => element.outerHTML.slice(0, 80))`;

describe.skipIf(!hasChromium)("the chat in Chromium, shown hostile text,", () => {
  let fixture: DemoFixture;
  let browser: Browser;
  let context: BrowserContext;
  let errors: string[];
  let foreign: string[];
  beforeAll(async () => {
    [fixture, browser] = await Promise.all([startTestDemo(), startChromium()]);
  });
  afterAll(async () => {
    await browser.close();
    await fixture.close();
  });
  beforeEach(async () => {
    context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    context.setDefaultTimeout(25_000);
    errors = collectErrors(context);
    foreign = [];
  });
  afterEach(async () => {
    await context.close();
    expect([errors, foreign]).toEqual([[], []]);
  });

  async function open(shown: Partial<Shown>): Promise<{ page: Page; gateway: RoutedGateway }> {
    const page = await context.newPage();
    const origin = fixture.demo.publicUrl;
    await signInByForm(page, `${origin}/`, "alice@example.com");
    await page.waitForURL(`${origin}/`);
    page.on("dialog", (dialog) => foreign.push(dialog.message()));
    page.on("request", (request) => {
      if (!request.url().startsWith(origin)) foreign.push(request.url());
    });
    const gateway = await routeGateway(page, shown);
    await page.goto(`${origin}/chat/coder`);
    await waitForState(page, "Connected");
    return { page, gateway };
  }

  const session = (index: number, title: string): SessionSummary => ({
    key: index === 0 ? "agent:coder:main" : `agent:coder:s${index}`,
    sessionId: `id-${index}`,
    agentId: "coder",
    chatType: "direct",
    updatedAt: 1_000_000 - index,
    messageCount: 2,
    label: title,
    derivedTitle: null,
  });

  it("shows all of it as text, within the width of a phone", async () => {
    const { page } = await open({
      agentName: HOSTILE[0] ?? "",
      sessions: HOSTILE.map((title, index) => session(index, title)),
      messages: HOSTILE.flatMap((text, index) => [
        said(index, "user", text),
        said(index, "assistant", `${text}\n\n\`\`\`${text}\n${text}\n\`\`\`\n\n# ${text}\n\n- ${text}`),
      ]),
    });
    await page
      .locator(".answer")
      .nth(HOSTILE.length - 1)
      .waitFor();
    for (const width of [1280, 360]) {
      await page.setViewportSize({ width, height: 800 });
      expect(await page.evaluate(TOO_WIDE)).toEqual([]);
      expect(await page.locator("main :is(img, script, iframe, object, embed, style)").count()).toBe(0);
      expect(await violations(page)).toEqual([]);
      await screenshot(page, `chat-hostile-${width}`);
    }
    const questions = await page.locator(".question .text").allTextContents();
    expect(questions).toEqual(HOSTILE);
    expect(await page.locator("h1 bdi").first().textContent()).toBe(HOSTILE[0]);
  });

  it("makes links of addresses that run nothing, and asks for no picture", async () => {
    const { page } = await open({
      messages: [
        said(1, "user", "Links?"),
        said(
          1,
          "assistant",
          [
            "[good](https://example.com/a) [bad](javascript:alert(1)) [data](data:text/html,x) [own](/auth/logout)",
            "![picture](https://example.com/p.png) ![](https://example.com/q.png) ![x](javascript:alert(1))",
            "[ref]\n\n[ref]: vbscript:x\n\n<a href='javascript:alert(1)'>html</a> https://example.com/bare",
          ].join("\n\n"),
        ),
      ],
    });
    const links = page.locator(".answer a");
    await links.first().waitFor();
    const hrefs = await page.evaluate(
      "[...document.querySelectorAll('.answer a')].map((link) => [link.getAttribute('href'), link.rel])",
    );
    const rel = "noopener noreferrer nofollow";
    expect(hrefs).toEqual([
      ["https://example.com/a", rel],
      ["https://example.com/p.png", rel],
      ["https://example.com/q.png", rel],
      ["https://example.com/bare", rel],
    ]);
  });

  it("stays quick with messages of a megabyte, in one line and in many, and while one streams in", async () => {
    const oneLine = "x".repeat(1_048_576);
    const manyLines = "Some words in a line.\n".repeat(47_000);
    const { page, gateway } = await open({
      messages: [said(2, "user", oneLine), said(2, "assistant", manyLines), said(1, "user", "More?")],
      running: { runId: "run-1", seq: 0, text: "" },
    });
    await page.locator(".piece").first().waitFor();
    expect(await page.locator(".question .text").first().textContent()).toBe(oneLine);
    for (let seq = 1; seq <= 64; seq += 1)
      gateway.tell({ state: "delta", seq, deltaText: "**word** and `code` ".repeat(820) });
    gateway.tell({ state: "delta", seq: 65, deltaText: "The end." });
    await page.getByText("The end.").waitFor();
    // A page that hangs would not take what is typed.
    await page.locator("#message").pressSequentially("still here");
    expect(await page.locator("#message").inputValue()).toBe("still here");
    await screenshot(page, "chat-megabyte");
  });

  it("takes a question of a megabyte", async () => {
    const { page } = await open({});
    await page.locator("#message").fill("word ".repeat(209_000));
    await page.locator("#message").press("Enter");
    await page.locator(".question .piece").first().waitFor();
    expect(await page.locator("#message").inputValue()).toBe("");
  });

  it("gives a message that is too long back to be made shorter", async () => {
    const page = await context.newPage();
    await signInByForm(page, `${fixture.demo.publicUrl}/chat/assistant`, "alice@example.com");
    await waitForState(page, "Connected");
    await page.locator("#message").fill("word ".repeat(209_720));
    await page.locator("#message").press("Enter");
    await page.getByText("Not sent: a message has at most 1,048,576 characters").waitFor();
    await page.getByRole("button", { name: "Edit" }).click();
    expect((await page.locator("#message").inputValue()).length).toBe(1_048_600);
    expect(await page.locator(".turn").count()).toBe(0);
    await page.locator("#message").fill("shorter");
    await page.locator("#message").press("Enter");
    await page.getByText("You wrote: shorter").waitFor();
  });

  it("scrolls a thousand sessions, and has the keyboard skip them", async () => {
    const { page } = await open({
      sessions: Array.from({ length: 1_000 }, (_, index) => session(index, `Session ${index}`)),
    });
    const list = page.getByRole("navigation", { name: "Sessions" });
    await list.getByText("Session 0").waitFor();
    expect(await list.getByRole("link").count()).toBe(1_000);
    // Only those near the view are laid out.
    const laidOut = `[...document.querySelectorAll(".sessions a")].filter((link) =>
      link.checkVisibility({ contentVisibilityAuto: true })).length`;
    expect(Number(await page.evaluate(laidOut))).toBeLessThan(200);
    await page.evaluate("document.querySelector('.sessions ul').scrollTop = 1e6");
    await list.getByText("Session 999").click();
    await page.waitForURL(/#s999$/);
    await screenshot(page, "chat-sessions-1000");
    await page.getByRole("button", { name: "New session" }).focus();
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.keyboard.type("past them");
    expect(await page.locator("#message").inputValue()).toBe("past them");
  });

  it("loads earlier messages as one scrolls up, and keeps the place", async () => {
    const { page } = await open({
      messages: Array.from({ length: 200 }, (_, index) => [
        said(index, "user", `question ${index}`),
        said(index, "assistant", `answer ${index}\n\n${"with some more words. ".repeat((index % 7) * 10)}`),
      ]).flat(),
    });
    await page.getByText("question 199", { exact: true }).waitFor();
    const scroller = page.getByRole("region", { name: "Conversation" });
    expect(await page.locator(".turn").count()).toBe(30);
    for (const first of [170, 140, 110]) {
      const anchor = page.getByText(`question ${first}`, { exact: true });
      await page.evaluate("document.querySelector('.scroller').scrollTop = 0");
      await page.getByText(`question ${first - 30}`, { exact: true }).waitFor({ state: "attached" });
      const box = await scroller.boundingBox();
      const { y } = (await anchor.boundingBox()) ?? { y: Number.NaN };
      // In view still: nothing jumped away under the reader.
      expect(y).toBeGreaterThanOrEqual(box?.y ?? 0);
      expect(y).toBeLessThan((box?.y ?? 0) + (box?.height ?? 0));
    }
    await page.getByRole("button", { name: "Newest message" }).click();
    await page.getByText("question 199", { exact: true }).waitFor();
    await say(page, "Next?");
    await page.getByText("Next?", { exact: true }).waitFor();
  });

  it("speaks of an answer once when it begins and once when it is whole", async () => {
    const { page, gateway } = await open({
      messages: [said(1, "user", "Hello?")],
      running: { runId: "run-1", seq: 0, text: "" },
    });
    await page.evaluate(`(() => {
      window.spoken = [];
      new MutationObserver((changes) => {
        for (const { target } of changes) {
          const region = (target.nodeType === 3 ? target.parentElement : target)?.closest("[role=status]");
          if (region !== null && region !== undefined) window.spoken.push(region.textContent);
        }
      }).observe(document.body, { subtree: true, childList: true, characterData: true });
    })()`);
    for (let seq = 1; seq <= 20; seq += 1) {
      gateway.tell({ state: "delta", seq, deltaText: `word-${seq} ` });
      await page.getByText(`word-${seq} `).first().waitFor();
    }
    gateway.tell({ state: "final", seq: 21, message: said(1, "assistant", "All of it.") });
    await page.locator(".answer", { hasText: "All of it." }).waitFor();
    await expect.poll(() => page.evaluate("window.spoken")).toEqual(["Coder answered: All of it."]);
  });
});
