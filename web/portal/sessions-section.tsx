// Where I am signed in: one row for each session, with a way to end the others.
import type { MySession } from "../client/my-sessions.ts";

export type SessionsView = {
  /** null: not answered yet, or they cannot be told now. */
  readonly sessions: readonly MySession[] | null;
  /** What went wrong with the last press of a button. */
  readonly notice: string | null;
  readonly end: (sid: string) => void;
  readonly endOthers: () => void;
};

export function SessionsSection({ sessions, notice, end, endOthers }: SessionsView) {
  if (sessions === null) return null;
  return (
    <section class="sessions" aria-labelledby="sessions">
      <h2 id="sessions">Where you are signed in</h2>
      <ul>
        {sessions.map((session) => (
          <SessionRow key={session.sid} session={session} end={end} />
        ))}
      </ul>
      {notice !== null && <p role="alert">{notice}</p>}
      {sessions.some(({ current }) => !current) && (
        <div class="actions">
          <button type="button" onClick={endOthers}>
            Sign out everywhere else
          </button>
        </div>
      )}
    </section>
  );
}

function SessionRow({ session, end }: { readonly session: MySession; readonly end: SessionsView["end"] }) {
  const name = nameOf(session);
  return (
    <li>
      <div>
        <p>
          <bdi>{name}</bdi>
          {session.current && <strong> (this session)</strong>}
        </p>
        <p class="quiet">
          Since {timeText(session.since)}, last used {timeText(session.lastSeen)}
          {session.from !== null && (
            <>
              , from <bdi>{session.from.peer}</bdi>
            </>
          )}
          {session.agents.length > 0 && (
            <>
              , open: <bdi>{session.agents.join(", ")}</bdi>
            </>
          )}
        </p>
      </div>
      {!session.current && (
        <button type="button" aria-label={`Sign out: ${name}`} onClick={() => end(session.sid)}>
          Sign out
        </button>
      )}
    </li>
  );
}

function nameOf({ kind, from }: MySession): string {
  if (kind === "bearer") return "A program with an access token";
  return from?.userAgent ?? "A browser";
}

function timeText(time: string): string {
  return new Date(time).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}
