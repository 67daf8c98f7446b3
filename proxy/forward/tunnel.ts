// Two sockets joined after 101: bytes pass both ways as they are, with back-pressure both ways, and the door
// can end the conversation at any time with a close frame that the client can read.
import type { Socket } from "node:net";
import type { Clock } from "../../core/clock.ts";
import { NOWHERE } from "../swap-list.ts";
import { closeFrame } from "./close-frame.ts";
import { FrameTracker } from "./frame-tracker.ts";
import { resetSocket } from "./reset-socket.ts";
import type { Counted, Traffic } from "./traffic-tally.ts";
import type { UpstreamSocket } from "./upstream-socket.ts";

export type Tunnel = Counted & {
  /** Stops both directions now, then closes: the client reads `code` and `words`, the gateway a reset. */
  end(code: number, words: string): void;
};

export type TunnelEnd =
  /** One of the two ended it by itself. */
  | { readonly by: "peers" }
  /** The gateway went away without a close frame. */
  | { readonly by: "gateway-lost" }
  | { readonly by: "door"; readonly code: number; readonly words: string };

export type TunnelParts = {
  readonly client: Socket;
  readonly upstream: UpstreamSocket;
  /** What the gateway sent behind its 101. */
  readonly firstBytes: readonly Buffer[];
  readonly idleTimeoutMs: number;
  readonly clock: Clock;
  readonly onEnd: (end: TunnelEnd) => void;
};

export function openTunnel(parts: TunnelParts): Tunnel {
  return new JoinedSockets(parts);
}

/** A frame begun may finish for this long before it is cut. */
const FRAME_GRACE_MS = 250;
/** For the client to read its close frame. */
const CLOSE_GRACE_MS = 1_000;
/** A client that reads slowly gets all that its gateway said before it went, while it takes something each time… */
const DRAIN_CHECK_MS = 5_000;
/** …and not for longer than a minute. */
const DRAIN_CHECKS = 12;

class JoinedSockets implements Tunnel {
  placedAt = NOWHERE;
  readonly #client: Socket;
  readonly #upstream: UpstreamSocket;
  readonly #clock: Clock;
  readonly #onEnd: (end: TunnelEnd) => void;
  readonly #toClient = new FrameTracker();
  readonly #toGateway = new FrameTracker();
  /** Why it ends: then nothing passes any more but the rest of the frame to the client. */
  #ending: TunnelEnd | undefined;
  /** The last word to the client is written. */
  #closing = false;
  #cancelTimer = () => {};

