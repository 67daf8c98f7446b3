// Where I am signed in: one row for each session, each with its way out.
import type { MeAnswer } from "../../core/api.ts";
import type { MySession } from "../client/my-sessions.ts";
import { timeText } from "../page/time-text.ts";
import { browserName } from "./browser-name.ts";

type Props = {
  readonly agents: MeAnswer["agents"];
  /** null: not answered yet, or they cannot be told now. */
  readonly sessions: readonly MySession[] | null;
  /** What went wrong with the last press of a button. */
  readonly notice: string | null;
  readonly end: (sid: string) => void;
  readonly endOthers: () => void;
};

export function SessionsSection({ agents, sessions, notice, end, endOthers }: Props) {
  if (sessions === null) return null;
  const others = sessions.filter(({ current }) => !current).length;
  return (
    <section class="sessions" aria-labelledby="sessions">
      <div class="sessions-head">
        <h2 id="sessions">Where you are signed in</h2>
        {others > 0 && (
          <button type="button" onClick={endOthers}>
            Sign out everywhere else ({others})
          </button>
        )}
      </div>
      {notice !== null && <p role="alert">{notice}</p>}
      <ul>
        {sessions.map((session) => (
          <SessionRow key={session.sid} agents={agents} session={session} end={end} />
        ))}
      </ul>
    </section>
  );
}

function SessionRow({
  agents,
  session,
  end,
}: { readonly session: MySession } & Pick<Props, "agents" | "end">) {
  const name =
    session.kind === "bearer"
      ? "A program with an access token"
      : browserName(session.from?.userAgent ?? null);
  const label = `Sign out: ${name}, since ${timeText(session.since)}`;
  return (
    <li>
      <div>
        <p>
          <bdi>{name}</bdi>
          {session.current && <strong class="here">This session</strong>}
        </p>
        <p class="quiet">
          Since {timeText(session.since)} · last used {timeText(session.lastSeen)} · until{" "}
          {timeText(session.expiresAt)} at most
          {session.from !== null && (
            <>
              {" "}
              · from <bdi>{session.from.peer}</bdi>
            </>
          )}
          {session.agents.length > 0 && (
            <>
              {" "}
              · open:{" "}
              {session.agents.map((id, index) => (
                <span key={id}>
                  {index > 0 && ", "}
                  <bdi title={id}>{agents.find((agent) => agent.id === id)?.name ?? id}</bdi>
                </span>
              ))}
            </>
          )}
        </p>
      </div>
      {session.current ? (
        <form method="post" action="/auth/logout">
          <button type="submit" aria-label={label}>
            Sign out
          </button>
        </form>
      ) : (
        <button type="button" aria-label={label} onClick={() => end(session.sid)}>
          Sign out
        </button>
      )}
    </li>
  );
}
