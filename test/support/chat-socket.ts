// A WebSocket client of the gateway protocol for flow tests: connects through the front door, asks, collects.
import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { WebSocket } from "ws";
import type { ChatEvent, ChatHistoryAnswer, Frame, HelloOk } from "../../core/gateway-protocol.ts";

export type Refused = {
  readonly status: number;
  readonly body: string;
  readonly headers: IncomingMessage["headers"];
};

export type ChatSocket = {
  readonly hello: HelloOk;
  request<Answer>(method: string, params?: unknown): Promise<Answer>;
  /** Sends a message and resolves with the text of the whole answer. */
  ask(message: string, sessionKey?: string): Promise<string>;
  /** Resolves with the first event of this kind from now on. */
  nextChat(state: ChatEvent["state"]): Promise<ChatEvent>;
  history(sessionKey?: string): Promise<ChatHistoryAnswer>;
  /** How the connection ended. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  close(): void;
};

/** Resolves with the refusal's HTTP answer; rejects if the upgrade is accepted. */
export function refusalOf(
  url: string,
  headers: Readonly<Record<string, string>>,
  tls: { readonly ca?: string } = {},
): Promise<Refused> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, { headers, ...tls });
    socket.on("open", () => {
      socket.terminate();
      reject(new Error("the upgrade was accepted"));
    });
    socket.on("unexpected-response", (_request, answer) => {
      let body = "";
      answer.on("data", (chunk) => {
        body += chunk;
      });
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, body, headers: answer.headers }));
    });
    socket.on("error", () => {});
  });
}

/** Opens the socket and goes through the handshake. */
export function openChat(
  url: string,
  headers: Readonly<Record<string, string>>,
  tls: { readonly ca?: string } = {},
): Promise<ChatSocket> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, { headers, ...tls });
    const answers = new Map<string, (frame: Extract<Frame, { type: "res" }>) => void>();
    const listeners = new Set<(event: ChatEvent) => void>();
    const closed = new Promise<{ code: number; reason: string }>((done) =>
      socket.on("close", (code, reason) => done({ code, reason: reason.toString() })),
    );
    socket.on("error", reject);
    closed.then(({ code, reason }) => reject(new Error(`closed ${code} ${reason}`)));

    function request<Answer>(method: string, params: unknown = {}): Promise<Answer> {
      const id = randomUUID();
      socket.send(JSON.stringify({ type: "req", id, method, params }));
      return new Promise((done, fail) => {
        answers.set(id, (frame) =>
          frame.ok ? done(frame.payload as Answer) : fail(new Error(JSON.stringify(frame.error))),
        );
      });
    }

    function nextChat(state: ChatEvent["state"]): Promise<ChatEvent> {
      return new Promise((done) => {
        const listener = (event: ChatEvent) => {
          if (event.state !== state) return;
          listeners.delete(listener);
          done(event);
        };
        listeners.add(listener);
      });
    }

    async function ask(message: string, sessionKey = "main"): Promise<string> {
      const final = nextChat("final");
      await request("chat.send", { sessionKey, message, idempotencyKey: randomUUID() });
      const event = await final;
      if (event.state !== "final") throw new Error("not a final event");
      return event.message.content.map(({ text }) => text).join("");
    }

    socket.on("message", (data) => {
      const frame = JSON.parse(String(data)) as Frame;
      if (frame.type === "res") return answers.get(frame.id)?.(frame);
      if (frame.type !== "event") return;
      if (frame.event === "chat") for (const listener of [...listeners]) listener(frame.payload as ChatEvent);
      if (frame.event !== "connect.challenge") return;
      const client = { id: "cli", version: "1.0.0", platform: "linux", mode: "cli" };
      request<HelloOk>("connect", {
        minProtocol: 4,
        maxProtocol: 4,
        client,
        role: "operator",
        scopes: [],
      }).then(
        (hello) =>
          resolve({
            hello,
            request,
            ask,
            nextChat,
            history: (sessionKey = "main") => request("chat.history", { sessionKey }),
            closed,
            close: () => socket.close(1000),
          }),
        reject,
      );
    });
  });
}
