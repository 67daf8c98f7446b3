// A gateway by hand at the other end of a control channel: says what a test tells it to, right or wrong, and keeps
// what the door says.
import { createServer, type IncomingMessage, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import {
  CONTROL_PROOF_TYPE,
  type DoorControlFrame,
  parseDoorControlFrame,
} from "../../../core/control-channel.ts";
import { createTestKey, signJws, type TestKey } from "../../support/assertion-fixture.ts";
import { createInbox, type Inbox } from "./inbox.ts";

export type ScriptedGateway = {
  readonly gateway: string;
  readonly endpoint: string;
  readonly url: string;
  /** The endpoint key; a test may put another one in its place. */
  key: TestKey;
  /** Every channel that the door has opened, past `101`. */
  readonly channels: Inbox<ScriptedChannel>;
  /** Every upgrade request, accepted or not. */
  readonly requests: Inbox<IncomingMessage>;
  /** Answers upgrades with these bytes instead of 101. */
  refuseWith(answer: string | undefined): void;
  close(): Promise<void>;
};

export type ScriptedChannel = {
  readonly socket: WebSocket;
  readonly ticket: Ticket;
  readonly frames: Inbox<DoorControlFrame>;
  readonly closed: Promise<number>;
  /** A valid `hello`, with these members changed. */
  hello(changes?: Record<string, unknown>, proof?: ProofChanges): Record<string, unknown>;
  send(frame: unknown): void;
  /** Says a valid `hello` and waits for `welcome`. */
  greet(changes?: Record<string, unknown>): Promise<void>;
  frame<Type extends DoorControlFrame["type"]>(
    type: Type,
    holds?: (frame: Extract<DoorControlFrame, { type: Type }>) => boolean,
  ): Promise<Extract<DoorControlFrame, { type: Type }>>;
  /** All frames of one type so far. */
  all<Type extends DoorControlFrame["type"]>(type: Type): Extract<DoorControlFrame, { type: Type }>[];
  /** Resolves when everything sent so far was read at the other end: it answers pings of the protocol below in order. */
  settled(): Promise<void>;
};

export type Ticket = {
  readonly text: string;
  readonly header: Record<string, unknown>;
  readonly claims: Record<string, unknown>;
};

export type ProofChanges = {
  readonly claims?: Record<string, unknown>;
  readonly header?: Record<string, unknown>;
  readonly key?: TestKey;
};

export const GATEWAY_NONCE = "g".repeat(43);

export type ScriptedOptions = {
  readonly gateway: string;
  readonly endpoint: string;
  /** The door's name. */
  readonly issuer: string;
  readonly now: () => number;
  readonly tls?: { readonly key: string; readonly cert: string };
};

export async function startScriptedGateway(options: ScriptedOptions): Promise<ScriptedGateway> {
  const { gateway, endpoint, tls } = options;
  const channels = createInbox<ScriptedChannel>();
  const requests = createInbox<IncomingMessage>();
  const server: Server = tls === undefined ? createServer() : createTlsServer(tls);
  const webSockets = new WebSocketServer({ noServer: true, perMessageDeflate: true });
  let refusal: string | undefined;

  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    requests.put(request);
    socket.on("error", () => socket.destroy());
    if (refusal !== undefined) {
      socket.end(refusal);
      return;
    }
    webSockets.handleUpgrade(request, socket, head, (opened) =>
      channels.put(createScriptedChannel(opened, request, options, () => scripted.key)),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;

  const scripted: ScriptedGateway = {
    gateway,
    endpoint,
    url: `${tls === undefined ? "http" : "https"}://127.0.0.1:${port}`,
    key: createTestKey(),
    channels,
    requests,
    refuseWith(answer) {
      refusal = answer;
    },
    close() {
      for (const socket of webSockets.clients) socket.terminate();
      return new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
  return scripted;
}

function createScriptedChannel(
  socket: WebSocket,
  request: IncomingMessage,
  { gateway, endpoint, issuer, now }: ScriptedOptions,
  key: () => TestKey,
): ScriptedChannel {
  const frames = createInbox<DoorControlFrame>();
  const ticket = readTicket(String(request.headers["x-gateway-control"]));
  socket.on("error", () => {});
  socket.on("message", (data) => {
    const frame = parseDoorControlFrame(String(data));
    if (!frame.ok) throw new Error(`the door sent ${String(data)}: ${frame.error}`);
    frames.put(frame.value);
  });
  const closed = new Promise<number>((resolve) => socket.on("close", resolve));

  const channel: ScriptedChannel = {
    socket,
    ticket,
    frames,
    closed,
    hello(changes = {}, proof = {}) {
      const by = proof.key ?? key();
      const iat = Math.floor(now() / 1000);
      const claims = {
        iss: `${gateway}/${endpoint}`,
        aud: issuer,
        iat,
        exp: iat + 30,
        v: 1,
        side: "gateway",
        doorNonce: ticket.claims["nonce"],
        gatewayNonce: GATEWAY_NONCE,
        ...proof.claims,
      };
      const header = { alg: "ES256", typ: CONTROL_PROOF_TYPE, jwk: by.jwk, ...proof.header };
      return {
        type: "hello",
        v: 1,
        nonce: GATEWAY_NONCE,
        proof: signJws(by, header, claims),
        keySetNumber: 7,
        now: now(),
        bootId: "boot-0001",
        ...changes,
      };
    },
    send(frame) {
      socket.send(typeof frame === "string" ? frame : JSON.stringify(frame));
    },
    async greet(changes) {
      channel.send(channel.hello(changes));
      await channel.frame("welcome");
    },
    frame: (type, holds = () => true) =>
      frames.first((frame) => frame.type === type && holds(frame as never)) as never,
    all: (type) => frames.items.filter((frame) => frame.type === type) as never,
    settled() {
      return new Promise((resolve) => {
        socket.once("pong", () => resolve());
        socket.ping();
      });
    },
  };
  return channel;
}

function readTicket(text: string): Ticket {
  const [header = "", claims = ""] = text.split(".");
  return { text, header: readPart(header), claims: readPart(claims) };
}

function readPart(part: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
}
