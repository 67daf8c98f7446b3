// Keeps the control channel to one endpoint: dials, and dials again after every loss; on an open link pushes keys and
// ends, answers leases, follows turns and the clock. Everything a gateway can do to it ends in another dial.
import { type Audit, auditEvent } from "../../core/audit.ts";
import type { Clock } from "../../core/clock.ts";
import { CONTROL_PINGS_PER_LEASE } from "../../core/control-channel.ts";
import type { SessionId } from "../../core/ids.ts";
import type { Log } from "../../core/log.ts";
import type { PublishedKeySet } from "../../token-exchange/keyring.ts";
import { createClockSkew } from "./clock-skew.ts";
import { createDirectEnds } from "./direct-ends.ts";
import type { DirectEnd, EndFrame } from "./end-frame.ts";
import { createHeartbeat, type Heartbeat } from "./heartbeat.ts";
import { createLeaseAnswers, type LeaseAnswers } from "./lease-answers.ts";
import {
  breach,
  broken,
  type DirectConnection,
  type Hello,
  type LaterFrame,
  type Link,
  type LinkDeps,
  type LinkEnd,
  openLink,
} from "./link.ts";
import { namesOf, type Place } from "./place.ts";
import { LONGEST_REDIAL_MS, redialDelayMs } from "./redial-delay.ts";
import { createUnconfirmedEnds } from "./unconfirmed-ends.ts";

export type ChannelState = "connected" | "away";

export type ChannelDescription = {
  readonly gateway: string;
  readonly endpoint: string;
  readonly state: ChannelState;
  /** Since when it is in that state, milliseconds since 1970. */
  readonly since: number;
  /** Number of the newest key set that the gateway has accepted; null before it first told. */
  readonly keySetNumber: number | null;
  /** The gateway's clock less ours; null before it was first measured. */
  readonly clockOffsetMs: number | null;
  /** Ids of the runs under way; none while it is away. */
  readonly turns: readonly string[];
};

export type Channel = {
  readonly place: Place;
  state(): ChannelState;
  /** Whether the gateway says that it takes no new work; false while it is away. */
  isDraining(): boolean;
  describe(): ChannelDescription;
  /** Tells it now, or when it is back. */
  end(frame: EndFrame): void;
  /** The same for one connection; those that end together are told together. */
  endDirect(jti: string, why: Omit<DirectEnd, "jtis">): void;
  keysChanged(): void;
  close(): Promise<void>;
};

export type ChannelDeps = LinkDeps & {
  readonly keySet: () => PublishedKeySet;
  /** Those of these sessions that still live. Rejects when the store does not answer. */
  readonly aliveOf: (sids: readonly SessionId[]) => Promise<ReadonlySet<SessionId>>;
  /** The gateway has named all its connections that no front door forwards. */
  readonly onDirect: (place: Place, connections: readonly DirectConnection[]) => void;
  /** One of them is over. */
  readonly onDirectEnded: (place: Place, jti: string) => void;
  readonly clock: Clock;
  readonly log: Log;
  readonly audit: Audit;
  /** At least 0, less than 1. */
  readonly random: () => number;
};

type OpenLink = {
  readonly heartbeat: Heartbeat;
  readonly leases: LeaseAnswers;
  readonly since: number;
};

const MAX_TURNS = 10_000;
/** More than a front door lets in. */
const MAX_DIRECT = 100_000;

