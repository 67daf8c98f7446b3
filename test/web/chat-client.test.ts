import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ChatView, createChatClient } from "../../web/client/chat-client.ts";
import { createFakeDoor, createFakeGateway, message } from "./fake-gateway.ts";
import { createManualTimers, settled } from "./manual-timers.ts";

function setUp() {
  const gateway = createFakeGateway();
  const door = createFakeDoor();
  const timers = createManualTimers();
  let ids = 0;
  let view: ChatView | undefined;
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
      client: { version: "0", platform: "test" },
    },
    (next) => {
      view = next;
    },
  );
  const now = (): ChatView => {
    if (view === undefined) throw new Error("nothing was shown");
    return view;
  };
  return {
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
    expect(world.gateway.received.map(({ method }) => method)).toEqual(["connect", "chat.history"]);
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
      { sessionKey: "main", message: "Hello?", idempotencyKey: "key-1" },
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
      { sessionKey: "main", message: "Hello?", idempotencyKey: "key-1" },
      { sessionKey: "main", message: "Hello?", idempotencyKey: "key-1" },
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
    expect(gateway.received.at(-1)).toMatchObject({ method: "chat.abort", params: { sessionKey: "main" } });
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
