// A real gateway on a free port with a folder of its own, and clients that speak to it over real sockets.
import { cp, lstat, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { type IncomingMessage, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WebSocket } from "ws";
import { gatewaySchema } from "../../config/gateway.ts";
import type { AuditEvent } from "../../core/audit.ts";
import type { Clock } from "../../core/clock.ts";
import type {
  ChatEvent,
  EventFrame,
  FrameError,
  HelloOk,
  ResponseFrame,
} from "../../core/gateway-protocol.ts";
import { createLog } from "../../core/log.ts";
import { type RunningGateway, startGateway } from "../../gateway/main.ts";
import { createTestDoor, type TestDoor } from "./assertion-fixture.ts";
import { createManualClock, type ManualClock } from "./manual-clock.ts";

export const START = Date.UTC(2026, 10, 2, 9, 0, 0);

export type TestGateway = {
  readonly running: RunningGateway;
  readonly door: TestDoor;
  readonly clock: ManualClock;
  readonly folder: string;
  readonly keySetPath: string;
  /** Lets the demonstration agent's `slow` say one more word, once it waits to. */
  slowWord(): Promise<void>;
  /** Operational log lines so far. */
  readonly logged: () => readonly Record<string, unknown>[];
  /** Connected and past `hello-ok`. */
  connect(claims?: Record<string, unknown>, path?: string): Promise<TestClient>;
  /** Admitted, but nothing said yet. */
  open(claims?: Record<string, unknown>, path?: string): Promise<TestClient>;
  auditLines(kind: AuditEvent["kind"]): Promise<readonly (AuditEvent & { time: string })[]>;
  /** Another process on the same data; the caller has closed the first. @param changes to `gateway` in its configuration */
  restart(changes?: Record<string, unknown>): Promise<TestGateway>;
  /** Another process on what a SIGKILL at this moment would leave on disk. */
  afterKill(): Promise<TestGateway>;
  /** Ends the gateway and removes its folder. */
  dispose(): Promise<void>;
};

export type TestGatewayOptions = {
  readonly gateway?: Record<string, unknown>;
  readonly agents?: Record<string, unknown>;
  readonly anthropic?: Record<string, unknown>;
  readonly drain?: string;
  /** `at_first`: the configured file is not there yet; `ever`: none is configured. */
  readonly withoutKeySet?: "at_first" | "ever";
};

/** The demonstration agent's words take no time; everything longer waits for `clock.advance`. */
const IMPATIENT_BELOW_MS = 50;
const SLOW_WORD_MS = 200;
const KEY_SET = "key-set.jwt";

export async function startTestGateway(options: TestGatewayOptions = {}): Promise<TestGateway> {
  const folder = await newFolder();
  const manual = createManualClock(START);
  const { after, slowWord } = impatient(manual);
  const clock: ManualClock = { ...manual, after };
  const door = createTestDoor(clock.now);
  const keySetPath = join(folder, KEY_SET);
  if (options.withoutKeySet === undefined) await writeFile(keySetPath, door.keySet());
  try {
    return await startOn({ folder, keySetPath, clock, door, slowWord, options });
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

type Parts = Pick<TestGateway, "folder" | "keySetPath" | "clock" | "door" | "slowWord"> & {
  readonly options: TestGatewayOptions;
};

async function startOn(parts: Parts): Promise<TestGateway> {
  const { folder, keySetPath, clock, door, slowWord, options } = parts;
  const config = gatewaySchema.parse({
    gateway: {
      id: "cloud",
      endpoint: "cloud-1",
      port: 0,
      auth: { trust: door.trust.kid, ...(options.withoutKeySet === "ever" ? {} : { keySet: keySetPath }) },
      ...options.gateway,
    },
    agents: {
      entries: { assistant: { name: "Assistant" }, coder: { name: "Coder", description: "Writes code." } },
      ...options.agents,
    },
    anthropic: options.anthropic ?? {},
    drain: options.drain ?? "0s",
    data: join(folder, "data"),
  });
  const lines: Record<string, unknown>[] = [];
  const log = createLog("gateway cloud/cloud-1", "debug", {
    write: (line) => void lines.push(JSON.parse(line)),
  });
  const running = await startGateway(config, { clock, log, version: "0.0.0-test" });
  const clients: TestClient[] = [];

  async function open(claims: Record<string, unknown> = {}, path = "/ws") {
    const url = `${running.url.replace("http", "ws")}${path}`;
    const client = await openClient(url, door.assertion(claims));
    clients.push(client);
    return client;
  }

  return {
    running,
    door,
    clock,
    folder,
    keySetPath,
    slowWord,
    logged: () => lines,
    open,
    async connect(claims, path) {
      const client = await open(claims, path);
      await client.handshake();
      return client;
    },
    async auditLines(kind) {
      const text = await readFile(join(folder, "data", "audit.jsonl"), "utf8");
      const parsed = text.split("\n").filter((line) => line !== "");
      return parsed.map((line) => JSON.parse(line)).filter((line) => line.kind === kind);
    },
    restart: (changes = {}) =>
      startOn({ ...parts, options: { ...options, gateway: { ...options.gateway, ...changes } } }),
    async afterKill() {
      const left = await newFolder();
      // Sockets, such as that of the folder's lock, are nothing that could be copied.
      await cp(folder, left, { recursive: true, filter: async (path) => !(await lstat(path)).isSocket() });
      return await startOn({ ...parts, folder: left, keySetPath: join(left, KEY_SET) });
    },
    async dispose() {
      for (const client of clients) client.socket.terminate();
      await running.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function newFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), "gatehouse-gateway-"));
}

function impatient(manual: ManualClock) {
  let slowWords = 0;
  let whenSlow = () => {};

  const after: Clock["after"] = (delayMs, action) => {
    if (delayMs < IMPATIENT_BELOW_MS) {
      const handle = setImmediate(action);
      return () => clearImmediate(handle);
    }
    if (delayMs !== SLOW_WORD_MS) return manual.after(delayMs, action);
    slowWords += 1;
    const cancel = manual.after(delayMs, () => {
      slowWords -= 1;
      action();
    });
    whenSlow();
    return () => {
      slowWords -= 1;
      cancel();
    };
  };

  async function slowWord() {
    if (slowWords === 0)
      await new Promise<void>((resolve) => {
        whenSlow = resolve;
      });
    manual.advance(SLOW_WORD_MS);
  }
  return { after, slowWord };
}

export type TestClient = {
  readonly socket: WebSocket;
  /** Everything received, in order. */
  readonly frames: readonly (EventFrame | ResponseFrame)[];
  readonly chatEvents: () => readonly ChatEvent[];
  handshake(): Promise<HelloOk>;
  /** The payload, or the error of a refusal. */
  request<T>(method: string, params?: unknown): Promise<T>;
  refused(method: string, params?: unknown): Promise<FrameError>;
  /** Resolves with the first frame, past or future, for which this holds. */
  frame<T extends EventFrame | ResponseFrame>(
    holds: (frame: EventFrame | ResponseFrame) => boolean,
  ): Promise<T>;
  chat(holds: (event: ChatEvent) => boolean): Promise<ChatEvent>;
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
};

export const CONNECT = {
  minProtocol: 4,
  maxProtocol: 4,
  client: { id: "test", version: "1", platform: "node", mode: "test" },
};

/** Rejects with the refusal when there is no 101. */
export function openClient(url: string, assertion: string): Promise<TestClient> {
  const socket = new WebSocket(url, { headers: { "x-gateway-assertion": assertion } });
  const frames: (EventFrame | ResponseFrame)[] = [];
  const waiting = new Set<() => void>();
  let lastId = 0;

  socket.on("message", (data) => {
    frames.push(JSON.parse(String(data)));
    for (const look of [...waiting]) look();
  });
  const closed = new Promise<{ code: number; reason: string }>((resolve) =>
    socket.on("close", (code, reason) => resolve({ code, reason: String(reason) })),
  );

  function frame<T>(holds: (frame: EventFrame | ResponseFrame) => boolean): Promise<T> {
    return new Promise((resolve) => {
      const look = () => {
        const found = frames.find(holds);
        if (found === undefined) return;
        waiting.delete(look);
        resolve(found as T);
      };
      waiting.add(look);
      look();
    });
  }

  async function respond(method: string, params: unknown): Promise<ResponseFrame> {
    lastId += 1;
    const id = `q${lastId}`;
    socket.send(JSON.stringify({ type: "req", id, method, params }));
    return await frame((received) => received.type === "res" && received.id === id);
  }

  const client: TestClient = {
    socket,
    frames,
    chatEvents: () =>
      frames.flatMap((received) =>
        received.type === "event" && received.event === "chat" ? [received.payload as ChatEvent] : [],
      ),
    async request(method, params) {
      const answer = await respond(method, params);
      if (!answer.ok) throw new Error(`${method}: ${answer.error.code} ${answer.error.message}`);
      return answer.payload as never;
    },
    async refused(method, params) {
      const answer = await respond(method, params);
      if (answer.ok) throw new Error(`${method} was not refused`);
      return answer.error;
    },
    handshake: () => client.request("connect", CONNECT),
    frame,
    async chat(holds) {
      const found = await frame<EventFrame>(
        (received) =>
          received.type === "event" && received.event === "chat" && holds(received.payload as ChatEvent),
      );
      return found.payload as ChatEvent;
    },
    closed,
  };

  return new Promise((resolve, reject) => {
    socket.on("error", reject);
    socket.on("open", () => resolve(client));
  });
}

export type PlainAnswer = {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: unknown;
};

/** One request with exactly these headers; an upgrade that is accepted answers with status 101. */
export function ask(
  url: string,
  options: { readonly method?: string; readonly headers?: Record<string, string | string[]> } = {},
): Promise<PlainAnswer> {
  return new Promise((resolve, reject) => {
    const { origin, hostname, port } = new URL(url);
    // The path as it is written: a URL would resolve its dot segments.
    const path = url.slice(origin.length);
    const { method = "GET", headers = {} } = options;
    const sent = request({ hostname, port, path, method, headers, agent: false });
    sent.on("error", reject);
    sent.on("upgrade", (response, socket) => {
      socket.destroy();
      resolve({ status: 101, headers: response.headers, body: undefined });
    });
    sent.on("response", (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString();
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: text === "" ? undefined : JSON.parse(text),
        });
      });
    });
    sent.end();
  });
}

/** The headers of a valid WebSocket handshake. */
export const HANDSHAKE = {
  connection: "Upgrade",
  upgrade: "websocket",
  "sec-websocket-version": "13",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
};
