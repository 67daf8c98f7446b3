// The handshake: what a client says in `connect` and what it is answered. Credentials and devices that it may put
// there are not read: who is asking was decided before 101. Pure.
import { z } from "zod";
import {
  type AgentSummary,
  type FrameError,
  type HelloOk,
  PROTOCOL_VERSION,
} from "../../core/gateway-protocol.ts";
import { err, ok, type Result } from "../../core/result.ts";
import type { Caller } from "../admit/caller.ts";
import { MAIN_SESSION, sessionKeyOf } from "../session/session-key.ts";
import { invalidParams } from "./invalid-params.ts";

export type ConnectClient = z.output<typeof connectParams>["client"];

/** The connection ends with it: RFC 6455 §7.4.1. */
export type ConnectFault = {
  readonly error: FrameError;
  readonly closeCode: 1002 | 1008;
  readonly reason: string;
};

const label = z.string().min(1).max(128);

const connectParams = z.object({
  minProtocol: z.int(),
  maxProtocol: z.int(),
  client: z.object({ id: label, version: label, platform: label, mode: label }),
});

/** @param params untrusted */
export function parseConnect(params: unknown): Result<ConnectClient, ConnectFault> {
  const parsed = connectParams.safeParse(params);
  if (!parsed.success) {
    const error = invalidParams("connect", parsed.error);
    return err({ error, closeCode: 1008, reason: error.message });
  }
  const { minProtocol, maxProtocol, client } = parsed.data;
  if (minProtocol <= PROTOCOL_VERSION && PROTOCOL_VERSION <= maxProtocol) return ok(client);
  const reason = "protocol mismatch";
  const details = { code: "PROTOCOL_MISMATCH", expectedProtocol: PROTOCOL_VERSION };
  return err({ error: { code: "INVALID_REQUEST", message: reason, details }, closeCode: 1002, reason });
}

export type HelloFacts = {
  readonly caller: Caller;
  readonly agents: readonly AgentSummary[];
  readonly methods: readonly string[];
  readonly version: string;
  readonly connId: string;
  readonly policy: HelloOk["policy"];
};

export const EVENTS = ["connect.challenge", "chat", "sessions.changed", "tick"] as const;

export function helloOk({ caller, agents, methods, version, connId, policy }: HelloFacts): HelloOk {
  return {
    type: "hello-ok",
    protocol: PROTOCOL_VERSION,
    server: { version, connId },
    features: { methods, events: EVENTS },
    snapshot: {
      user: { id: caller.userId, email: caller.email, name: caller.name },
      agents,
      mainSessionKey: sessionKeyOf({ agentId: caller.agents[0], name: MAIN_SESSION }),
    },
    auth: { method: "assertion", role: "operator", scopes: ["operator.read", "operator.write"] },
    policy,
  };
}
