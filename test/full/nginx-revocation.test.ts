// What nginx carries ends like everything else: each end of access, in both forms. Leases last a minute here: whatever
// closes at once was told to close.

import { request } from "undici";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseSessionId, type SessionId } from "../../core/ids.ts";
import { commitEvent } from "../../proxy/admin/end-access.ts";
import { createSessionEndings } from "../../proxy/identify/session-endings.ts";
import { createSessionIndex } from "../../token-exchange/session-index.ts";
import { type BehindNginx, type BehindNginxOptions, startBehindNginx } from "../support/behind-nginx.ts";
import { openChat, refusalOf } from "../support/chat-socket.ts";
import { ACCESS, ALICE, BOB, type TestPerson } from "../support/front-door-fixture.ts";
import { hasNginx } from "../support/nginx.ts";

const WITHIN = { timeout: 20_000, interval: 50 };

const WITHOUT_CODER = {
  ...ACCESS,
  groups: { ...ACCESS.groups, engineering: { agents: ["assistant"] } },
};

function clientsOf(stack: BehindNginx) {
  const ca = stack.ca.cert;
  const url = (path: string) => `wss://localhost:${stack.tlsPort}${path}`;
  const origin = stack.door.publicUrl;
  return {
    chat: async (person: TestPerson, path = "/agents/coder/ws") =>
      openChat(url(path), { cookie: await stack.door.signIn(person), origin }, { ca }),
    chatBy: (cookie: string, path = "/agents/coder/ws") => openChat(url(path), { cookie, origin }, { ca }),
    refusal: async (person: TestPerson, path = "/agents/coder/ws") =>
      refusalOf(url(path), { cookie: await stack.door.signIn(person), origin }, { ca }),
  };
}

/** What the demonstration's agent says of the session. */
function sessionOf(text: string): SessionId {
  const sid = parseSessionId(/s_[\w-]{22}/.exec(text)?.[0] ?? "");
  if (sid === undefined) throw new Error(`no session id in ${text}`);
  return sid;
}

async function withStack(options: BehindNginxOptions, use: (stack: BehindNginx) => Promise<void>) {
  const stack = await startBehindNginx(options);
  try {
    await use(stack);
  } finally {
    await stack.close();
  }
}

describe.skipIf(!hasNginx).each(["in-front", "data-plane"] as const)("behind nginx %s", (form) => {
  let stack: BehindNginx;
  let clients: ReturnType<typeof clientsOf>;
  beforeAll(async () => {
    stack = await startBehindNginx({ form });
    clients = clientsOf(stack);
  });
  afterAll(() => stack.close());

  it("the end of a session closes its connections, and no others", async () => {
    const [alice, bob] = [await clients.chat(ALICE), await clients.chat(BOB, "/agents/assistant/ws")];
    const sid = sessionOf(await alice.ask("whoami"));
    const endings = createSessionEndings(stack.door.store, createSessionIndex(stack.door.store, Date.now));
    await endings.endOne(sid, "ended_by_admin");
    expect(await alice.closed).toEqual({ code: 1008, reason: "an administrator ended your session" });
    expect(await bob.ask("whoami")).toContain("bob@example.com");
    bob.close();
  });

  it("an edit that takes an agent away closes what may use it, and no others", async () => {
    const [coder, all, other] = [
      await clients.chat(ALICE),
      await clients.chat(ALICE, "/ws"),
      await clients.chat(ALICE, "/agents/assistant/ws"),
    ];
    await stack.door.editPolicy({ access: WITHOUT_CODER });
    const removed = expect.stringMatching(/^IT removed your access to Coder at \d\d:\d\d UTC$/);
    expect(await coder.closed).toEqual({ code: 1008, reason: removed });
    expect(await all.closed).toEqual({ code: 1008, reason: removed });
    expect(await other.ask("whoami")).toContain("alice@example.com");
    other.close();
    await stack.door.editPolicy({ access: ACCESS });
  });

  it("the end of a group closes what its members have open, who may come back at once", async () => {
    const cookie = await stack.door.signIn(ALICE);
    const [alice, bob] = [await clients.chatBy(cookie), await clients.chat(BOB, "/agents/assistant/ws")];
    await commitEvent(stack.door.store, { kind: "group_ended", group: "engineering" });
    const reason = "an administrator ended your group's connections";
    expect(await alice.closed).toEqual({ code: 1008, reason });
    const again = await clients.chatBy(cookie);
    expect(await again.ask("whoami")).toContain("alice@example.com");
    expect(await bob.ask("whoami")).toContain("bob@example.com");
    again.close();
    bob.close();
  });

  it("the end of a gateway's connections closes them", async () => {
    const alice = await clients.chat(ALICE);
    await commitEvent(stack.door.store, { kind: "gateway_ended", gateway: "cloud", endpoint: "cloud-1" });
    const reason = "operations ended this gateway's connections, connect again";
    expect(await alice.closed).toEqual({ code: 1012, reason });
  });

  it("other groups close what they no longer allow", async () => {
    const alice = await clients.chat(ALICE);
    const sid = sessionOf(await alice.ask("whoami"));
    await commitEvent(stack.door.store, { kind: "groups_changed", sid, groups: ["finance"] });
    const reason = expect.stringMatching(/^IT removed your access to Coder/);
    expect(await alice.closed).toEqual({ code: 1008, reason });
  });
});

