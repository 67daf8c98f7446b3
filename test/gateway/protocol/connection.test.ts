import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type {
  ChatHistoryAnswer,
  EventFrame,
  HelloOk,
  ResponseFrame,
  SessionsChangedEvent,
  SessionsListAnswer,
  SessionsPatchAnswer,
} from "../../../core/gateway-protocol.ts";
import { userIdOf } from "../../../core/ids.ts";
import { createLog } from "../../../core/log.ts";
import { MAX_SESSION_BYTES, openSessionStore } from "../../../gateway/session/session-store.ts";
import { ALICE, agentId, BOB } from "../../support/assertion-fixture.ts";
import {
  CONNECT,
  startTestGateway,
  type TestClient,
  type TestGateway,
} from "../../support/gateway-fixture.ts";

let gateway: TestGateway;
let keys = 0;
/** A session, or a run, that no other test uses. */
const fresh = (prefix: string) => {
  keys += 1;
  return `${prefix}-${keys}`;
};

beforeAll(async () => {
  gateway = await startTestGateway({ gateway: { maxMessageSize: 2 * 1024 * 1024 } });
});
afterAll(() => gateway.dispose());

/** Opens a socket, sends these frames as they are, and gives what came back until it was closed. */
async function sendRaw(...frames: readonly (string | Buffer)[]) {
  const client = await gateway.open();
  for (const frame of frames) client.socket.send(frame);
  const closed = await client.closed;
  const answers = client.frames.filter((frame): frame is ResponseFrame => frame.type === "res");
  return { closed, answers };
}

const connectWith = (params: unknown) => JSON.stringify({ type: "req", id: "c", method: "connect", params });

describe("the handshake", () => {
  test("begins with a challenge and is answered with what this person gets here", async () => {
    const client = await gateway.open({}, "/agents/coder/ws");
    const challenge = await client.frame<EventFrame>(() => true);
    expect(challenge).toEqual({
      type: "event",
      event: "connect.challenge",
      payload: { nonce: expect.stringMatching(/^[0-9a-f-]{36}$/), ts: gateway.clock.now() },
    });
    const hello: HelloOk = await client.handshake();
    expect(hello).toEqual({
      type: "hello-ok",
      protocol: 4,
      server: { version: "0.0.0-test", connId: expect.stringMatching(/^[0-9a-f-]{36}$/) },
      features: {
        methods: [
          "chat.send",
          "chat.history",
          "chat.abort",
          "sessions.list",
          "sessions.patch",
          "sessions.delete",
          "agents.list",
          "health",
          "status",
        ],
        events: ["connect.challenge", "chat", "sessions.changed", "tick"],
      },
      snapshot: {
        user: { id: ALICE, email: "alice@example.com", name: "Alice Archer" },
        agents: [{ id: "coder", name: "Coder", description: "Writes code.", model: "claude-sonnet-5-5" }],
        mainSessionKey: "agent:coder:main",
      },
      auth: { method: "assertion", role: "operator", scopes: ["operator.read", "operator.write"] },
      policy: { maxPayload: 2 * 1024 * 1024, maxBufferedBytes: 50 * 1024 * 1024, tickIntervalMs: 30_000 },
    });
  });

  test("takes no credentials, device, role or scopes from the client", async () => {
    const client = await gateway.open();
    const params = {
      ...CONNECT,
      role: "admin",
      scopes: ["operator.admin"],
      auth: { token: "x", password: "y" },
      device: { id: "d" },
    };
    const hello = await client.request<HelloOk>("connect", params);
    expect(hello.auth).toEqual({
      method: "assertion",
      role: "operator",
      scopes: ["operator.read", "operator.write"],
    });
    expect(hello.snapshot.user.id).toBe(ALICE);
  });

  test.each([
    [3, 3],
    [5, 5],
    [1, 3],
  ])("refuses protocols %i to %i with 1002", async (minProtocol, maxProtocol) => {
    const message = "protocol mismatch";
    expect(await sendRaw(connectWith({ ...CONNECT, minProtocol, maxProtocol }))).toEqual({
      closed: { code: 1002, reason: message },
      answers: [
        {
          type: "res",
          id: "c",
          ok: false,
          error: {
            code: "INVALID_REQUEST",
            message,
            details: { code: "PROTOCOL_MISMATCH", expectedProtocol: 4 },
          },
        },
      ],
    });
  });

  test("speaks 4 with a client that speaks more", async () => {
    const client = await gateway.open();
    const hello = await client.request<HelloOk>("connect", { ...CONNECT, minProtocol: 1, maxProtocol: 9 });
    expect(hello.protocol).toBe(4);
  });

  test.each([
    ["no parameters", undefined, "at /: "],
    ["no client", { minProtocol: 4, maxProtocol: 4 }, "at /client: "],
    ["no client id", { ...CONNECT, client: { ...CONNECT.client, id: "" } }, "at /client/id: "],
    ["a version that is no number", { ...CONNECT, minProtocol: "4" }, "at /minProtocol: "],
  ])("refuses connect with %s, names the place and closes with 1008", async (_, params, place) => {
    const { closed, answers } = await sendRaw(connectWith(params));
    expect(closed).toEqual({
      code: 1008,
      reason: expect.stringContaining(`invalid connect params: ${place}`),
    });
    expect(answers).toMatchObject([{ ok: false, error: { code: "INVALID_REQUEST" } }]);
  });

  test("closes when something else comes first", async () => {
    expect(await sendRaw(JSON.stringify({ type: "req", id: "1", method: "chat.history" }))).toMatchObject({
      closed: { code: 1008, reason: "the first request must be connect" },
      answers: [{ id: "1", ok: false, error: { code: "INVALID_REQUEST" } }],
    });
  });

  test("closes when nothing comes for ten seconds", async () => {
    const client = await gateway.open();
    await client.frame(() => true);
    gateway.clock.advance(10_000);
    expect(await client.closed).toEqual({ code: 1008, reason: "connect timeout" });
  });

  test("is made once", async () => {
    const client = await gateway.connect();
    expect(await client.refused("connect", CONNECT)).toEqual({
      code: "INVALID_REQUEST",
      message: "already connected",
    });
  });
});

