// The methods that a connected client may call: name → parameters → answer. Only what is in this table exists.
import { z } from "zod";
import type { AgentSummary, AgentsListAnswer } from "../../core/gateway-protocol.ts";
import { err, ok } from "../../core/result.ts";
import type { Caller } from "../admit/caller.ts";
import { chatAbort, chatHistory, chatSend } from "./chat-methods.ts";
import { type Method, type MethodAnswer, type MethodDeps, method } from "./method.ts";
import { sessionsDelete, sessionsList, sessionsPatch } from "./session-methods.ts";

const noParams = z.object({}).nullish();

const METHODS: ReadonlyMap<string, Method> = new Map([
  ["chat.send", chatSend],
  ["chat.history", chatHistory],
  ["chat.abort", chatAbort],
  ["sessions.list", sessionsList],
  ["sessions.patch", sessionsPatch],
  ["sessions.delete", sessionsDelete],
  ["agents.list", method(noParams, agentsList)],
  ["health", method(noParams, health)],
  ["status", method(noParams, status)],
]);

export const METHOD_NAMES: readonly string[] = [...METHODS.keys()];

/** @param params untrusted */
export async function callMethod(
  name: string,
  params: unknown,
  caller: Caller,
  deps: MethodDeps,
): MethodAnswer {
  if (name === "connect") return err({ code: "INVALID_REQUEST", message: "already connected" });
  const known = METHODS.get(name);
  if (known === undefined) return err({ code: "UNKNOWN_METHOD", message: `unknown method: ${name}` });
  return await known(name, params, caller, deps);
}

/** The caller's agents as they are told of them, the default first. */
export function agentSummaries(caller: Caller, profiles: MethodDeps["profiles"]): readonly AgentSummary[] {
  return caller.agents.flatMap((agentId) => {
    const profile = profiles.get(agentId);
    if (profile === undefined) return [];
    const { id, name, description, model } = profile;
    return [{ id, name, description, model }];
  });
}

async function agentsList(_: unknown, caller: Caller, { profiles }: MethodDeps): MethodAnswer {
  const agents = agentSummaries(caller, profiles);
  const answer: AgentsListAnswer = { defaultId: caller.agents[0], mainKey: "main", agents };
  return ok(answer);
}

async function health(_: unknown, _caller: Caller, { version, now }: MethodDeps): MethodAnswer {
  return ok({ ok: true, ts: now(), version });
}

// The caller's own numbers: how busy other people are is nobody's business here.
async function status(_: unknown, caller: Caller, deps: MethodDeps): MethodAnswer {
  const { gateway, endpoint, version, store, turns, now } = deps;
  const sessions = { total: (await store.sessionsOf(caller.userId)).list().length };
  return ok({ ts: now(), version, gateway, endpoint, sessions, turns: turns.counts(caller.userId) });
}