describe.skipIf(!hasNginx)("what nginx holds as the data plane", () => {
  it("counts in the front door, for as long as the gateway names it", () =>
    withStack({ form: "data-plane", leaseMs: 1_000 }, async (stack) => {
      const { chat } = clientsOf(stack);
      const alice = await chat(ALICE);
      await expect.poll(() => liveConnections(stack), WITHIN).toBe(1);
      alice.close();
      await expect.poll(() => liveConnections(stack), WITHIN).toBe(0);
    }));

  it("outlives a restart of the front door, and ends by what happens afterwards", () =>
    withStack({ form: "data-plane" }, async (stack) => {
      const { chat } = clientsOf(stack);
      const alice = await chat(ALICE);
      await stack.door.restart();
      await expect.poll(() => liveConnections(stack), WITHIN).toBe(1);
      expect(await alice.ask("whoami")).toContain("alice@example.com");
      await commitEvent(stack.door.store, { kind: "group_ended", group: "engineering" });
      const reason = "an administrator ended your group's connections";
      expect(await alice.closed).toEqual({ code: 1008, reason });
    }));

  it("ends by what was changed while there was no front door, and the rest goes on", () =>
    withStack({ form: "data-plane" }, async (stack) => {
      const { chat } = clientsOf(stack);
      const [coder, other] = [await chat(ALICE), await chat(ALICE, "/agents/assistant/ws")];
      await stack.door.restart({ access: WITHOUT_CODER });
      const reason = expect.stringMatching(/^IT removed your access to Coder/);
      expect(await coder.closed).toEqual({ code: 1008, reason });
      expect(await other.ask("whoami")).toContain("alice@example.com");
      other.close();
    }));

  it("ends by its lease when the front door is gone for good", () =>
    withStack({ form: "data-plane", leaseMs: 1_000 }, async (stack) => {
      const { chat } = clientsOf(stack);
      const alice = await chat(ALICE);
      await stack.door.running.close();
      const reason = "the front door no longer confirms this session";
      expect(await alice.closed).toEqual({ code: 1008, reason });
    }));

  it("ends at the gateway when nginx is killed", () =>
    withStack({ form: "data-plane" }, async (stack) => {
      const { chat } = clientsOf(stack);
      const alice = await chat(ALICE);
      await stack.nginx.kill();
      await alice.closed;
      await expect
        .poll(() => stack.gatewayAudit("connection_closed"), WITHIN)
        .toMatchObject([{ email: "alice@example.com", reason: "closed by the other end with 1006" }]);
    }));

  it("ends at the gateway when nginx is killed and the way between keeps the connection open", () =>
    withStack(
      { form: "data-plane", gateway: { heartbeat: { interval: "1s", timeout: "1s" } } },
      async (stack) => {
        const { chat } = clientsOf(stack);
        await chat(ALICE);
        stack.between.keepFarSides();
        await stack.nginx.kill();
        await expect
          .poll(() => stack.gatewayAudit("connection_closed"), WITHIN)
          .toMatchObject([{ email: "alice@example.com", reason: "no answer to a ping" }]);
      },
    ));

  it("is nothing while the gateway has no control channel: nobody is let in", () =>
    withStack({ form: "data-plane" }, async (stack) => {
      await stack.gateway.close();
      const { refusal } = clientsOf(stack);
      const refused = await refusal(ALICE);
      expect(refused.status).toBe(503);
      expect(Number(refused.headers["retry-after"])).toBeGreaterThan(0);
      expect(["control_channel_away", "home_unavailable"]).toContain(JSON.parse(refused.body).error.code);
    }));
});

async function liveConnections(stack: BehindNginx): Promise<number> {
  const answer = await request(`http://127.0.0.1:${stack.door.running.privatePort}/metrics`);
  const lines = (await answer.body.text()).split("\n");
  const line = lines.find((each) => each.startsWith("gatehouse_live_connections{"));
  return Number(line?.split(" ").at(-1) ?? 0);
}
