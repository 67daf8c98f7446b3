import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { SessionSummary } from "../../core/gateway-protocol.ts";
import { type ChatView, createChatClient } from "../../web/client/chat-client.ts";
import type { Unsent } from "../../web/client/unsent.ts";
import { createFakeDoor, createFakeGateway, message, SESSION_KEY } from "./fake-gateway.ts";
import { createManualTimers, settled } from "./manual-timers.ts";

function setUp(kept: readonly Unsent[] = []) {
  let unsent = kept;
  const gateway = createFakeGateway();
  const door = createFakeDoor();
  const timers = createManualTimers();
  let ids = 0;
  let view: ChatView | undefined;
  const notices = new Set<string>();
  const client = createChatClient(
    "ws://localhost/agents/assistant/ws",
    "assistant",
    {
      openSocket: gateway.openSocket,
      fetch: door.fetch,
      after: timers.after,
      random: () => 0.5,
      newId: () => {
        ids += 1;
        return `key-${ids}`;
      },
      outbox: {
        read: (userId) => (userId === "u_a" ? unsent : []),
        keep: (_userId, messages) => {
          unsent = messages;
        },
      },
      client: { version: "0", platform: "test" },
    },
    (next) => {
      view = next;
      if (next.chat.notice !== null) notices.add(next.chat.notice);
    },
  );
  const now = (): ChatView => {
    if (view === undefined) throw new Error("nothing was shown");
    return view;
  };
  return {
    unsent: () => unsent,
    /** Every one that was shown. */
    notices,
    gateway,
    door,
    timers,
    client,
    now,
    seen: () => now().chat.turns.map(({ question, answer, phase }) => [question, answer, phase]),
    /** Lets timers and frames go on until the client is connected and has read the history. */
    async heal() {
      for (let round = 0; round < 10; round += 1) {
        await gateway.carry();
        gateway.answerHistory();
        await gateway.carry();
        await timers.advance(20_000);
      }
      await gateway.carry();
    },
  };
}

async function connected() {
  const world = setUp();
  world.client.connect();
  await world.gateway.carry();
  expect(world.now().connection).toEqual({ kind: "connected" });
  return world;
}

