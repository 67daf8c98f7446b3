import { describe, expect, it } from "vitest";
import type { MeAnswer } from "../../core/api.ts";
import type { Fetch } from "../../web/client/ask-door.ts";
import { createPortal, type PortalView } from "../../web/portal/portal.ts";
import { createManualTimers, settled } from "./manual-timers.ts";

const ME: MeAnswer = {
  id: "u_a",
  email: "alice@example.com",
  name: "Alice Archer",
  provider: null,
  groups: ["engineering"],
  roles: [],
  agents: [],
  session: { sid: "s_1", expiresAt: "2026-11-21T17:59:58.251Z" },
};
const SESSION = { sid: "s_1", current: true };
const error = (code: string) => ({ error: { code, message: `${code}.`, requestId: "r_1" } });

type Scripted = readonly [status: number, body: unknown, headers?: Record<string, string>] | "nobody";

function portal() {
  const timers = createManualTimers();
  const asked: string[] = [];
  const shown: PortalView[] = [];
  let logins = 0;
  const answers = new Map<string, Scripted>([
    ["GET /api/me", [200, ME]],
    ["GET /api/me/sessions", [200, { sessions: [SESSION] }]],
  ]);
  const fetch: Fetch = async (url, { method = "GET" }) => {
    asked.push(`${method} ${url}`);
    const answer = answers.get(`${method} ${url}`) ?? "nobody";
    if (answer === "nobody") throw new TypeError("network");
    const [status, body, headers = {}] = answer;
    return new Response(JSON.stringify(body), { status, headers });
  };
  const made = createPortal({
    fetch,
    after: timers.after,
    show: (view) => void shown.push(view),
    toLogin: () => {
      logins += 1;
    },
  });
  const view = () => shown.at(-1);
  const count = (request: string) => asked.filter((each) => each === request).length;
  return { portal: made, timers, answers, asked, view, count, logins: () => logins };
}