describe("bad input", () => {
  test.each([
    ["no JSON", "hello", "invalid frame: not JSON"],
    ["no object", "[]", "invalid frame: not an object"],
    ["no id", '{"type":"req","method":"health"}', "invalid frame: no id"],
    ["a bomb of brackets", "[".repeat(1_000_000), "invalid frame: too many values"],
  ])("closes with 1008 on %s", async (_, text, reason) => {
    expect(await sendRaw(connectWith(CONNECT), text)).toMatchObject({ closed: { code: 1008, reason } });
  });

  test("does nothing that comes behind a frame that ends the connection", async () => {
    const params = { sessionKey: fresh("s"), message: "too late", idempotencyKey: fresh("run") };
    const late = JSON.stringify({ type: "req", id: "late", method: "chat.send", params });
    await sendRaw(connectWith(CONNECT), "hello", late);
    const client = await gateway.connect();
    expect(await client.request("chat.history", params)).toMatchObject({ sessionId: null, running: null });
  });

  test("answers a malformed frame whose id can be read before it closes", async () => {
    const { closed, answers } = await sendRaw(connectWith(CONNECT), '{"type":"req","id":"x"}');
    expect(closed).toEqual({ code: 1008, reason: "invalid frame: no method" });
    expect(answers[1]).toEqual({
      type: "res",
      id: "x",
      ok: false,
      error: { code: "INVALID_REQUEST", message: "invalid frame: no method" },
    });
  });

  test("closes with 1008 on a binary frame", async () => {
    const { closed } = await sendRaw(Buffer.from(connectWith(CONNECT)));
    expect(closed).toEqual({ code: 1008, reason: "invalid frame: binary" });
  });

  test("closes with 1009 on a message beyond the limit", async () => {
    const { closed } = await sendRaw(connectWith(CONNECT), "x".repeat(2 * 1024 * 1024 + 1));
    expect(closed.code).toBe(1009);
  });

  test("answers an unknown method and goes on", async () => {
    const client = await gateway.connect();
    for (const method of ["config.set", "__proto__", "constructor", "chat.send "]) {
      expect(await client.refused(method, {})).toEqual({
        code: "UNKNOWN_METHOD",
        message: `unknown method: ${method}`,
      });
    }
    expect(await client.request("health")).toEqual({
      ok: true,
      ts: gateway.clock.now(),
      version: "0.0.0-test",
    });
  });

  test.each([
    ["chat.send", {}, "at /sessionKey: "],
    [
      "chat.send",
      { sessionKey: "main", message: " \n", idempotencyKey: "k" },
      "at /message: text that is not blank",
    ],
    ["chat.send", { sessionKey: "main", message: "x", idempotencyKey: 'a"b' }, "at /idempotencyKey: "],
    ["chat.send", { sessionKey: "main", message: "x" }, "at /idempotencyKey: "],
    ["chat.history", { sessionKey: "main", limit: 0 }, "at /limit: "],
    ["chat.history", { sessionKey: "main", limit: 501 }, "at /limit: "],
    ["chat.history", { sessionKey: ["main"] }, "at /sessionKey: "],
    ["chat.abort", { sessionKey: "main", runId: "" }, "at /runId: "],
    ["sessions.list", 7, "at /: "],
    ["sessions.patch", { key: "main" }, "at /label: "],
    ["sessions.patch", { key: "main", label: "x".repeat(121) }, "at /label: "],
    ["sessions.patch", { label: "x" }, "at /key: "],
    ["sessions.delete", {}, "at /key: "],
  ])("answers %s %j with the place that is wrong", async (method, params, place) => {
    const client = await gateway.connect();
    const error = await client.refused(method, params);
    expect(error.code).toBe("INVALID_REQUEST");
    expect(error.message).toContain(`invalid ${method} params: ${place}`);
  });

  test("refuses a message that is too long, and a page before a message that does not exist", async () => {
    const client = await gateway.connect();
    const message = "x".repeat(1024 * 1024 + 1);
    const sent = { sessionKey: "main", message, idempotencyKey: fresh("run") };
    expect(await client.refused("chat.send", sent)).toMatchObject({ code: "TOO_LARGE" });
    expect(await client.refused("chat.history", { sessionKey: "main", before: "none" })).toMatchObject({
      code: "NOT_FOUND",
    });
  });

  test("never brings the gateway down: any frames are answered or close with 1002, 1007, 1008 or 1009", async () => {
    const method = fc.constantFrom(
      "chat.send",
      "chat.history",
      "chat.abort",
      "sessions.list",
      "sessions.patch",
      "sessions.delete",
      "connect",
      "x",
    );
    const value = fc.jsonValue({ maxDepth: 3 });
    const params = fc.record(
      {
        sessionKey: fc.oneof(fc.string({ unit: "binary", maxLength: 140 }), value),
        key: fc.oneof(fc.string({ unit: "binary", maxLength: 140 }), value),
        label: fc.oneof(fc.string({ unit: "binary" }), value),
        message: fc.oneof(fc.string({ unit: "binary" }), value),
        idempotencyKey: fc.oneof(fc.string(), value),
        limit: value,
        before: value,
        runId: value,
      },
      { requiredKeys: [] },
    );
    const frame = fc.oneof(
      fc.record({ type: fc.constant("req"), id: fc.string(), method, params: fc.oneof(params, value) }),
      value,
    );
    const sent = fc.oneof(
      { weight: 8, arbitrary: frame.map((object) => JSON.stringify(object) ?? "undefined") },
      { weight: 1, arbitrary: fc.string({ unit: "binary" }) },
      { weight: 1, arbitrary: fc.uint8Array().map((bytes) => Buffer.from(bytes)) },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(sent, { minLength: 1, maxLength: 5 }),
        fc.boolean(),
        async (frames, greets) => {
          const client = greets ? await gateway.connect() : await gateway.open();
          for (const raw of frames) client.socket.send(raw);
          // Not a frame of the protocol: it ends every connection that is still there.
          client.socket.send("the end");
          expect((await client.closed).code).toBe(1008);
        },
      ),
      { numRuns: 60 },
    );
    await (await gateway.connect()).request("health");
  });
});