describe("the chat client", () => {
  it("shows the history and the agent's name once connected", async () => {
    const world = setUp();
    world.gateway.messages.push(
      message("r1", "user", "Hello?"),
      message("r1", "assistant", "Good day.", "stop"),
    );
    world.client.connect();
    expect(world.now().chat.loaded).toBe(false);
    await world.gateway.carry();
    expect(world.now().agent?.name).toBe("Assistant");
    expect(world.seen()).toEqual([["Hello?", "Good day.", "done"]]);
    expect(world.gateway.received.map(({ method }) => method)).toEqual([
      "connect",
      "chat.history",
      "sessions.list",
    ]);
  });

  it("sends a message and streams its answer", async () => {
    const { gateway, client, seen } = await connected();
    client.send("Hello?");
    expect(seen()).toEqual([["Hello?", "", "sending"]]);
    await gateway.carry();
    expect(seen()).toEqual([["Hello?", "", "accepted"]]);
    gateway.emit("key-1", "Good ");
    gateway.emit("key-1", "day.");
    await gateway.carry();
    expect(seen()).toEqual([["Hello?", "Good day.", "running"]]);
    gateway.finish("key-1");
    await gateway.carry();
    expect(seen()).toEqual([["Hello?", "Good day.", "done"]]);
    expect(gateway.sends().map(({ params }) => params)).toEqual([
      { sessionKey: SESSION_KEY, message: "Hello?", idempotencyKey: "key-1" },
    ]);
  });

  it("sends nothing for nothing but space", async () => {
    const { gateway, client, seen } = await connected();
    client.send(" \n\t ");
    await gateway.carry();
    expect([seen(), gateway.sends()]).toEqual([[], []]);
  });

  it("keeps every character of a hostile message, for the page to show as text", async () => {
    const { gateway, client, seen } = await connected();
    const hostile = '<img src=x onerror="alert(1)">\u202Eevil\u0000\u2066 👩‍👩‍👧 </script>';
    client.send(hostile);
    await gateway.carry();
    gateway.emit("key-1", hostile);
    await gateway.carry();
    expect(seen()).toEqual([[hostile, hostile, "running"]]);
  });

  it("sends an unacknowledged message again with the same key, and it is asked once", async () => {
    const { gateway, client, seen, heal } = await connected();
    client.send("Hello?");
    await gateway.carry(1);
    expect(gateway.sends().length).toBe(1);
    gateway.cut();
    await heal();
    expect(gateway.sends().map(({ params }) => params)).toEqual([
      { sessionKey: SESSION_KEY, message: "Hello?", idempotencyKey: "key-1" },
      { sessionKey: SESSION_KEY, message: "Hello?", idempotencyKey: "key-1" },
    ]);
    expect(gateway.messages.map(({ id }) => id)).toEqual(["key-1-user"]);
    expect(seen()).toEqual([["Hello?", "", "accepted"]]);
  });

  it("sends what was written without a connection once there is one, in order", async () => {
    const { gateway, client, heal } = await connected();
    gateway.cut();
    client.send("One");
    client.send("Two");
    await settled();
    expect(gateway.sends()).toEqual([]);
    await heal();
    expect(gateway.messages.map(({ runId }) => runId)).toEqual(["key-1", "key-2"]);
  });

  it("shows a refused message as not sent, and sends it again when told to", async () => {
    const { gateway, client, seen, now } = await connected();
    gateway.sendError = { code: "UNAVAILABLE", message: "The queue is full.", retryable: true };
    client.send("Hello?");
    await gateway.carry();
    expect(seen()).toEqual([["Hello?", "", "not_sent"]]);
    expect(now().chat.turns[0]?.note).toBe("The queue is full.");
    gateway.sendError = null;
    const [turn] = now().chat.turns;
    if (turn !== undefined) client.sendAgain(turn);
    await gateway.carry();
    expect(seen()).toEqual([["Hello?", "", "accepted"]]);
    expect(
      gateway.sends().map(({ params }) => (params as { idempotencyKey: string }).idempotencyKey),
    ).toEqual(["key-1", "key-1"]);
  });

  it("does not send a message that the gateway would close the connection for", async () => {
    const world = setUp();
    world.gateway.maxPayload = 2_000;
    world.client.connect();
    await world.gateway.carry();
    world.client.send("é".repeat(1_000));
    await world.gateway.carry();
    expect(world.gateway.sends()).toEqual([]);
    expect(world.now().chat.turns[0]).toMatchObject({
      phase: "not_sent",
      note: "it is too long for this gateway.",
    });
  });

  it("does not repeat a message for which the connection was closed with 1009", async () => {
    const { gateway, client, seen, heal } = await connected();
    client.send("Large");
    gateway.cut(1009, "message too big");
    await heal();
    expect([gateway.sends(), seen()]).toEqual([[], [["Large", "", "not_sent"]]]);
  });

  it("resumes a running answer after the network was cut", async () => {
    const { gateway, client, seen, heal } = await connected();
    client.send("Hello?");
    await gateway.carry();
    gateway.emit("key-1", "one ");
    await gateway.carry();
    gateway.cut();
    gateway.emit("key-1", "two ");
    gateway.emit("key-1", "three ");
    await heal();
    gateway.emit("key-1", "four");
    await gateway.carry();
    expect(seen()).toEqual([["Hello?", "one two three four", "running"]]);
    // Once for each connection: the events that follow need no other page.
    expect(gateway.received.filter(({ method }) => method === "chat.history").length).toBe(2);
  });

  it("says that the history could not be read, and reads it again", async () => {
    const { gateway, client, timers, now } = setUp();
    gateway.historyError = { code: "UNAVAILABLE", message: "The disk is slow." };
    client.connect();
    await gateway.carry();
    expect(now().chat).toMatchObject({
      loaded: false,
      notice: "The history could not be read: The disk is slow.",
    });
    gateway.historyError = null;
    await timers.advance(1_000);
    await gateway.carry();
    expect(now().chat).toMatchObject({ loaded: true, notice: null });
  });

  it("reads the history after a reconnect though the last reading failed as the connection ended", async () => {
    const { gateway, client, timers, now } = setUp();
    gateway.historyError = { code: "UNAVAILABLE", message: "Going down." };
    client.connect();
    await gateway.carry(4);
    const [link] = gateway.links;
    link?.listener.received(link.toClient.shift() ?? "");
    gateway.cut();
    gateway.historyError = null;
    await timers.advance(2_000);
    await gateway.carry();
    expect(now().chat).toMatchObject({ loaded: true, notice: null });
  });

  it("shows an answer that ended while nobody listened", async () => {
    const { gateway, client, seen, heal } = await connected();
    client.send("Hello?");
    await gateway.carry();
    gateway.cut();
    gateway.emit("key-1", "Good day.");
    gateway.finish("key-1");
    await heal();
    expect(seen()).toEqual([["Hello?", "Good day.", "done"]]);
  });

  it("says that an answer was interrupted by a restart of the gateway, and goes on", async () => {
    const { gateway, client, seen, heal } = await connected();
    client.send("Hello?");
    await gateway.carry();
    gateway.emit("key-1", "one ");
    await gateway.carry();
    gateway.restart();
    await heal();
    client.send("Again?");
    await gateway.carry();
    gateway.emit("key-2", "yes");
    gateway.finish("key-2");
    await gateway.carry();
    expect(seen()).toEqual([
      ["Hello?", "one ", "interrupted"],
      ["Again?", "yes", "done"],
    ]);
  });

  it("stops what is under way", async () => {
    const { gateway, client, seen } = await connected();
    client.send("Hello?");
    await gateway.carry();
    gateway.emit("key-1", "one ");
    client.stop();
    await gateway.carry();
    expect(seen()).toEqual([["Hello?", "one ", "stopped"]]);
    expect(gateway.received.at(-1)).toMatchObject({
      method: "chat.abort",
      params: { sessionKey: SESSION_KEY },
    });
  });

  it("says what a stop has taken back, and asks it again", async () => {
    const { gateway, client, seen, now } = await connected();
    const stopAfter = async (...questions: string[]) => {
      for (const question of questions) client.send(question);
      await gateway.carry();
      client.stop();
      await gateway.carry();
      return now().chat.notice;
    };
    expect(await stopAfter("One")).toBeNull();
    expect(await stopAfter("Two", "Three")).toBe(
      "Stopped. A question that was waiting was taken back: it can be asked again where it stands.",
    );
    client.send("Four");
    expect(now().chat.notice).toBeNull();
    expect(await stopAfter("Five", "Six")).toBe(
      "Stopped. 2 questions that were waiting were taken back: each can be asked again where it stands.",
    );
    expect(seen()).toEqual(
      ["One", "Two", "Three", "Four", "Five", "Six"].map((question) => [question, "", "stopped"]),
    );
  });

  it("keeps what no gateway has acknowledged, and sends it once after a reload", async () => {
    const first = await connected();
    first.gateway.cut();
    first.client.send("Hello?");
    const kept = [{ sessionKey: SESSION_KEY, runId: "key-1", text: "Hello?", refusal: null }];
    expect(first.unsent()).toEqual(kept);

    const second = setUp(kept);
    second.client.connect();
    await second.gateway.carry();
    expect(second.gateway.sends().map(({ params }) => params)).toEqual([
      { sessionKey: SESSION_KEY, message: "Hello?", idempotencyKey: "key-1" },
    ]);
    expect([second.seen(), second.unsent()]).toEqual([[["Hello?", "", "accepted"]], []]);
    second.gateway.cut();
    await second.heal();
    expect(second.gateway.sends()).toHaveLength(1);
  });

  it("keeps what was refused with its reason, until it is sent or taken back", async () => {
    const refused = { sessionKey: SESSION_KEY, runId: "key-1", text: "Hello?", refusal: "Full." };
    const { gateway, client, seen, unsent, now } = setUp([refused]);
    client.connect();
    await gateway.carry();
    expect([gateway.sends(), seen(), unsent()]).toEqual([[], [["Hello?", "", "not_sent"]], [refused]]);
    const [turn] = now().chat.turns;
    if (turn !== undefined) client.takeBack(turn);
    expect([seen(), unsent()]).toEqual([[], []]);
  });

  it("sends nothing that another person has left", async () => {
    const { gateway, client } = setUp([
      { sessionKey: SESSION_KEY, runId: "key-1", text: "Hello?", refusal: null },
    ]);
    gateway.userId = "u_b";
    client.connect();
    await gateway.carry();
    expect(gateway.sends()).toEqual([]);
  });

  it("shows why an answer failed", async () => {
    const { gateway, client, now } = await connected();
    client.send("Hello?");
    await gateway.carry();
    gateway.fail("key-1", "The model is overloaded.");
    await gateway.carry();
    expect(now().chat.turns[0]).toMatchObject({ phase: "failed", note: "The model is overloaded." });
  });

  it("shows the place in the queue", async () => {
    const { gateway, client, now } = await connected();
    client.send("One");
    client.send("Two");
    await gateway.carry();
    expect(now().chat.turns.map(({ phase, position }) => [phase, position])).toEqual([
      ["accepted", 0],
      ["queued", 1],
    ]);
  });

  it("shows what another window asked, and its answer", async () => {
    const { gateway, seen, heal } = await connected();
    gateway.begin("elsewhere", "From my phone");
    gateway.emit("elsewhere", "Good ");
    await heal();
    gateway.emit("elsewhere", "day.");
    await heal();
    expect(seen()).toEqual([["From my phone", "Good day.", "running"]]);
  });

  it("keeps a place in line over a reconnect, and its steps forward", async () => {
    const { gateway, client, now, heal } = await connected();
    client.send("One");
    client.send("Two");
    await gateway.carry();
    gateway.cut();
    await heal();
    const places = () => now().chat.turns.map(({ phase, position }) => [phase, position]);
    expect(places()).toEqual([
      ["unanswered", 0],
      ["queued", 1],
    ]);
    gateway.emit("key-1", "Yes.");
    gateway.finish("key-1");
    gateway.emit("key-2", "Well");
    await gateway.carry();
    expect(now().chat.turns.map(({ answer, phase }) => [answer, phase])).toEqual([
      ["Yes.", "done"],
      ["Well", "running"],
    ]);
  });

  it("loses and doubles no word, wherever among its events the connection is cut", async () => {
    const words = ["One ", "two ", "three ", "four ", "five."];
    // Frames up to the end of the first answer, connect and history included.
    const frames = 2 + 3 * 2 + 2 + words.length + 1;
    for (let cutAfter = 0; cutAfter <= frames; cutAfter += 1) {
      const { gateway, client, seen, heal } = setUp();
      client.connect();
      client.send("Count.");
      let carried = 0;
      const carry = async (count: number) => {
        for (let step = 0; step < count && carried < cutAfter; step += 1, carried += 1)
          await gateway.carry(1);
      };
      await carry(10);
      // Not asked before the cut: nothing to say yet.
      if (gateway.current() !== undefined)
        for (const word of words) {
          gateway.emit("key-1", word);
          await carry(1);
        }
      gateway.cut();
      await heal();
      const run = gateway.current();
      for (const word of words.filter((word) => run?.text.includes(word) === false))
        gateway.emit("key-1", word);
      gateway.finish("key-1");
      await heal();
      expect([cutAfter, seen()]).toEqual([cutAfter, [["Count.", words.join(""), "done"]]]);
      expect(gateway.messages.length).toBe(2);
    }
  });

  it("shows and sends nothing of one person to the next one who signs in", async () => {
    const { gateway, client, now, heal } = await connected();
    client.send("Secret");
    gateway.cut();
    client.send("Not yet sent");
    gateway.userId = "u_b";
    gateway.messages.length = 0;
    await heal();
    expect(now()).toMatchObject({
      userId: "u_b",
      sessionKey: SESSION_KEY,
      chat: { turns: [], loaded: true },
    });
    expect(gateway.sends()).toEqual([]);
  });

  it("says after a move that earlier words may have stayed", async () => {
    const { gateway, client, now, heal, seen } = await connected();
    client.send("Hello?");
    await gateway.carry();
    gateway.cut(1012, "your agent has moved, connect again");
    gateway.messages.length = 0;
    for (const run of gateway.runs) run.over = true;
    await heal();
    expect(seen()).toEqual([]);
    expect(now().chat.notice).toBe(
      "Your agent has moved. What was said before may have stayed where it ran.",
    );
  });

  it("reads earlier pages one at a time, and no further than there are", async () => {
    const { gateway, client, now } = setUp();
    for (let turn = 1; turn <= 100; turn += 1)
      gateway.messages.push(
        message(`r${turn}`, "user", `question ${turn}`),
        message(`r${turn}`, "assistant", `answer ${turn}`, "stop"),
      );
    client.connect();
    await gateway.carry();
    const shown = () => now().chat.turns.map(({ question }) => question);
    const from = (first: number) =>
      Array.from({ length: 101 - first }, (_, index) => `question ${first + index}`);
    expect(shown()).toEqual(from(71));
    client.readEarlier();
    client.readEarlier();
    await gateway.carry();
    expect(shown()).toEqual(from(41));
    for (let page = 0; page < 5; page += 1) {
      client.readEarlier();
      await gateway.carry();
    }
    expect([shown(), now().chat.earlierThan]).toEqual([from(1), null]);
    const pages = gateway.received.filter(({ method }) => method === "chat.history");
    expect(pages.map(({ params }) => (params as { before?: string }).before)).toEqual([
      undefined,
      "r71-user",
      "r41-user",
      "r11-user",
    ]);
  });

  it("ignores events of another session", async () => {
    const { gateway, seen } = await connected();
    const payload = {
      runId: "r",
      sessionKey: "agent:assistant:other",
      agentId: "assistant",
      seq: 1,
      state: "delta",
      deltaText: "?",
    };
    gateway.links[0]?.toClient.push(JSON.stringify({ type: "event", event: "chat", payload }));
    await gateway.carry();
    expect(seen()).toEqual([]);
  });

  it("yields exactly the text under any interleaving of drops, reconnects and old history pages", async () => {
    const command = fc.oneof(
      { weight: 6, arbitrary: fc.constant("emit" as const) },
      { weight: 5, arbitrary: fc.constant("carry one" as const) },
      { weight: 2, arbitrary: fc.constant("carry all" as const) },
      { weight: 2, arbitrary: fc.constant("drop" as const) },
      { weight: 3, arbitrary: fc.constant("wait" as const) },
      { weight: 2, arbitrary: fc.constant("send" as const) },
      { weight: 1, arbitrary: fc.constant("end" as const) },
      { weight: 2, arbitrary: fc.constant("hold history" as const) },
      { weight: 2, arbitrary: fc.constant("answer history" as const) },
    );
    const property = fc.asyncProperty(fc.array(command, { maxLength: 60 }), async (commands) => {
      const { gateway, client, timers, now, heal } = setUp();
      let word = 0;
      let questions = 0;
      client.connect();
      for (const next of commands) {
        const run = gateway.current();
        if (next === "emit" && run !== undefined) {
          word += 1;
          gateway.emit(run.runId, `w${word} `);
        }
        if (next === "end" && run !== undefined) gateway.finish(run.runId);
        if (next === "carry one") await gateway.carry(1);
        if (next === "carry all") await gateway.carry();
        if (next === "drop") gateway.cut();
        if (next === "wait") await timers.advance(1_100);
        if (next === "send") {
          questions += 1;
          client.send(`question ${questions}`);
        }
        if (next === "hold history") gateway.holdHistory = true;
        if (next === "answer history") {
          gateway.holdHistory = false;
          gateway.answerHistory();
        }
        await settled();
        for (const turn of now().chat.turns) {
          const whole = gateway.runs.find(({ runId }) => runId === turn.runId)?.text ?? "";
          expect(whole.startsWith(turn.answer)).toBe(true);
        }
      }
      gateway.holdHistory = false;
      await heal();
      const asked = Array.from({ length: questions }, (_, index) => `question ${index + 1}`);
      expect(now().connection).toEqual({ kind: "connected" });
      expect(now().chat.turns.map(({ question }) => question)).toEqual(asked);
      expect(gateway.runs.length).toBe(questions);
      expect(now().chat.turns.map(({ runId, answer }) => [runId, answer])).toEqual(
        gateway.runs.map(({ runId, text }) => [runId, text]),
      );
    });
    await fc.assert(property, { numRuns: 150 });
  });
});

