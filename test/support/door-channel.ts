// A front door's end of the control channel, played by a test: nothing is said that the test did not ask for.
import { WebSocket } from "ws";
import {
  CONTROL_HEADER,
  CONTROL_PATH,
  type DoorControlFrame,
  type GatewayControlFrame,
  parseGatewayControlFrame,
} from "../../core/control-channel.ts";
import type { SessionId } from "../../core/ids.ts";
import type { TestGateway } from "./gateway-fixture.ts";

type Hello = Extract<GatewayControlFrame, { type: "hello" }>;
type Listing = Extract<GatewayControlFrame, { type: "sessions" }>;

export const DOOR_NONCE = "N".repeat(43);
export const LEASE_MS = 60_000;

export type DoorChannel = {
  readonly socket: WebSocket;
  /** Everything received, in order; each was a valid frame. */
  readonly frames: readonly GatewayControlFrame[];
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  hello(): Promise<Hello>;
  /** A valid one, for the gateway's nonce. */
  welcome(leaseMs?: number): Promise<void>;
  send(frame: DoorControlFrame | object | string | Buffer): void;
  /** Resolves with the first frame of this type, past or future, for which this holds. */
  frame<Type extends GatewayControlFrame["type"]>(
    type: Type,
    holds?: (frame: Extract<GatewayControlFrame, { type: Type }>) => boolean,
  ): Promise<Extract<GatewayControlFrame, { type: Type }>>;
  /** Resolves when the gateway has acted on everything sent so far. */
  settled(): Promise<void>;
  /** The first listing whose number is greater than `after`; its last frame. */
  listing(after?: number): Promise<Listing>;
  /** Number of the newest listing received. */
  newest(): number;
  /** Confirms these sessions in answer to a listing. */
  confirm(listing: Pick<Listing, "listing">, sids: readonly SessionId[]): Promise<void>;
};

/** Past 101, nothing said yet. Rejects when there is none. */
export function openDoorChannel(gateway: TestGateway, ticket = gateway.door.ticket()): Promise<DoorChannel> {
  const url = `${gateway.running.url.replace("http", "ws")}${CONTROL_PATH}`;
  const socket = new WebSocket(url, { headers: { [CONTROL_HEADER]: ticket } });
  const frames: GatewayControlFrame[] = [];
  const waiting = new Set<() => void>();
  let pings = 0;

  socket.on("message", (data) => {
    const frame = parseGatewayControlFrame(String(data));
    if (!frame.ok) throw new Error(`the gateway broke the contract: ${frame.error}`);
    frames.push(frame.value);
    for (const look of [...waiting]) look();
  });
  const closed = new Promise<{ code: number; reason: string }>((resolve) =>
    socket.on("close", (code, reason) => resolve({ code, reason: String(reason) })),
  );

  const channel: DoorChannel = {
    socket,
    frames,
    closed,
    hello: () => channel.frame("hello"),
    async welcome(leaseMs = LEASE_MS) {
      const { nonce } = await channel.hello();
      const proof = gateway.door.proof({ doorNonce: DOOR_NONCE, gatewayNonce: nonce });
      channel.send({ type: "welcome", v: 1, proof, leaseMs });
    },
    send(frame) {
      socket.send(typeof frame === "string" || Buffer.isBuffer(frame) ? frame : JSON.stringify(frame));
    },
    frame(type, holds = () => true) {
      return new Promise((resolve) => {
        const look = () => {
          for (const frame of frames) {
            const asked = frame as Extract<GatewayControlFrame, { type: typeof type }>;
            if (frame.type !== type || !holds(asked)) continue;
            waiting.delete(look);
            return resolve(asked);
          }
        };
        waiting.add(look);
        look();
      });
    },
    async settled() {
      pings += 1;
      const at = pings;
      channel.send({ type: "ping", at });
      await channel.frame("pong", (pong) => pong.at === at);
    },
    listing(after = 0) {
      return channel.frame("sessions", ({ listing, last }) => listing > after && last);
    },
    newest: () => Math.max(...frames.map((frame) => (frame.type === "sessions" ? frame.listing : 0))),
    async confirm({ listing }, sids) {
      channel.send({ type: "leases", listing, sids });
      await channel.settled();
    },
  };

  return new Promise((resolve, reject) => {
    socket.on("error", reject);
    socket.on("open", () => resolve(channel));
  });
}

/** Open on both sides; the first listing has come and is answered, though it confirms nobody. */
export async function connectDoor(gateway: TestGateway, leaseMs?: number): Promise<DoorChannel> {
  const channel = await openDoorChannel(gateway);
  await channel.welcome(leaseMs);
  await channel.confirm(await channel.listing(), []);
  return channel;
}