describe("chat", () => {
  test("streams an answer and gives the same text as history", async () => {
    const client = await gateway.connect();
    const [sessionKey, runId] = [fresh("notes"), fresh("run")];
    const sent = { sessionKey, message: "whoami", idempotencyKey: runId };
    expect(await client.request("chat.send", sent)).toEqual({ runId, status: "started" });
    const final = await client.chat((event) => event.runId === runId && event.state === "final");
    const events = client.chatEvents().filter((event) => event.runId === runId);
    const streamed = events.map((event) => (event.state === "delta" ? event.deltaText : "")).join("");
    expect(streamed).toContain("E-mail: alice@example.com");
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
    const key = `agent:assistant:${sessionKey}`;
    const history = await client.request<ChatHistoryAnswer>("chat.history", { sessionKey });
    expect(history).toMatchObject({
      sessionKey: key,
      sessionId: expect.any(String),
      hasMore: false,
      running: null,
    });
    expect(history.messages).toEqual([
      {
        id: expect.any(String),
        role: "user",
        content: [{ type: "text", text: "whoami" }],
        timestamp: expect.any(Number),
        runId,
      },
      final.state === "final" && final.message,
    ]);
    expect(history.messages[1]?.content).toEqual([{ type: "text", text: streamed }]);
    const listed = await client.request<SessionsListAnswer>("sessions.list", {});
    expect(listed.sessions.find((session) => session.key === key)).toEqual({
      key,
      sessionId: history.sessionId,
      agentId: "assistant",
      chatType: "direct",
      updatedAt: expect.any(Number),
      messageCount: 2,
      label: null,
      derivedTitle: "whoami",
    });
  });

  test("numbers a connection's events without a gap", async () => {
    const client = await gateway.connect();
    const runId = fresh("run");
    await client.request("chat.send", { sessionKey: fresh("s"), message: "where", idempotencyKey: runId });
    await client.chat((event) => event.state === "final");
    const events = client.frames.filter(
      (frame) => frame.type === "event" && frame.event !== "connect.challenge",
    );
    expect(events.map((frame) => frame.type === "event" && frame.seq)).toEqual(events.map((_, i) => i + 1));
  });

  test("goes on when the socket closes, and another connection continues without loss or doubling", async () => {
    const first = await gateway.connect();
    const [sessionKey, runId] = [fresh("s"), fresh("run")];
    await first.request("chat.send", { sessionKey, message: "slow", idempotencyKey: runId });
    for (let word = 1; word <= 3; word += 1) {
      await gateway.slowWord();
      await first.chat((event) => event.seq === word);
    }
    first.socket.close();
    await first.closed;
    await gateway.slowWord();

    const second = await gateway.connect();
    const { running } = await second.request<ChatHistoryAnswer>("chat.history", { sessionKey });
    expect(running).toEqual({ runId, seq: 4, text: "word-1 word-2 word-3 word-4 " });
    await gateway.slowWord();
    const next = await second.chat((event) => event.runId === runId);
    expect(next).toMatchObject({ seq: 5, deltaText: "word-5 " });
    expect(await second.request("chat.abort", { sessionKey })).toEqual({
      ok: true,
      aborted: true,
      runIds: [runId],
    });
    const aborted = await second.chat((event) => event.state === "aborted");
    expect(aborted.state === "aborted" && aborted.message?.content).toEqual([
      { type: "text", text: "word-1 word-2 word-3 word-4 word-5 " },
    ]);
    const after = await second.request<ChatHistoryAnswer>("chat.history", { sessionKey });
    expect(after.running).toBeNull();
    expect(after.messages.map(({ role, stopReason }) => [role, stopReason])).toEqual([
      ["user", undefined],
      ["assistant", "aborted"],
    ]);
  });

  test("gives a history in pages, the newest first", async () => {
    const client = await gateway.connect();
    const sessionKey = fresh("s");
    for (const message of ["one", "two", "three"]) {
      const idempotencyKey = fresh("run");
      await client.request("chat.send", { sessionKey, message, idempotencyKey });
      await client.chat((event) => event.runId === idempotencyKey && event.state === "final");
    }
    const newest = await client.request<ChatHistoryAnswer>("chat.history", { sessionKey, limit: 4 });
    expect(newest).toMatchObject({ hasMore: true, messages: [{}, {}, {}, {}] });
    const before = newest.messages[0]?.id;
    const older = await client.request<ChatHistoryAnswer>("chat.history", { sessionKey, limit: 4, before });
    expect(older.hasMore).toBe(false);
    const texts = [...older.messages, ...newest.messages].map((message) => message.content[0]?.text);
    expect(texts.filter((_, index) => index % 2 === 0)).toEqual(["one", "two", "three"]);
  });

  test("gives an unknown session as an empty one, without making it", async () => {
    const client = await gateway.connect();
    const sessionKey = fresh("never");
    expect(await client.request("chat.history", { sessionKey })).toEqual({
      sessionKey: `agent:assistant:${sessionKey}`,
      sessionId: null,
      messages: [],
      hasMore: false,
      running: null,
      waiting: [],
    });
    expect(await client.request("chat.abort", { sessionKey })).toEqual({
      ok: true,
      aborted: false,
      runIds: [],
    });
    const { sessions } = await client.request<SessionsListAnswer>("sessions.list");
    expect(sessions.map(({ key }) => key)).not.toContain(`agent:assistant:${sessionKey}`);
  });
});

