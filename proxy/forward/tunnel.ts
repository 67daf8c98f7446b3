// Two sockets joined after 101: bytes pass both ways as they are, with back-pressure both ways, and the door
// can end the conversation at any time with a close frame that the client can read.
import type { Socket } from "node:net";
import type { Clock } from "../../core/clock.ts";
import { closeFrame } from "./close-frame.ts";
import { createFrameTracker } from "./frame-tracker.ts";
import { resetSocket } from "./reset-socket.ts";

export type Tunnel = {
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
  readonly upstream: Socket;
  /** What the gateway sent behind its 101. */
  readonly firstBytes: Buffer;
  readonly idleTimeoutMs: number;
  readonly clock: Clock;
  readonly onEnd: (end: TunnelEnd) => void;
};

/** A frame begun may finish for this long before it is cut. */
const FRAME_GRACE_MS = 250;
/** For the client to read its close frame. */
const CLOSE_GRACE_MS = 1_000;

export function openTunnel(parts: TunnelParts): Tunnel {
  const { client, upstream, clock } = parts;
  const frames = createFrameTracker();
  let ending: TunnelEnd | undefined;

  function toClient(chunk: Buffer) {
    const end = ending === undefined ? -1 : frames.endOfFrameIn(chunk);
    const passed = end === -1 ? chunk : chunk.subarray(0, end);
    frames.push(passed);
    if (!client.write(passed)) upstream.pause();
    if (end !== -1) sendClose();
  }

  function toUpstream(chunk: Buffer) {
    if (ending === undefined && !upstream.write(chunk)) client.pause();
  }

  function begin(end: TunnelEnd) {
    if (ending !== undefined) return;
    ending = end;
    client.resume();
    if (frames.atBoundary) return sendClose();
    upstream.resume();
    clock.after(FRAME_GRACE_MS, () => {
      // Mid-frame no close frame can follow; an abrupt end is all that is left.
      if (!client.writableEnded) client.destroy();
      upstream.destroy();
    });
  }

  function endedBy(): TunnelEnd {
    return frames.sawClose || client.readableEnded || client.destroyed
      ? { by: "peers" }
      : { by: "gateway-lost" };
  }

  function sendClose() {
    upstream.off("data", toClient);
    // After the clients' frames: of ten thousand that end together, none waits until the others are torn down.
    setImmediate(() => resetSocket(upstream));
    if (client.writableEnded) return;
    // RFC 6455 §5.5.1: nothing may follow a close frame, so the gateway's own is the last word.
    if (frames.sawClose) client.end();
    else if (ending?.by === "door") client.end(closeFrame(ending.code, ending.words));
    else if (ending?.by === "gateway-lost") client.end(closeFrame(1013, "the gateway went away, try again"));
    else client.end();
    clock.after(CLOSE_GRACE_MS, () => client.destroy());
  }

  client.setNoDelay(true);
  upstream.setNoDelay(true);
  client.setTimeout(parts.idleTimeoutMs, () => begin({ by: "door", code: 1001, words: "idle for too long" }));

  if (parts.firstBytes.length > 0) toClient(parts.firstBytes);
  upstream.on("data", toClient);
  client.on("data", toUpstream);
  client.on("drain", () => upstream.resume());
  upstream.on("drain", () => client.resume());

  client.on("end", () => upstream.end());
  upstream.on("end", () => begin(endedBy()));
  client.on("error", () => client.destroy());
  upstream.on("error", () => upstream.destroy());
  upstream.on("close", () => begin(endedBy()));
  client.on("close", () => {
    upstream.destroy();
    parts.onEnd(ending ?? { by: "peers" });
  });

  return { end: (code, words) => begin({ by: "door", code, words }) };
}
