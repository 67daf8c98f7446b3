// /api/me/sessions: where I am signed in, and ending one of these sessions or all others. Whoever is signed in may,
// even without any agent: it only ever takes access away. Nobody sees or ends another person's.
import type { Response } from "express";
import type { EndedSessionsAnswer, MySessionsAnswer } from "../../core/api.ts";
import { type Audit, auditEvent } from "../../core/audit.ts";
import type { VerifiedIdentity } from "../../core/identity.ts";
import { decisionLine } from "../decision-line.ts";
import type { Identify } from "../identify/identify.ts";
import type { Ended, SessionEndings } from "../identify/session-endings.ts";
import type { ListedSession, SessionList } from "../identify/session-list.ts";
import type { SessionEnd } from "../live/access-event.ts";
import type { ParsedRequest } from "../request/parsed-request.ts";
import type { PageContext, PageHandler } from "./page-context.ts";

export const MY_SESSIONS_PATH = "/api/me/sessions";

export type MySessions = {
  readonly list: PageHandler;
  /** `/api/me/sessions/{sid}` */
  readonly endOne: PageHandler;
  readonly endOthers: PageHandler;
};

export type MySessionsDeps = {
  readonly identify: Identify;
  readonly sessionList: Pick<SessionList, "ofUser">;
  readonly endings: Pick<SessionEndings, "endOf">;
  /** Ends the session of the request's cookie. */
  readonly logout: PageHandler;
  readonly audit: Audit;
  readonly refuse: PageContext["refuse"];
};

export function createMySessions(deps: MySessionsDeps): MySessions {
  type Signed = (request: ParsedRequest, response: Response, identity: VerifiedIdentity) => Promise<void>;
  const signedIn =
    (handler: Signed): PageHandler =>
    async (request, response) => {
      const identity = await deps.identify(request);
      if (identity.ok) await handler(request, response, identity.value);
      else deps.refuse(request, response, identity.error);
    };

  function answer(
    request: ParsedRequest,
    response: Response,
    { userId, email }: VerifiedIdentity,
    reason: SessionEnd,
    { sids, eventNumber: event }: Ended,
  ): void {
    const { id: requestId, peer, method, path } = request;
    for (const sid of sids) {
      const facts = { requestId, peer, method, path, userId, email, sid, event };
      deps.audit.record(auditEvent({ kind: "logout", outcome: "allowed", reason, ...facts }));
    }
    response.json({ ended: sids } satisfies EndedSessionsAnswer);
  }

  return {
    list: signedIn(async (_request, response, { userId, sid }) => {
      const sessions = (await deps.sessionList.ofUser(userId)).map((each) =>
        describe(each, each.sid === sid),
      );
      response.json({ sessions } satisfies MySessionsAnswer);
    }),

    endOne: signedIn(async (request, response, identity) => {
      const asked = request.segments[3];
      if (asked === identity.sid && request.credential.kind === "session")
        return deps.logout(request, response);
      const ended = await deps.endings.endOf(identity.userId, ({ sid }) => sid === asked, "ended_from_list");
      if (ended.sids.length > 0) return answer(request, response, identity, "ended_from_list", ended);
      // The same for one that is somebody else's and one that never was.
      deps.audit.record(decisionLine(request, { identity }, { code: "path_unknown" }));
      deps.refuse(request, response, { code: "path_unknown" });
    }),

    endOthers: signedIn(async (request, response, identity) => {
      const ended = await deps.endings.endOf(
        identity.userId,
        ({ sid }) => sid !== identity.sid,
        "ended_others",
      );
      answer(request, response, identity, "ended_others", ended);
    }),
  };
}

function describe(session: ListedSession, current: boolean): MySessionsAnswer["sessions"][number] {
  const { sid, kind, from, agents } = session;
  return {
    sid,
    current,
    kind,
    since: timeOf(session.beganAt),
    lastSeen: timeOf(session.usedAt),
    expiresAt: timeOf(session.expiresAt),
    from,
    agents,
  };
}

function timeOf(at: number): string {
  return new Date(at).toISOString();
}
