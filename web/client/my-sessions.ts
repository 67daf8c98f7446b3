// Where I am signed in, and ending that elsewhere. This session itself ends by the page's own form.
import type { MySessionsAnswer } from "../../core/api.ts";
import { askDoor, type DoorDeps } from "./ask-door.ts";

export type MySession = MySessionsAnswer["sessions"][number];

/** Undefined when they cannot be told now. Never rejects. */
export async function listMySessions(deps: DoorDeps): Promise<readonly MySession[] | undefined> {
  const answer = await askDoor(deps, "GET", "/api/me/sessions");
  const sessions = (answer?.body as Partial<MySessionsAnswer> | null | undefined)?.sessions;
  return answer?.response.status === 200 && Array.isArray(sessions) ? sessions : undefined;
}

/** False when it may not have ended. One that has ended already counts as ended. Never rejects. */
export async function endMySession(deps: DoorDeps, sid: string): Promise<boolean> {
  const answer = await askDoor(deps, "DELETE", `/api/me/sessions/${encodeURIComponent(sid)}`);
  return answer?.response.status === 200 || answer?.response.status === 404;
}

/** False when some may not have ended. Never rejects. */
export async function endMyOtherSessions(deps: DoorDeps): Promise<boolean> {
  return (await askDoor(deps, "DELETE", "/api/me/sessions"))?.response.status === 200;
}
