// One WebSocket to one endpoint, from the dial to its end: ticket, `hello`, `welcome`, then frames. Whoever answers is
// a stranger until its proof is verified, and afterwards still untrusted in every frame. Dials nothing but the
// endpoint's own URL, and never again: that is channel.ts.
import type { IncomingMessage } from "node:http";
import { type RawData, WebSocket } from "ws";
import { audienceOf } from "../../core/assertion.ts";
import type { Clock } from "../../core/clock.ts";
import {
  CONTROL_HEADER,
  CONTROL_MAX_FRAME,
  CONTROL_OPENING_MS,
  CONTROL_PATH,
  CONTROL_VERSION,
  type DoorControlFrame,
  type GatewayControlFrame,
  parseGatewayControlFrame,
} from "../../core/control-channel.ts";
import { verifyControlProof } from "../../core/control-proof.ts";
import { connectorTo, isUnreachable } from "../route/connect-endpoint.ts";
import type { EndpointKeys } from "./endpoint-keys.ts";
import { type DoorIdentity, newNonce, signDoorProof, signTicket } from "./opening-tokens.ts";
import type { Place } from "./place.ts";
import { createReadingPace } from "./reading-pace.ts";

export type Hello = Extract<GatewayControlFrame, { type: "hello" }>;
export type LaterFrame = Exclude<GatewayControlFrame, { type: "hello" }>;
/** What a gateway says of a connection that no front door forwards. */
export type DirectConnection = Extract<GatewayControlFrame, { type: "direct" }>["connections"][number];

/** Why a link is over. */
export type LinkEnd = {
  readonly fault: string;
  /** The other side broke the contract or is not who it should be: for the audit log. */
  readonly breach: boolean;
};

export type LinkEvents = {
  /** Both sides are proved, and `welcome` is sent. */
  onOpen(
    hello: Hello,
    key: { readonly thumbprint: string; readonly contact: "first_contact" | "known" },
  ): void;
  onFrame(frame: LaterFrame): void;
  /** What the other side's clock says, as it refuses the ticket: unproved, for the log. */
  onRefusalDate(at: number): void;
  /** Once; nothing else is called afterwards. */
  onEnd(end: LinkEnd): void;
};

export type Link = {
  send(frame: DoorControlFrame): void;
  /** @param closeCode left out: cut without a word */
  end(end: LinkEnd, closeCode?: number): void;
  /** When the socket is gone. */
  readonly closed: Promise<void>;
};

export type LinkDeps = {
  readonly door: DoorIdentity;
  readonly endpointKeys: EndpointKeys;
  readonly clock: Clock;
  readonly leaseMs: number;
};

/** What a gateway may leave unread before it counts as gone. */
const MAX_UNREAD_BYTES = 8 * 1024 * 1024;
/** Characters; a schema's words may quote what it was given. */
const MAX_FAULT = 200;
/** For the other side to answer our close frame. */
const CLOSE_WITHIN_MS = 1_000;

export function openLink(place: Place, deps: LinkDeps, events: LinkEvents): Link {
  const { door, endpointKeys, clock, leaseMs } = deps;
  const audience = audienceOf(place.gateway, place.endpoint.id);
  const doorNonce = newNonce();
  let phase: "dialling" | "greeting" | "checking" | "open" | "ended" = "dialling";

  const socket = new WebSocket(controlUrl(place.endpoint.url), [], {
    headers: { [CONTROL_HEADER]: signTicket(door, audience, doorNonce, clock.now()) },
    maxPayload: CONTROL_MAX_FRAME,
    perMessageDeflate: false,
    followRedirects: false,
    // A form that node:http takes too, which the types of `ws` leave out.
    createConnection: connectorTo(place.endpoint, CONTROL_OPENING_MS) as never,
  });
  const pace = createReadingPace(socket, clock);
  let cancelTimer = clock.after(CONTROL_OPENING_MS, () => end(broken("no answer to the upgrade in time")));
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));

  socket.on("open", () => {
    if (phase !== "dialling") return;
    phase = "greeting";
    cancelTimer();
    cancelTimer = clock.after(CONTROL_OPENING_MS, () => end(broken("silent after the upgrade")));
  });
  socket.on("unexpected-response", (_request, answer) => {
    const at = dateOf(answer);
    if (phase === "dialling" && at !== undefined) events.onRefusalDate(at);
    end(broken(`status ${answer.statusCode} to the upgrade`));
  });
  socket.on("message", receive);
  socket.on("ping", (data) => pace.read(data.length));
  socket.on("error", (error: NodeJS.ErrnoException) => {
    // What `ws` itself finds wrong with a frame, such as its size; it has sent the close frame already.
    const fault = isUnreachable(error) ? error.fault : (error.code ?? error.message);
    if (fault.startsWith("WS_ERR_")) end(breach(fault), 1002);
    else end(broken(fault));
  });
  socket.on("close", (code) => end(broken(`closed with ${code}`)));

  function receive(data: RawData, isBinary: boolean) {
    if (phase === "ended") return;
    const text = String(data);
    pace.read(text.length);
    if (isBinary) return end(breach("frame refused: binary"), 1002);
    const frame = parseGatewayControlFrame(text);
    if (!frame.ok) return end(breach(`frame refused: ${frame.error.slice(0, MAX_FAULT)}`), 1002);
    if (phase === "open" && frame.value.type !== "hello") return events.onFrame(frame.value);
    if (phase !== "greeting" || frame.value.type !== "hello")
      return end(breach(`frame refused: ${frame.value.type} while ${phase}`), 1002);
    phase = "checking";
    void greet(frame.value);
  }

  async function greet(hello: Hello) {
    const nonces = { doorNonce, gatewayNonce: hello.nonce };
    // Fresh by its nonce: its times are read by its own clock, so that a wrong one is found and named (docs).
    const rules = { side: "gateway", issuer: audience, audience: door.issuer, now: hello.now } as const;
    const thumbprint = verifyControlProof(hello.proof, { ...rules, ...nonces });
    if (!thumbprint.ok) return end(breach(`proof refused: ${thumbprint.error}`), 1008);
    const known = await endpointKeys.check(place, thumbprint.value).catch(() => undefined);
    if (phase !== "checking") return;
    if (known === undefined) return end(broken("the store does not answer"), 1013);
    if (!known.ok)
      return end(breach(`endpoint key changed: ${thumbprint.value}, not ${known.error} as before`), 1008);
    phase = "open";
    cancelTimer();
    const proof = signDoorProof(door, audience, nonces, clock.now());
    send({ type: "welcome", v: CONTROL_VERSION, proof, leaseMs });
    events.onOpen(hello, { thumbprint: thumbprint.value, contact: known.value });
  }

  function send(frame: DoorControlFrame) {
    if (phase !== "open") return;
    if (socket.bufferedAmount > MAX_UNREAD_BYTES) return end(broken("too much left unread"));
    socket.send(JSON.stringify(frame));
  }

  function end(how: LinkEnd, closeCode?: number) {
    if (phase === "ended") return;
    phase = "ended";
    cancelTimer();
    pace.stop();
    if (closeCode === undefined) socket.terminate();
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

export function breach(fault: string): LinkEnd {
  return { fault, breach: true };
}

/** @param endpointUrl http(s) origin: https becomes wss */
function controlUrl(endpointUrl: string): string {
  return `${endpointUrl.replace(/^http/, "ws")}${CONTROL_PATH}`;
}

function dateOf(answer: IncomingMessage): number | undefined {
  const at = Date.parse(answer.headers.date ?? "");
  return Number.isNaN(at) ? undefined : at;
}