describe("the portal", () => {
  it("asks who I am, then where I am signed in", async () => {
    const { portal: mine, asked, view } = portal();
    mine.arrive();
    await settled();
    expect(asked).toEqual(["GET /api/me", "GET /api/me/sessions"]);
    expect(view()).toEqual({
      outcome: { kind: "signed_in", me: ME },
      me: ME,
      sessions: [SESSION],
      notice: null,
      told: new Map(),
    });
  });

  it("goes to the login when nobody was signed in when it came", async () => {
    const { portal: mine, answers, logins } = portal();
    answers.set("GET /api/me", [401, error("session_missing")]);
    mine.arrive();
    await settled();
    expect(logins()).toBe(1);
  });

  it("says so when a session has ended meanwhile, knows still whose it was, and asks no more by itself", async () => {
    const { portal: mine, answers, timers, view, logins, count } = portal();
    mine.arrive();
    await settled();
    mine.leave();
    answers.set("GET /api/me", [401, error("session_ended")]);
    mine.arrive();
    await settled();
    expect([view()?.outcome?.kind, view()?.me, logins()]).toEqual(["signed_out", ME, 0]);
    await timers.advance(3_600_000);
    expect(count("GET /api/me")).toBe(2);
  });

  it("shows nothing of the one before to somebody else who has signed in meanwhile", async () => {
    const { portal: mine, answers, timers, view } = portal();
    answers.set("GET /api/me/told/coder", [200, { headers: [["x-user-email", "alice@example.com"]] }]);
    mine.arrive();
    await settled();
    await mine.tell("coder");
    expect(view()?.told.size).toBe(1);
    const bob = { ...ME, id: "u_b", email: "bob@example.com", name: "Bob Baker" };
    answers.set("GET /api/me", [200, bob]);
    answers.set("GET /api/me/sessions", [200, { sessions: [{ sid: "s_2", current: true }] }]);
    await timers.advance(15_000);
    expect(view()).toEqual({
      outcome: { kind: "signed_in", me: bob },
      me: bob,
      sessions: [{ sid: "s_2", current: true }],
      notice: null,
      told: new Map(),
    });
  });

  it("drops what was being asked for when somebody else has signed in meanwhile", async () => {
    const { portal: mine, answers, view } = portal();
    answers.set("GET /api/me/told/coder", [200, { headers: [["x-user-email", "alice@example.com"]] }]);
    mine.arrive();
    await settled();
    answers.set("GET /api/me", [200, { ...ME, id: "u_b" }]);
    mine.arrive();
    const told = mine.tell("coder");
    await told;
    await settled();
    expect([view()?.me?.id, view()?.told]).toEqual(["u_b", new Map()]);
  });

  it("is there again when somebody has signed in again in another tab", async () => {
    const { portal: mine, answers, view } = portal();
    mine.arrive();
    await settled();
    answers.set("GET /api/me", [401, error("session_ended")]);
    mine.arrive();
    await settled();
    answers.set("GET /api/me", [200, ME]);
    mine.arrive();
    await settled();
    expect(view()?.outcome?.kind).toBe("signed_in");
  });

  it("keeps what it knows while the front door does not answer, and goes on when it does", async () => {
    const { portal: mine, answers, timers, view } = portal();
    mine.arrive();
    await settled();
    answers.set("GET /api/me", "nobody");
    await timers.advance(15_000);
    expect([view()?.outcome?.kind, view()?.me]).toEqual(["unavailable", ME]);
    answers.set("GET /api/me", [200, ME]);
    await timers.advance(15_000);
    expect(view()?.outcome?.kind).toBe("signed_in");
  });

  it("waits as long as it is told to", async () => {
    const { portal: mine, answers, timers, count } = portal();
    answers.set("GET /api/me", [503, error("overloaded"), { "retry-after": "60" }]);
    mine.arrive();
    await timers.advance(59_999);
    expect(count("GET /api/me")).toBe(1);
    await timers.advance(1);
    expect(count("GET /api/me")).toBe(2);
  });

  it("stops asking after ten minutes of nobody there, so that an open tab keeps no session alive", async () => {
    const { portal: mine, timers, count } = portal();
    mine.arrive();
    await timers.advance(3_600_000);
    expect(count("GET /api/me")).toBe(40);
    mine.stir();
    await settled();
    expect(count("GET /api/me")).toBe(41);
    await timers.advance(15_000);
    expect(count("GET /api/me")).toBe(42);
  });

  it("does not ask while nobody sees it", async () => {
    const { portal: mine, timers, count } = portal();
    mine.arrive();
    await settled();
    mine.leave();
    mine.stir();
    await timers.advance(3_600_000);
    expect(count("GET /api/me")).toBe(1);
  });

  it("says when a session could not be ended, and forgets it when one could", async () => {
    const { portal: mine, answers, view } = portal();
    mine.arrive();
    await settled();
    await mine.endSession("s_2");
    expect(view()?.notice).toBe("That did not work. Try again.");
    answers.set("DELETE /api/me/sessions", [200, { ended: ["s_2"] }]);
    await mine.endOthers();
    expect(view()?.notice).toBeNull();
  });

  it("asks what a gateway is told only when somebody wants to see it", async () => {
    const { portal: mine, answers, view, asked } = portal();
    const answer = { agent: "coder", gateway: "cloud", endpoint: "cloud-1", headers: [], assertion: {} };
    answers.set("GET /api/me/told/coder", [200, answer]);
    answers.set("GET /api/me/told/analyst", [503, error("home_unavailable")]);
    mine.arrive();
    await settled();
    expect(asked.some((request) => request.includes("told"))).toBe(false);
    const telling = mine.tell("coder");
    expect(view()?.told).toEqual(new Map([["coder", null]]));
    await telling;
    await mine.tell("analyst");
    await mine.tell("nobody");
    expect(view()?.told).toEqual(
      new Map([
        ["coder", { kind: "told", answer }],
        ["analyst", { kind: "refused", message: "home_unavailable." }],
        ["nobody", { kind: "refused", message: "The front door is not answering." }],
      ]),
    );
  });
});
