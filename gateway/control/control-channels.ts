// The way in for front doors, beside users' paths: a ticket of the pinned trust key, then mutual proofs (link.ts), then
// frames (channel.ts). Each replica of the front door may hold a channel; a lease is renewed by any of them.
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { type Audit, auditEvent } from "../../core/audit.ts";
import { CONTROL_MAX_FRAME, CONTROL_PATH } from "../../core/control-channel.ts";
import type { Denial } from "../../core/denial.ts";
import type { AgentId, EndpointId, GatewayId, RequestId, UserId } from "../../core/ids.ts";
import type { Log } from "../../core/log.ts";
import { err, ok, type Result } from "../../core/result.ts";
import { handshakeFault } from "../admit/handshake.ts";
import { refuseUpgrade } from "../admit/refusal.ts";
import { createReplayMemory } from "../admit/replay-memory.ts";
import { type Channel, type ChannelDeps, createChannel } from "./channel.ts";
import { broken, type Link, type LinkDeps, openLink } from "./link.ts";
import { createRunningTurns } from "./running-turns.ts";
import { readTicket, type Ticket } from "./ticket.ts";

export type ControlChannels = {
  /** Judges and answers an untrusted upgrade of {@link CONTROL_PATH}. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, requestId: RequestId): void;
  /** Whether any front door is connected, both sides proved. */
  state(): "connected" | "away";
  /** Life of a lease that starts now, milliseconds. */
  leaseMs(): number;
  /** There is somebody that no listing has named. */
  newcomer(): void;
  /** A connection that no front door forwards is over. */
  directEnded(jti: string): void;
  /** @returns the function to be called when the turn has ended */
  turnStarted(user: UserId, agent: AgentId): () => void;
  /** To be called once `stopping` holds: every front door hears that no new work is taken. */
  draining(): void;
  /** Resolves when every channel is gone. */
  close(): Promise<void>;
};

export type ControlChannelsDeps = Omit<LinkDeps, "keySetNumber"> &
  ChannelDeps & {
    readonly gateway: GatewayId;
    readonly endpoint: EndpointId;
    /** Before a front door has said how long a lease is. */
    readonly defaultLeaseMs: number;
    readonly stopping: () => boolean;
    readonly log: Log;
    readonly audit: Audit;
  };

/** Far more than a front door has replicas; opening ones count. */
const MAX_LINKS = 64;
/** Tickets live for seconds, and only the front door can make one. */
const TICKETS_REMEMBERED = 10_000;

export function createControlChannels(deps: ControlChannelsDeps): ControlChannels {
  const { clock, log, audit, gateway, endpoint } = deps;
  const webSockets = new WebSocketServer({
    noServer: true,
    maxPayload: CONTROL_MAX_FRAME,
    perMessageDeflate: false,
    clientTracking: false,
  });
  const usedTickets = createReplayMemory(TICKETS_REMEMBERED);
  const linkDeps: LinkDeps = { ...deps, keySetNumber: deps.keyRing.number };
  const links = new Set<Link>();
  const channels = new Set<Channel>();
  const runningTurns = createRunningTurns((frame) => {
    for (const channel of channels) channel.turn(frame);
  });
  let leaseMs = deps.defaultLeaseMs;

  // Also while the audit log cannot be written: then nobody is admitted, but ends of access must still arrive.
  function judge(request: IncomingMessage): Result<Ticket, Denial> {
    if (deps.stopping()) return err({ code: "stopping" });
    const ticket = readTicket(request, { ...deps, now: clock.now() });
    if (!ticket.ok) return err({ code: "control_ticket_invalid", fault: ticket.error });
    // A ticket used again after a restart gets a `hello`, and nothing more: the nonce in it is a new one.
    const fresh = usedTickets.remember(ticket.value.jti, ticket.value.exp, clock.now() / 1000);
    if (!fresh.ok) return err({ code: "control_ticket_invalid", fault: fresh.error });
    const fault = handshakeFault(request);
    if (fault !== undefined) return err({ code: "upgrade_invalid", what: fault });
    if (links.size >= MAX_LINKS) return err({ code: "gateway_full", what: "control channels" });
    return ok(ticket.value);
  }

  function open(socket: WebSocket, ticket: Ticket, facts: ChannelFacts) {
    let channel: Channel | undefined;
    const link = openLink(socket, ticket.doorNonce, linkDeps, {
      onOpen(welcomeLeaseMs) {
        leaseMs = welcomeLeaseMs;
        record("allowed", "opened", facts);
        channel = createChannel(link, leaseMs, runningTurns.frames(), deps);
        channels.add(channel);
        if (deps.stopping()) channel.draining();
        log.info({ ...facts, leaseMs }, "a control channel is open");
      },
      onFrame: (frame) => channel?.received(frame),
      onEnd({ fault, breach }) {
        if (channel !== undefined) channels.delete(channel);
        channel?.stop();
        log.warn({ ...facts, fault, left: channels.size }, "a control channel is gone");
        if (breach) record("denied", fault, facts);
      },
    });
    links.add(link);
    void link.closed.then(() => links.delete(link));
  }

  function record(outcome: "allowed" | "denied", reason: string, facts: ChannelFacts, code?: Denial["code"]) {
    const names = { path: CONTROL_PATH, gateway, endpoint };
    const about = code === undefined ? {} : { code };
    audit.record(auditEvent({ kind: "control_channel", outcome, reason, ...facts, ...names, ...about }));
  }

  return {
    upgrade(request, socket, head, requestId) {
      const facts = { requestId, peer: request.socket.remoteAddress ?? null };
      const ticket = judge(request);
      if (!ticket.ok) {
        record("denied", reasonOf(ticket.error), facts, ticket.error.code);
        return refuseUpgrade(socket, ticket.error, requestId, clock.now());
      }
      webSockets.handleUpgrade(request, socket, head, (webSocket) => open(webSocket, ticket.value, facts));
    },
    state: () => (channels.size > 0 ? "connected" : "away"),
    leaseMs: () => leaseMs,
    newcomer() {
      for (const channel of channels) channel.newcomer();
    },
    directEnded(jti) {
      for (const channel of channels) channel.directEnded(jti);
    },
    turnStarted: runningTurns.started,
    draining() {
      for (const channel of channels) channel.draining();
    },
    async close() {
      for (const link of links) link.end(broken("this gateway stops"), 1001);
      await Promise.all([...links].map(({ closed }) => closed));
    },
  };
}

type ChannelFacts = { readonly requestId: RequestId; readonly peer: string | null };

function reasonOf(denial: Denial): string {
  if (denial.code === "control_ticket_invalid") return denial.fault;
  return "what" in denial ? denial.what : denial.code;
}