describe("sessions", () => {
  const changes = (client: TestClient) =>
    client.frames.flatMap((frame) =>
      frame.type === "event" && frame.event === "sessions.changed"
        ? [frame.payload as SessionsChangedEvent]
        : [],
    );

  /** A session with one question and its answer. */
  async function begin(client: TestClient, sessionKey = fresh("s")) {
    const idempotencyKey = fresh("run");
    await client.request("chat.send", { sessionKey, message: "where", idempotencyKey });
    await client.chat((event) => event.runId === idempotencyKey && event.state === "final");
    await client.frame(
      (frame) =>
        frame.type === "event" &&
        frame.event === "sessions.changed" &&
        (frame.payload as SessionsChangedEvent).session?.messageCount === 2,
    );
    return `agent:assistant:${sessionKey}`;
  }

  test("are named and deleted, and all of their owner's connections hear of it", async () => {
    const [client, listening] = [await gateway.connect(), await gateway.connect()];
    const key = await begin(client);
    const named = await client.request<SessionsPatchAnswer>("sessions.patch", {
      key,
      label: " Plans\nfor May ",
    });
    expect(named).toEqual({
      ok: true,
      key,
      entry: {
        key,
        sessionId: expect.any(String),
        agentId: "assistant",
        chatType: "direct",
        updatedAt: expect.any(Number),
        messageCount: 2,
        label: "Plans for May",
        derivedTitle: "where",
      },
    });
    const { sessions } = await client.request<SessionsListAnswer>("sessions.list");
    expect(sessions.find((session) => session.key === key)).toEqual(named.entry);
    expect(await client.request("sessions.delete", { key })).toEqual({ ok: true, key, deleted: true });
    expect(await client.request("sessions.delete", { key })).toEqual({ ok: true, key, deleted: false });
    expect(await client.request("chat.history", { sessionKey: key })).toMatchObject({ sessionId: null });
    await listening.request("health");
    expect(
      changes(listening).map(({ session, ...of }) => [of, session?.messageCount, session?.label]),
    ).toEqual([
      [{ sessionKey: key, agentId: "assistant" }, 1, null],
      [{ sessionKey: key, agentId: "assistant" }, 2, null],
      [{ sessionKey: key, agentId: "assistant" }, 2, "Plans for May"],
      [{ sessionKey: key, agentId: "assistant" }, undefined, undefined],
    ]);
  });

  test("lose their name by null, or by one of nothing but space", async () => {
    const client = await gateway.connect();
    const key = await begin(client);
    for (const label of [null, " \n "]) {
      await client.request("sessions.patch", { key, label: "Name" });
      expect(await client.request("sessions.patch", { key, label })).toMatchObject({
        entry: { label: null },
      });
    }
  });

  test("of somebody else can be neither named nor deleted, nor heard of", async () => {
    const alices = await gateway.connect();
    const key = await begin(alices);
    const bobs = await gateway.connect({ sub: BOB, email: "bob@example.com", name: "Bob Baker" });
    expect(await bobs.refused("sessions.patch", { key, label: "Mine" })).toEqual({
      code: "NOT_FOUND",
      message: "key: no such session",
    });
    expect(await bobs.request("sessions.delete", { key })).toMatchObject({ deleted: false });
    await alices.request("sessions.patch", { key, label: "Hers" });
    await bobs.request("health");
    expect(changes(bobs)).toEqual([]);
    expect(await alices.request("chat.history", { sessionKey: key })).toMatchObject({ messages: [{}, {}] });
  });

  test("take no more names once they are full", async () => {
    const userId = userIdOf("https://idp.example.com", "carol-1");
    const folder = join(gateway.folder, "data", "sessions");
    const store = await openSessionStore({
      folder,
      newId: () => "session",
      log: createLog("test", "silent"),
      onChange() {},
    });
    await store.append(
      { userId, agentId: agentId("assistant"), name: "full" },
      {
        id: "m",
        role: "user",
        content: [{ type: "text", text: "x".repeat(MAX_SESSION_BYTES) }],
        timestamp: 1,
        runId: "r",
      },
    );
    const client = await gateway.connect({ sub: userId });
    expect(await client.refused("sessions.patch", { key: "full", label: "Name" })).toEqual({
      code: "TOO_LARGE",
      message: "this session is full; start a new one",
    });
  });

  test("of another agent than the connection's are forbidden and not told of", async () => {
    const everywhere = await gateway.connect();
    const client = await gateway.connect({}, "/agents/coder/ws");
    const key = await begin(everywhere);
    const error = { code: "FORBIDDEN", message: 'the agent "assistant" is not yours on this connection' };
    expect(await client.refused("sessions.patch", { key, label: "x" })).toEqual(error);
    expect(await client.refused("sessions.delete", { key })).toEqual(error);
    await client.request("health");
    expect(changes(client)).toEqual([]);
  });
});

