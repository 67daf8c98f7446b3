// The turns that wait or run. A turn belongs to its session, not to the socket it was asked over: it goes on when
// that closes, and everybody who may see the session hears of it.
import type {
  ChatEvent,
  ChatHistoryAnswer,
  ChatMessage,
  ChatSendAnswer,
} from "../../core/gateway-protocol.ts";
import type { AgentId, UserId } from "../../core/ids.ts";
import { err, ok, type Result } from "../../core/result.ts";
import { createInOrder } from "../session/in-order.ts";
import { type SessionIdentity, sessionKeyOf } from "../session/session-key.ts";
import { MAX_SESSION_BYTES } from "../session/session-store.ts";
import { textOf } from "./conversation.ts";
import { endTurn } from "./end-turn.ts";
import type { Lanes, LaneTurn } from "./lanes.ts";
import { createLiveTurn, type LiveTurn, nextEvent, type TurnRequest } from "./live-turn.ts";
import { type RunTurnDeps, runTurn } from "./run-turn.ts";

export type SendRefusal = "other_text" | "queue_full" | "session_full" | "too_many_sessions" | "stopping";

export type Turns = {
  /**
   * Accepts one message: stored when this resolves, and answered in its turn. The same run id with the same text
   * starts nothing, now or after a restart. Rejects when the message could not be stored.
   */
  send(request: TurnRequest): Promise<Result<ChatSendAnswer, SendRefusal>>;
  /** Ends the session's turns, or the one named; gives the run ids that were live. */
  abort(identity: SessionIdentity, runId: string | undefined): readonly string[];
  /** What runs and what waits in this session at this moment. */
  underWay(identity: SessionIdentity): Pick<ChatHistoryAnswer, "running" | "waiting">;
  /** Ends the session's turns, then deletes it, between two messages; false when there was none. */
  deleteSession(identity: SessionIdentity): Promise<boolean>;
  /** Turns of one person, or of everybody. */
  counts(userId?: UserId): { readonly running: number; readonly waiting: number };
  /** Whether this person has a turn running or waiting. */
  isBusy(userId: UserId): boolean;
  /** Sessions of everybody that have a turn running or waiting. */
  activeSessions(): number;
  /** What was accepted goes on. */
  takeNoMore(): void;
  /** Ends every turn, keeping what was said, and takes no more. */
  close(): Promise<void>;
};

export type TurnsDeps = Omit<RunTurnDeps, "tell" | "end"> & {
  readonly lanes: Lanes;
  readonly publish: (owner: UserId, event: ChatEvent) => void;
  /** Told of each turn that starts to run; the function it gives is called when the turn has ended. */
  readonly onRun: (owner: UserId, agent: AgentId) => () => void;
};

/** For what one person can fill, beside {@link MAX_SESSION_BYTES}. */
const MAX_SESSIONS_PER_USER = 2_000;

type Entry = { readonly turn: LiveTurn; readonly laneTurn: LaneTurn };

