// What a method is: parameters that are checked, then an answer. No method sees parameters that were not.
import type { z } from "zod";
import type { FrameError } from "../../core/gateway-protocol.ts";
import type { AgentId, EndpointId, GatewayId } from "../../core/ids.ts";
import { err, type Result } from "../../core/result.ts";
import type { Caller } from "../admit/caller.ts";
import type { AgentProfile } from "../agents/agent.ts";
import type { SessionStore } from "../session/session-store.ts";
import type { Turns } from "../turn/turns.ts";
import { invalidParams } from "./invalid-params.ts";

export type MethodDeps = {
  readonly gateway: GatewayId;
  readonly endpoint: EndpointId;
  readonly version: string;
  readonly profiles: ReadonlyMap<AgentId, AgentProfile>;
  readonly store: SessionStore;
  readonly turns: Turns;
  /** Wall clock, milliseconds since 1970. */
  readonly now: () => number;
};

export type MethodAnswer = Promise<Result<unknown, FrameError>>;

/** @param params untrusted */
export type Method = (name: string, params: unknown, caller: Caller, deps: MethodDeps) => MethodAnswer;

/** @param answer gets parameters of the right form; whether what they name is the caller's is still its question */
export function method<Params>(
  schema: z.ZodType<Params>,
  answer: (params: Params, caller: Caller, deps: MethodDeps) => MethodAnswer,
): Method {
  return async (name, params, caller, deps) => {
    const parsed = schema.safeParse(params);
    return parsed.success ? await answer(parsed.data, caller, deps) : err(invalidParams(name, parsed.error));
  };
}
