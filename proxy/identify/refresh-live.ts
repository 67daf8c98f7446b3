// A session with an open connection is in use, though nobody asks for a page: it does not become idle, and its tokens
// are refreshed, so that an open chat notices when the provider no longer knows the person. Here is decided when to
// look, not what is found.
import type { Clock } from "../../core/clock.ts";
import type { SessionId } from "../../core/ids.ts";
import type { Log } from "../../core/log.ts";
import type { SessionIndex } from "../../token-exchange/session-index.ts";
import type { EndReason } from "../live/access-event.ts";
import type { LiveConnections } from "../live/live-connections.ts";
import type { Sessions } from "./sessions.ts";

export type LiveRefreshDeps = {
  readonly live: Pick<LiveConnections, "list" | "endSession">;
  readonly index: Pick<SessionIndex, "find">;
  readonly sessions: Pick<Sessions, "use">;
  readonly clock: Clock;
  readonly log: Log;
};

/** Each session is looked at once in so many ticks, spread over them by its id. */
const TICKS_PER_ROUND = 15;
const TICK_MS = 1_000;

/** @returns the function that stops it */
export function refreshLive({ live, index, sessions, clock, log }: LiveRefreshDeps): () => void {
  let tick = 0;
  let cancel = () => {};

  function arm() {
    cancel = clock.after(TICK_MS, () => {
      tick = (tick + 1) % TICKS_PER_ROUND;
      for (const sid of dueSessions()) void look(sid);
      arm();
    });
  }

  function dueSessions(): ReadonlySet<SessionId> {
    const due = live
      .list()
      .filter(({ identity }) => identity.via === "session" && tickOf(identity.sid) === tick)
      .map(({ identity }) => identity.sid);
    return new Set(due);
  }

  async function look(sid: SessionId): Promise<void> {
    try {
      const found = await index.find(sid);
      const reason = found === undefined ? GONE : await endOf(found.place);
      if (reason !== undefined) live.endSession(sid, reason);
    } catch (error) {
      // The store does not answer: what that means for open connections is not decided here.
      log.debug({ sid, error: error instanceof Error ? error.message : String(error) }, "not looked at");
    }
  }

  async function endOf(place: string): Promise<EndReason | undefined> {
    const used = await sessions.use(place);
    if (used.ok) return undefined;
    if (used.error.code === "provider_unavailable") return { code: "provider_silent" };
    return used.error.code === "session_ended" ? { code: "session_idle" } : GONE;
  }

  arm();
  return () => cancel();
}

/** Its record is past its end; whoever ended it before that has closed its connections with their own reason. */
const GONE: EndReason = { code: "session_expired" };

function tickOf(sid: SessionId): number {
  return (sid.charCodeAt(sid.length - 1) + sid.charCodeAt(sid.length - 2)) % TICKS_PER_ROUND;
}