describe("two people on one gateway", () => {
  const bob = { sub: BOB, email: "bob@example.com", name: "Bob Baker" };

  test("have sessions of their own under the same key and hear nothing of each other", async () => {
    const [alices, bobs] = [await gateway.connect(), await gateway.connect(bob)];
    const [sessionKey, runId] = [fresh("s"), fresh("run")];
    const secret = "SECRET-OF-ALICE";
    await alices.request("chat.send", { sessionKey, message: secret, idempotencyKey: runId });
    await alices.chat((event) => event.runId === runId && event.state === "final");

    const key = `agent:assistant:${sessionKey}`;
    for (const spelling of [sessionKey, key, key.toUpperCase(), ` ${key} `]) {
      expect(await bobs.request("chat.history", { sessionKey: spelling })).toMatchObject({
        sessionKey: key,
        sessionId: null,
        messages: [],
      });
      expect(await bobs.request("chat.abort", { sessionKey: spelling, runId })).toMatchObject({
        aborted: false,
      });
    }
    // The same run id is free for Bob: nothing tells him that Alice used it.
    const own = { sessionKey, message: "whoami", idempotencyKey: runId };
    expect(await bobs.request("chat.send", own)).toEqual({ runId, status: "started" });
    await bobs.chat((event) => event.runId === runId && event.state === "final");
    expect(JSON.stringify(bobs.frames)).toContain("bob@example.com");
    expect(JSON.stringify(bobs.frames)).not.toContain(secret);
    const hers = await alices.request<ChatHistoryAnswer>("chat.history", { sessionKey });
    expect(hers.messages).toHaveLength(2);
    expect(JSON.stringify(alices.frames)).not.toContain("bob@example.com");
  });

  test.each([
    `agent:assistant:../${ALICE}/main`,
    `${ALICE}:main`,
    `agent:${ALICE}:main`,
    "agent:assistant:main\0",
    "..",
    "%2e%2e",
    "__proto__",
  ])("cannot name somebody else's session by the key %j", async (sessionKey) => {
    const alices = await gateway.connect();
    const own = { sessionKey: "main", message: "SECRET", idempotencyKey: fresh("run") };
    await alices.request("chat.send", own);
    const bobs = await gateway.connect({ ...bob, sub: BOB });
    const frame = { type: "req", id: "h", method: "chat.history", params: { sessionKey } };
    bobs.socket.send(JSON.stringify(frame));
    const answer = await bobs.frame<ResponseFrame>(
      (received) => received.type === "res" && received.id === "h",
    );
    if (answer.ok) expect(answer.payload).toMatchObject({ sessionId: null, messages: [] });
    else expect(answer.error.code).toMatch(/^(INVALID_REQUEST|FORBIDDEN)$/);
  });

  test("are told of turns on all of their own connections that may see the agent", async () => {
    const speaking = await gateway.connect();
    const listening = await gateway.connect({}, "/agents/assistant/ws");
    const elsewhere = await gateway.connect({}, "/agents/coder/ws");
    const runId = fresh("run");
    await speaking.request("chat.send", { sessionKey: fresh("s"), message: "where", idempotencyKey: runId });
    await listening.chat((event) => event.runId === runId && event.state === "final");
    await elsewhere.request("health");
    expect(elsewhere.chatEvents()).toEqual([]);
  });
});

