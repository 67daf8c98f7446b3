// One control WebSocket, from its 101 to its end: `hello`, `welcome`, then frames. Whoever opened it had a ticket, which
// may be stolen: nothing it says counts before its proof for our nonce, and every frame is untrusted afterwards.
import type { RawData, WebSocket } from "ws";
import type { Clock } from "../../core/clock.ts";
import {
  CONTROL_OPENING_MS,
  CONTROL_VERSION,
  type DoorControlFrame,
  type GatewayControlFrame,
  parseDoorControlFrame,
} from "../../core/control-channel.ts";
import { type ProofFault, verifyControlProof } from "../../core/control-proof.ts";
import { err, type Result } from "../../core/result.ts";
import type { EndpointKey } from "./endpoint-key.ts";
import { signEndpointProof } from "./endpoint-proof.ts";

export type Hello = Extract<GatewayControlFrame, { type: "hello" }>;
export type Welcome = Extract<DoorControlFrame, { type: "welcome" }>;
export type LaterFrame = Exclude<DoorControlFrame, Welcome>;

/** Why a link is over. */
export type LinkEnd = {
  readonly fault: string;
  /** The other side broke the contract or is not who it should be: for the audit log. */
  readonly breach: boolean;
};

export type LinkEvents = {
  /** Both sides are proved. */
  onOpen(leaseMs: number): void;
  onFrame(frame: LaterFrame): void;
  /** Once; nothing else is called afterwards. */
  onEnd(end: LinkEnd): void;
};

export type Link = {
  /** Sends nothing before `onOpen` and after the end. */
  send(frame: Exclude<GatewayControlFrame, Hello>): void;
  /** @param closeCode left out: cut without a word, because nobody is listening */
  end(end: LinkEnd, closeCode?: number): void;
  /** When the socket is gone. */
  readonly closed: Promise<void>;
};

export type LinkDeps = {
  /** The pin from the configuration. */
  readonly trustThumbprint: string;
  /** The front door's name. */
  readonly issuer: string;
  /** `audienceOf(gateway, endpoint)` */
  readonly audience: string;
  readonly endpointKey: EndpointKey;
  /** New at each start of the process. */
  readonly bootId: string;
  readonly keySetNumber: () => number;
  /** 256 random bits, base64url. */
  readonly newNonce: () => string;
  readonly clock: Clock;
};

/** What a front door may leave unread before it counts as gone. */
const MAX_UNREAD_BYTES = 8 * 1024 * 1024;
/** For the other side to answer our close frame. */
const CLOSE_WITHIN_MS = 1_000;

/** @param doorNonce from a verified ticket */
export function openLink(socket: WebSocket, doorNonce: string, deps: LinkDeps, events: LinkEvents): Link {
  const { clock, issuer, audience } = deps;
  const gatewayNonce = deps.newNonce();
  let phase: "greeting" | "open" | "ended" = "greeting";

  const cancelOpening = clock.after(CONTROL_OPENING_MS, () => end(breach("silent after the upgrade"), 1008));
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));

  socket.on("message", receive);
  // What `ws` itself finds wrong with a frame, such as its size; it has sent the close frame already.
  socket.on("error", (error: NodeJS.ErrnoException) => end(breach(error.code ?? error.message)));
  socket.on("close", (code) => end(broken(`closed with ${code}`)));
  sayHello();

  function sayHello() {
    const now = clock.now();
    const facts = { issuer, audience, doorNonce, gatewayNonce, now };
    const hello: Hello = {
      type: "hello",
      v: CONTROL_VERSION,
      nonce: gatewayNonce,
      proof: signEndpointProof(deps.endpointKey, facts),
      keySetNumber: deps.keySetNumber(),
      now,
      bootId: deps.bootId,
    };
    socket.send(JSON.stringify(hello));
  }

  function receive(data: RawData, isBinary: boolean) {
    if (phase === "ended") return;
    const frame: Result<DoorControlFrame, string> = isBinary
      ? err("binary")
      : parseDoorControlFrame(String(data));
    if (phase === "greeting") return greeted(frame);
    if (!frame.ok) return end(breach(`frame refused: ${frame.error}`), 1002);
    if (frame.value.type === "welcome") return end(breach("frame refused: a second welcome"), 1002);
    events.onFrame(frame.value);
  }

  function greeted(frame: Result<DoorControlFrame, string>) {
    if (!frame.ok) return end(breach(`welcome refused: ${frame.error}`), 1008);
    if (frame.value.type !== "welcome")
      return end(breach(`welcome refused: ${frame.value.type} in its place`), 1008);
    const fault = proofFault(frame.value.proof);
    if (fault !== undefined) return end(breach(`proof refused: ${fault}`), 1008);
    phase = "open";
    cancelOpening();
    events.onOpen(frame.value.leaseMs);
  }

  function proofFault(proof: string): ProofFault | "untrusted_key" | undefined {
    const expected = { side: "door", issuer, audience, doorNonce, gatewayNonce, now: clock.now() } as const;
    const thumbprint = verifyControlProof(proof, expected);
    if (!thumbprint.ok) return thumbprint.error;
    return thumbprint.value === deps.trustThumbprint ? undefined : "untrusted_key";
  }

  function send(frame: Exclude<GatewayControlFrame, Hello>) {
    if (phase !== "open") return;
    // Not in the middle of what the caller is doing, who may have more to say and nothing to undo it with.
    if (socket.bufferedAmount > MAX_UNREAD_BYTES)
      return queueMicrotask(() => end(broken("too much left unread")));
    socket.send(JSON.stringify(frame));
  }

  function end(how: LinkEnd, closeCode?: number) {
    if (phase === "ended") return;
    phase = "ended";
    cancelOpening();
    if (closeCode === undefined || socket.readyState !== socket.OPEN) socket.terminate();
    else {
      socket.close(closeCode);
      const cancelCut = clock.after(CLOSE_WITHIN_MS, () => socket.terminate());
      void closed.then(cancelCut);
    }
    events.onEnd(how);
  }

  return { send, end, closed };
}

/** It went away; nobody did anything wrong. */
export function broken(fault: string): LinkEnd {
  return { fault, breach: false };
}

function breach(fault: string): LinkEnd {
  return { fault, breach: true };
}