export function createChannel(place: Place, deps: ChannelDeps): Channel {
  const { clock, log, audit, leaseMs } = deps;
  const names = namesOf(place);
  const clockSkew = createClockSkew(place, deps);
  const ends = createUnconfirmedEnds(clock, 2 * leaseMs);
  const directEnds = createDirectEnds(end);
  const turns = new Set<string>();
  /** Of a listing that has not come to its end. */
  let direct: DirectConnection[] = [];
  let open: OpenLink | undefined;
  let since = clock.now();
  let hasOpened = false;
  let isDraining = false;
  let acceptedKeySet: number | null = null;
  let sentKeySet = 0;
  let keysUnanswered = 0;
  let attempt = 0;
  let lastFault: string | undefined;
  let closing = false;
  let cancelRedial = () => {};
  let link = dial();

  function dial(): Link {
    return openLink(place, deps, {
      onOpen: opened,
      onFrame: received,
      onRefusalDate: (at) => clockSkew.measured({ door: clock.now(), gateway: at }),
      onEnd: lost,
    });
  }

  function opened(hello: Hello, key: { thumbprint: string; contact: "first_contact" | "known" }) {
    since = clock.now();
    hasOpened = true;
    acceptedKeySet = hello.keySetNumber;
    sentKeySet = 0;
    keysUnanswered = 0;
    lastFault = undefined;
    const reason = key.contact === "known" ? "opened" : `first_contact: endpoint key ${key.thumbprint}`;
    log.info({ ...names, bootId: hello.bootId, reason }, "control channel is open");
    audit.record(auditEvent({ kind: "control_channel", outcome: "allowed", reason, ...names }));
    if (hello.keySetNumber > deps.keySet().number)
      log.warn(
        { ...names, number: hello.keySetNumber },
        "a gateway holds a newer key set than this front door",
      );
    open = {
      since: clock.monotonic(),
      leases: createLeaseAnswers({
        aliveOf: deps.aliveOf,
        clock,
        withinMs: leaseMs / 4,
        send: (frame) => link.send(frame),
        onFailure: (error) => log.warn({ ...names, err: error }, "leases are not renewed"),
      }),
      heartbeat: createHeartbeat({
        clock,
        everyMs: leaseMs / CONTROL_PINGS_PER_LEASE,
        ping: (at) => link.send({ type: "ping", at }),
        onSilence: () => link.end(broken("silent: two pings without an answer")),
        onMeasured: clockSkew.measured,
      }),
    };
    pushKeys();
    for (const frame of ends.frames()) link.send(frame);
    open?.heartbeat.start();
  }

  function received(frame: LaterFrame) {
    switch (frame.type) {
      case "sessions":
        if (open?.leases.asked(frame) === false) refuse("more listings than can be answered");
        return;
      case "direct":
        return directNamed(frame);
      case "direct_ended":
        return deps.onDirectEnded(place, frame.jti);
      case "pong": {
        const sentAt = open?.heartbeat.answered(frame);
        if (sentAt === undefined) refuse("a pong that nobody asked for");
        else ends.confirmed(sentAt);
        return;
      }
      case "keys_accepted":
      case "keys_refused":
        return keysAnswered(frame);
      case "turn_started":
        if (turns.size >= MAX_TURNS) return refuse("more turns under way than can be kept");
        turns.add(frame.runId);
        return;
      case "turn_ended":
        turns.delete(frame.runId);
        return;
      case "draining":
        if (!isDraining) log.info(names, "a gateway takes no new work: it is being stopped");
        isDraining = true;
    }
  }

  function directNamed({ connections, last }: Extract<LaterFrame, { type: "direct" }>) {
    direct.push(...connections);
    if (direct.length > MAX_DIRECT) return refuse("more direct connections than can be kept");
    if (!last) return;
    deps.onDirect(place, direct);
    direct = [];
  }

  function keysAnswered(answer: Extract<LaterFrame, { type: "keys_accepted" | "keys_refused" }>) {
    // Each writes a line: a gateway must not fill the disk.
    if (keysUnanswered === 0) return refuse(`${answer.type} without keys`);
    keysUnanswered -= 1;
    if (answer.type === "keys_accepted") {
      acceptedKeySet = answer.number;
      log.info({ ...names, number: answer.number }, "a gateway has accepted the key set");
      return;
    }
    const reason = `keys_refused: ${answer.fault}`;
    log.error({ ...names, fault: answer.fault }, "a gateway refuses the key set");
    audit.record(auditEvent({ kind: "control_channel", outcome: "denied", reason, ...names }));
  }

  function refuse(what: string) {
    link.end(breach(`frame refused: ${what}`), 1002);
  }

  function pushKeys() {
    const { number, envelope } = deps.keySet();
    if (open === undefined || number <= Math.max(acceptedKeySet ?? 0, sentKeySet)) return;
    sentKeySet = number;
    keysUnanswered += 1;
    link.send({ type: "keys", envelope });
  }

  function lost({ fault, breach: isBreach }: LinkEnd) {
    const lasted = open !== undefined && clock.monotonic() - open.since >= LONGEST_REDIAL_MS;
    if (open !== undefined) since = clock.now();
    open?.heartbeat.stop();
    open?.leases.stop();
    open = undefined;
    isDraining = false;
    turns.clear();
    direct = [];
    if (closing) return;
    if (lasted) attempt = 0;
    note(fault, isBreach);
    cancelRedial = clock.after(redialDelayMs(attempt, deps.random()), () => {
      link = dial();
    });
    attempt += 1;
  }

  function end(frame: EndFrame) {
    ends.add(frame);
    if (open !== undefined) link.send(frame);
  }

  /** Once, until it changes or the channel was open in between: it would be said at every attempt otherwise. */
  function note(fault: string, isBreach: boolean) {
    if (fault === lastFault) return;
    lastFault = fault;
    // What is started together with the door is not there yet; whether it comes, the health probe says.
    const level = hasOpened || attempt > 0 || isBreach ? "warn" : "info";
    log[level]({ ...names, fault }, "control channel is away");
    if (!isBreach) return;
    audit.record(auditEvent({ kind: "control_channel", outcome: "denied", reason: fault, ...names }));
  }

  return {
    place,
    state: () => (open === undefined ? "away" : "connected"),
    isDraining: () => isDraining,
    describe: () => ({
      ...names,
      state: open === undefined ? "away" : "connected",
      since,
      keySetNumber: acceptedKeySet,
      clockOffsetMs: clockSkew.offsetMs(),
      turns: [...turns],
    }),
    end,
    endDirect: directEnds.add,
    keysChanged: pushKeys,
    close() {
      directEnds.flush();
      closing = true;
      cancelRedial();
      link.end(broken("closed by this front door"), 1001);
      return link.closed;
    },
  };
}
