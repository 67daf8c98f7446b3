// sessions.list, sessions.patch and sessions.delete: the caller's own sessions with the agents of this connection.
import { z } from "zod";
import type {
  SessionsDeleteAnswer,
  SessionsListAnswer,
  SessionsPatchAnswer,
} from "../../core/gateway-protocol.ts";
import { err, ok } from "../../core/result.ts";
import type { Caller } from "../admit/caller.ts";
import { sessionKeyOf } from "../session/session-key.ts";
import { summaryOf } from "../session/session-summary.ts";
import { labelFrom, MAX_LABEL_LENGTH } from "../session/session-title.ts";
import { type MethodAnswer, type MethodDeps, method } from "./method.ts";
import { ownSession } from "./own-session.ts";

const patchParams = z.object({ key: z.string(), label: z.string().max(MAX_LABEL_LENGTH).nullable() });
const deleteParams = z.object({ key: z.string() });

const NOT_RENAMED = {
  not_found: { code: "NOT_FOUND", message: "key: no such session" },
  session_full: { code: "TOO_LARGE", message: "this session is full; start a new one" },
} as const;

export const sessionsList = method(z.object({}).nullish(), list);
export const sessionsPatch = method(patchParams, patch);
export const sessionsDelete = method(deleteParams, remove);

async function list(_: unknown, caller: Caller, { store, now }: MethodDeps): MethodAnswer {
  const sessions = (await store.sessionsOf(caller.userId))
    .list()
    .filter(({ agentId }) => caller.agents.includes(agentId))
    .map(summaryOf);
  const answer: SessionsListAnswer = { ts: now(), count: sessions.length, sessions };
  return ok(answer);
}

async function patch(params: z.output<typeof patchParams>, caller: Caller, deps: MethodDeps): MethodAnswer {
  const identity = ownSession(params.key, caller, "key");
  if (!identity.ok) return identity;
  const label = params.label === null ? null : labelFrom(params.label);
  const renamed = await deps.store.rename(identity.value, label);
  if (!renamed.ok) return err(NOT_RENAMED[renamed.error]);
  const entry = summaryOf(renamed.value);
  const answer: SessionsPatchAnswer = { ok: true, key: entry.key, entry };
  return ok(answer);
}

async function remove(params: z.output<typeof deleteParams>, caller: Caller, deps: MethodDeps): MethodAnswer {
  const identity = ownSession(params.key, caller, "key");
  if (!identity.ok) return identity;
  const deleted = await deps.turns.deleteSession(identity.value);
  const answer: SessionsDeleteAnswer = { ok: true, key: sessionKeyOf(identity.value), deleted };
  return ok(answer);
}