describe("the chat client's sessions", () => {
  const OTHER = "agent:assistant:other";

  function summary(key: string, updatedAt: number, changes: Partial<SessionSummary> = {}): SessionSummary {
    return {
      key,
      sessionId: `id of ${key}`,
      agentId: "assistant",
      chatType: "direct",
      updatedAt,
      messageCount: 2,
      label: null,
      derivedTitle: "Hello?",
      ...changes,
    };
  }

  it("are listed once connected, the newest first, and those of other agents left out", async () => {
    const world = setUp();
    world.gateway.sessions.push(
      summary(OTHER, 1),
      summary(SESSION_KEY, 2),
      summary("agent:coder:main", 3, { agentId: "coder" }),
    );
    world.client.connect();
    expect(world.now().sessions).toEqual({ loaded: false, entries: [] });
    await world.gateway.carry();
    expect(world.now().sessions).toEqual({
      loaded: true,
      entries: [summary(SESSION_KEY, 2), summary(OTHER, 1)],
    });
  });

  it("change as the gateway tells, also while the list is on its way", async () => {
    const { gateway, client, now } = setUp();
    gateway.sessions.push(summary(OTHER, 1), summary(SESSION_KEY, 2));
    client.connect();
    await gateway.carry(7);
    gateway.changed(summary(OTHER, 5, { label: "Named" }));
    gateway.changed(SESSION_KEY);
    gateway.changed(summary("agent:assistant:new", 3));
    await gateway.carry();
    expect(now().sessions.entries).toEqual([
      summary(OTHER, 5, { label: "Named" }),
      summary("agent:assistant:new", 3),
    ]);
  });

  it("have each a conversation of their own", async () => {
    const { gateway, client, seen, now } = await connected();
    client.send("Here?");
    await gateway.carry();
    client.open(OTHER);
    await gateway.carry();
    expect([now().sessionKey, seen()]).toEqual([OTHER, []]);
    client.send("There?");
    await gateway.carry();
    gateway.emit("key-1", "Here.");
    gateway.emit("key-2", "There.");
    await gateway.carry();
    expect(seen()).toEqual([["There?", "There.", "running"]]);
    client.open(SESSION_KEY);
    expect(seen()).toEqual([["Here?", "Here.", "running"]]);
    expect(gateway.sends().map(({ params }) => (params as { sessionKey: string }).sessionKey)).toEqual([
      SESSION_KEY,
      OTHER,
    ]);
  });

  it("deliver what was written in each of them without a connection", async () => {
    const { gateway, client, heal, seen } = await connected();
    gateway.cut();
    client.send("Here?");
    client.open(OTHER);
    client.send("There?");
    await heal();
    expect(gateway.messages.map(({ id }) => id).sort()).toEqual(["key-1-user", "key-2-user"]);
    gateway.emit("key-1", "Here.");
    gateway.finish("key-1");
    await heal();
    client.open(SESSION_KEY);
    await heal();
    expect(seen()).toEqual([["Here?", "Here.", "done"]]);
  });

  it("are read again when they are opened after a reconnect", async () => {
    const { gateway, client, heal, seen } = await connected();
    client.send("Here?");
    await gateway.carry();
    client.open(OTHER);
    await heal();
    gateway.cut();
    gateway.emit("key-1", "Here ");
    await heal();
    gateway.emit("key-1", "I am.");
    await heal();
    client.open(SESSION_KEY);
    await heal();
    expect(seen()).toEqual([["Here?", "Here I am.", "running"]]);
  });

  it("are named, and say why not", async () => {
    const { gateway, client, now } = await connected();
    gateway.sessions.push(summary(SESSION_KEY, 1));
    const named = client.rename("Plans");
    await gateway.carry();
    expect([await named, now().sessions.entries]).toEqual([
      null,
      [summary(SESSION_KEY, 1, { label: "Plans" })],
    ]);
    client.open(OTHER);
    const unknown = client.rename("Plans");
    await gateway.carry();
    expect(await unknown).toBe("key: no such session");
    gateway.cut();
    expect(await client.rename("Plans")).toBe("There is no connection.");
  });

  it("are deleted, and the main one opens, without a word of what was done here", async () => {
    const { gateway, client, now, seen, notices } = await connected();
    gateway.sessions.push(summary(OTHER, 1));
    client.open(OTHER);
    client.send("There?");
    await gateway.carry();
    const deleted = client.deleteSession();
    await gateway.carry();
    expect([await deleted, now().sessionKey, now().sessions.entries]).toEqual([null, SESSION_KEY, []]);
    client.open(OTHER);
    await gateway.carry();
    expect([seen(), [...notices]]).toEqual([[], []]);
  });

  it("take what they have not sent with them", async () => {
    const { gateway, client, unsent } = await connected();
    client.send("Here?");
    client.open(OTHER);
    client.send("There?");
    const texts = () => unsent().map(({ text }) => text);
    expect(texts()).toEqual(["Here?", "There?"]);
    // Heard before the gateway has answered either.
    const payload = { sessionKey: SESSION_KEY, agentId: "assistant", session: null };
    gateway.links[0]?.listener.received(
      JSON.stringify({ type: "event", event: "sessions.changed", payload }),
    );
    expect(texts()).toEqual(["There?"]);
  });

  it("say so when they were deleted elsewhere while open", async () => {
    const { gateway, timers, client, now, seen } = await connected();
    client.send("Here?");
    await gateway.carry();
    gateway.messages.length = 0;
    gateway.runs.length = 0;
    gateway.changed(SESSION_KEY);
    await gateway.carry();
    const words = "This session was deleted in another tab or on another device.";
    expect([seen(), now().chat.notice]).toEqual([[], words]);
    // The next connection reads that it is empty: still for that reason, until something is said in it.
    gateway.cut();
    await timers.advance(1_000);
    await gateway.carry();
    expect([seen(), now().chat.notice, now().connection.kind]).toEqual([[], words, "connected"]);
    client.send("Anew?");
    await gateway.carry();
    expect(now().chat.notice).toBe(null);
  });
});