  constructor({ client, upstream, firstBytes, idleTimeoutMs, clock, onEnd }: TunnelParts) {
    this.#client = client;
    this.#upstream = upstream;
    this.#clock = clock;
    this.#onEnd = onEnd;
    const { socket } = upstream;

    client.setNoDelay(true);
    // Both what is read from it and what is written to it count as use.
    client.setTimeout(idleTimeoutMs, () => this.end(1001, "idle for too long"));
    client.on("data", (chunk: Buffer) => this.#fromClient(chunk));
    client.on("drain", () => socket.resume());
    client.on("end", () => socket.end());
    client.on("error", ignore);
    client.on("close", () => this.#clientOver());
    socket.on("drain", () => client.resume());
    socket.on("end", () => this.#gatewayOver());
    socket.on("error", ignore);
    socket.on("close", () => this.#gatewayOver());
    upstream.take = (chunk) => this.#fromGateway(chunk);
    socket.resume();
    client.resume();
    for (const chunk of firstBytes) this.#fromGateway(chunk);
    if (socket.destroyed) this.#gatewayOver();
  }

  get traffic(): Traffic {
    const [down, up] = [this.#toClient, this.#toGateway];
    return {
      messages: { toClient: down.messages, toGateway: up.messages },
      bytes: { toClient: down.bytes, toGateway: up.bytes },
    };
  }

  end(code: number, words: string): void {
    if (this.#ending?.by === "door") return;
    if (this.#ending !== undefined) {
      // The last word is written already; whose access has ended reads on no longer than others would.
      this.#cutWhenRead(CLOSE_GRACE_MS, Number.POSITIVE_INFINITY, 0);
      return;
    }
    this.#ending = { by: "door", code, words };
    // What it says is dropped from now on; its own end is still to be noticed.
    this.#client.resume();
    if (this.#toClient.atBoundary) this.#close();
    // Mid-frame no close frame can follow; an abrupt end is all that is left.
    else this.#after(FRAME_GRACE_MS, () => this.#client.destroy());
  }

  #fromClient(chunk: Buffer): void {
    if (this.#ending !== undefined) return;
    this.#toGateway.push(chunk);
    if (!this.#upstream.socket.write(chunk)) this.#client.pause();
  }

  #fromGateway(chunk: Buffer): void {
    if (this.#closing) return;
    let passed = chunk;
    if (this.#ending === undefined) this.#toClient.push(chunk);
    else passed = chunk.subarray(0, this.#toClient.pushRestOfFrame(chunk));
    if (!this.#client.write(passed)) this.#upstream.socket.pause();
    if (this.#ending !== undefined && this.#toClient.atBoundary) this.#close();
  }

  #gatewayOver(): void {
    if (this.#closing) return;
    const client = this.#client;
    const byPeers =
      this.#toClient.sawClose || this.#toGateway.sawClose || client.readableEnded || client.destroyed;
    this.#ending ??= { by: byPeers ? "peers" : "gateway-lost" };
    client.resume();
    this.#close();
  }

  #clientOver(): void {
    this.#cancelTimer();
    this.#closing = true;
    this.#upstream.socket.destroy();
    this.#onEnd(this.#ending ?? { by: "peers" });
  }

  #close(): void {
    this.#closing = true;
    this.#client.setTimeout(0);
    // After the clients' frames: of ten thousand that end together, none waits until the others are torn down.
    setImmediate(resetSocket, this.#upstream.socket);
    const lastWord = this.#lastWord();
    if (lastWord === undefined && this.#hasHeardAll()) {
      // Both have said all: closing is the goodbye, and takes half of the steps.
      this.#client.destroy();
      return;
    }
    if (lastWord === undefined) this.#client.end();
    else this.#client.end(lastWord);
    const owed = this.#ending?.by === "door" ? 0 : DRAIN_CHECKS;
    this.#cutWhenRead(CLOSE_GRACE_MS, Number.POSITIVE_INFINITY, owed);
  }

  /** Over TLS a goodbye of its own is still to be said (RFC 8446 §6.1). */
  #hasHeardAll(): boolean {
    const { readableEnded, writableLength } = this.#client;
    return readableEnded && writableLength === 0 && !("encrypted" in this.#client);
  }

  #lastWord(): Buffer | undefined {
    // RFC 6455 §5.5.1: nothing may follow a close frame, so the gateway's own is the last word. And nothing of ours
    // may stand within a frame: the client sees that one of its frames has no end.
    if (this.#toClient.sawClose || !this.#toClient.atBoundary) return undefined;
    const ending = this.#ending;
    if (ending?.by === "door") return closeFrame(ending.code, ending.words);
    if (ending?.by === "gateway-lost") return closeFrame(1013, "the gateway went away, try again");
    return undefined;
  }

  /** Cuts the client off when it has had its time and nothing waits for it, or it takes nothing, or for too long. */
  #cutWhenRead(delayMs: number, waitingBefore: number, checksLeft: number): void {
    this.#after(delayMs, () => {
      const waiting = this.#client.writableLength;
      if (waiting === 0 || waiting === waitingBefore || checksLeft === 0) this.#client.destroy();
      else this.#cutWhenRead(DRAIN_CHECK_MS, waiting, checksLeft - 1);
    });
  }

  #after(delayMs: number, action: () => void): void {
    this.#cancelTimer();
    this.#cancelTimer = this.#clock.after(delayMs, action);
  }
}

function ignore() {}