export function createTurns(deps: TurnsDeps): Turns {
  /** By session, then by run id, in the order of acceptance. */
  const live = new Map<string, Map<string, Entry>>();
  const sending = createInOrder();
  /** By session: the lanes run one turn at a time in each. */
  const runs = new Map<string, Promise<void>>();
  /** Ends of turns that were taken out of the line. */
  const ending = new Set<Promise<void>>();
  let stopping = false;

  const runDeps: RunTurnDeps = {
    ...deps,
    tell: (turn, news) => deps.publish(turn.request.identity.userId, nextEvent(turn, news)),
    end(turn, news) {
      forget(turn);
      runDeps.tell(turn, news);
    },
  };

  async function accept(request: TurnRequest, place: string): Promise<Result<ChatSendAnswer, SendRefusal>> {
    if (stopping) return err("stopping");
    const { identity, runId, text } = request;
    const same = live.get(place)?.get(runId);
    if (same !== undefined)
      return same.turn.request.text === text ? ok({ runId, status: "in_flight" }) : err("other_text");
    const sessions = await deps.store.sessionsOf(identity.userId);
    const session = sessions.find(identity);
    if (session === undefined) {
      if (sessions.list().length >= MAX_SESSIONS_PER_USER) return err("too_many_sessions");
      return await enter(request, place);
    }
    const before = (await deps.store.read(session)).userMessageOf(runId);
    if (before !== undefined)
      return textOf(before) === text ? ok({ runId, status: "done" }) : err("other_text");
    return session.bytes > MAX_SESSION_BYTES ? err("session_full") : await enter(request, place);
  }

  // A place in line first, then the message on disk: a message without a place would never be answered. The turn
  // waits for the message even when its place is free at once.
  async function enter(request: TurnRequest, place: string): Promise<Result<ChatSendAnswer, SendRefusal>> {
    const turn = createLiveTurn(request);
    let release: (stored: boolean) => void = () => {};
    const stored = new Promise<boolean>((resolve) => {
      release = resolve;
    });
    const laneTurn: LaneTurn = {
      session: place,
      owner: request.identity.userId,
      run() {
        turn.phase = "running";
        const run = stored.then((isStored) => (isStored ? runWatched(turn) : undefined));
        runs.set(place, run);
        return run.finally(() => runs.delete(place));
      },
      moved(position) {
        turn.position = position;
        if (isAnnounced(turn)) runDeps.tell(turn, { state: "queued", position });
      },
    };
    const lane = deps.lanes.enter(laneTurn);
    if (!lane.ok) return err("queue_full");
    if (lane.value.kind === "waiting") turn.position = lane.value.position;
    remember(place, { turn, laneTurn });
    try {
      await deps.store.append(request.identity, userMessage(request));
    } catch (error) {
      deps.lanes.leave(laneTurn);
      forget(turn);
      release(false);
      throw error;
    }
    const waits = isWaiting(turn);
    if (waits && turn.abort.signal.aborted) endUnanswered(turn);
    else if (waits) runDeps.tell(turn, { state: "queued", position: turn.position });
    release(true);
    return ok({ runId: request.runId, status: waits ? "queued" : "started" });
  }

  function runWatched(turn: LiveTurn): Promise<void> {
    const { userId, agentId } = turn.request.identity;
    const ended = deps.onRun(userId, agentId);
    return runTurn(turn, runDeps).finally(ended);
  }

  function userMessage({ runId, text }: TurnRequest): ChatMessage {
    const content = [{ type: "text", text }] as const;
    return { id: deps.newId(), role: "user", content, timestamp: deps.clock.now(), runId };
  }

  function remember(place: string, entry: Entry) {
    const entries = live.get(place) ?? new Map<string, Entry>();
    entries.set(entry.turn.request.runId, entry);
    live.set(place, entries);
  }

  function forget({ request }: LiveTurn) {
    const place = placeOf(request.identity);
    const entries = live.get(place);
    entries?.delete(request.runId);
    if (entries?.size === 0) live.delete(place);
  }

  function stop({ turn, laneTurn }: Entry) {
    turn.abort.abort();
    // One that runs ends by itself, with what it has said; one whose message is still being stored, when it is.
    if (deps.lanes.leave(laneTurn) && isAnnounced(turn)) endUnanswered(turn);
  }

  function endUnanswered(turn: LiveTurn) {
    const ended = endTurn(turn, { stopReason: "aborted" }, runDeps).finally(() => ending.delete(ended));
    ending.add(ended);
  }

  function takeNoMore() {
    stopping = true;
  }

  return {
    send(request) {
      const place = placeOf(request.identity);
      return sending.run(place, () => accept(request, place));
    },
    abort(identity, runId) {
      const entries = [...(live.get(placeOf(identity))?.values() ?? [])];
      const chosen = entries.filter(({ turn }) => runId === undefined || turn.request.runId === runId);
      for (const entry of chosen) stop(entry);
      return chosen.map(({ turn }) => turn.request.runId);
    },
    underWay(identity) {
      const turns = [...(live.get(placeOf(identity))?.values() ?? [])].map(({ turn }) => turn);
      const running = turns.find((turn) => !isWaiting(turn));
      return {
        running:
          running === undefined
            ? null
            : { runId: running.request.runId, seq: running.seq, text: running.answer },
        waiting: turns
          .filter((turn) => isWaiting(turn) && isAnnounced(turn))
          .map(({ request, seq, position }) => ({ runId: request.runId, seq, position })),
      };
    },
    deleteSession(identity) {
      const place = placeOf(identity);
      return sending.run(place, async () => {
        for (const entry of [...(live.get(place)?.values() ?? [])]) stop(entry);
        // An answer that is still being kept would bring the session back.
        await runs.get(place);
        return await deps.store.remove(identity);
      });
    },
    counts(userId) {
      const turns = [...live.values()].flatMap((entries) => [...entries.values()].map(({ turn }) => turn));
      const own = turns.filter(({ request }) => userId === undefined || request.identity.userId === userId);
      const waiting = own.filter(isWaiting).length;
      return { running: own.length - waiting, waiting };
    },
    isBusy: (userId) => [...live.values()].some((entries) => isOf(entries, userId)),
    activeSessions: () => live.size,
    takeNoMore,
    async close() {
      takeNoMore();
      await sending.idle();
      for (const entries of [...live.values()]) for (const entry of [...entries.values()]) stop(entry);
      await Promise.all([...runs.values(), ...ending]);
    },
  };
}

/** All turns of one session are one person's. */
function isOf(entries: ReadonlyMap<string, Entry>, userId: UserId): boolean {
  const [entry] = entries.values();
  return entry?.turn.request.identity.userId === userId;
}

function isWaiting(turn: LiveTurn): boolean {
  return turn.phase === "waiting";
}

// Its first event follows the storing of its message: before that it may still turn out not to be accepted.
function isAnnounced(turn: LiveTurn): boolean {
  return turn.seq > 0;
}

function placeOf(identity: SessionIdentity): string {
  return `${identity.userId} ${sessionKeyOf(identity)}`;
}