describe("agents", () => {
  test("are those of the assertion, the first by default", async () => {
    const client = await gateway.connect({ agents: ["coder", "assistant", "analyst"] });
    expect(await client.request("agents.list")).toEqual({
      defaultId: "coder",
      mainKey: "main",
      agents: [
        { id: "coder", name: "Coder", description: "Writes code.", model: "claude-sonnet-5-5" },
        { id: "assistant", name: "Assistant", description: "", model: "claude-sonnet-5-5" },
      ],
    });
    expect(await client.request("chat.history", { sessionKey: "main" })).toMatchObject({
      sessionKey: "agent:coder:main",
    });
  });

  test("are forbidden beyond the one of the path, whatever the assertion holds", async () => {
    const everywhere = await gateway.connect();
    const runId = fresh("run");
    const sessionKey = "agent:assistant:kept";
    await everywhere.request("chat.send", { sessionKey, message: "where", idempotencyKey: runId });
    const client = await gateway.connect({}, "/agents/coder/ws");
    for (const [method, params] of [
      ["chat.send", { sessionKey, message: "x", idempotencyKey: "k" }],
      ["chat.history", { sessionKey }],
      ["chat.abort", { sessionKey }],
    ] as const) {
      expect(await client.refused(method, params)).toEqual({
        code: "FORBIDDEN",
        message: 'the agent "assistant" is not yours on this connection',
      });
    }
    const { sessions } = await client.request<SessionsListAnswer>("sessions.list");
    expect(sessions.filter(({ agentId }) => agentId !== "coder")).toEqual([]);
  });
});
