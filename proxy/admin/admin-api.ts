// What administrators on the door's own host may ask for, by path, and an audit line for each time they do.
// Whoever may open the socket may do all of it: the file's permissions are the gate.
import { type Audit, auditEvent } from "../../core/audit.ts";
import type { Log } from "../../core/log.ts";
import { type Store, StoreUnavailable } from "../../core/store.ts";
import type { ActionDone, AdminAction, AdminRequest } from "./admin-action.ts";
import type { AdminError } from "./answers.ts";
import { type EndAccessDeps, endGateway, endGroup, endSession, endUser } from "./end-access.ts";
import { forgetKey } from "./forget-key.ts";
import { type LookDeps, listSessions, showStatus } from "./look.ts";
import { type RunDeps, reloadPolicy, rotateKeys } from "./run.ts";

export type AdminApiDeps = EndAccessDeps &
  LookDeps &
  RunDeps & { readonly store: Store; readonly audit: Audit; readonly log: Log };

export type AdminAnswer = { readonly status: number; readonly body: unknown };

export type AdminApi = (method: string, path: string, asked: AdminRequest) => Promise<AdminAnswer>;

export function createAdminApi(deps: AdminApiDeps): AdminApi {
  const actions = new Map<string, AdminAction>([
    ["GET /status", showStatus(deps)],
    ["GET /sessions", listSessions(deps)],
    ["POST /sessions/end", endSession(deps)],
    ["POST /users/end", endUser(deps)],
    ["POST /groups/end", endGroup(deps)],
    ["POST /gateways/end", endGateway(deps)],
    ["POST /gateways/forget-key", forgetKey(deps)],
    ["POST /keys/rotate", rotateKeys(deps)],
    ["POST /policy/reload", reloadPolicy(deps)],
  ]);

  function record(outcome: "allowed" | "denied", lines: ActionDone["lines"]) {
    for (const facts of lines) deps.audit.record(auditEvent({ kind: "admin", outcome, ...facts }));
  }

  return async (method, path, asked) => {
    const name = `${method} ${path}`;
    const action = actions.get(name);
    if (action === undefined) return failure(404, `this front door knows no ${name}`);
    try {
      const { status, body, lines } = await action(asked);
      record(status === 200 ? "allowed" : "denied", lines);
      return { status, body };
    } catch (error) {
      deps.log.error({ err: error, command: name }, "a command failed");
      record("denied", [{ reason: `${name}: failed` }]);
      return error instanceof StoreUnavailable
        ? failure(503, "the store does not answer; nothing was done")
        : failure(500, "it failed; the front door's log says why");
    }
  };
}

function failure(status: number, error: string): AdminAnswer {
  return { status, body: { error } satisfies AdminError };
}
