// Session keys as clients write them. They are relative to the caller: a key can name an agent and a name, never
// an owner, because the owner is taken from the assertion and nowhere else. Pure.
import { type AgentId, parseAgentId, type UserId } from "../../core/ids.ts";
import { err, ok, type Result } from "../../core/result.ts";

/** What a session is stored by. */
export type SessionIdentity = {
  readonly userId: UserId;
  readonly agentId: AgentId;
  readonly name: string;
};

export const MAIN_SESSION = "main";

const MAX_KEY_LENGTH = 128;

/**
 * Reads an untrusted key: `agent:<id>:<name>`, or a bare name, which means the connection's default agent. Says
 * nothing about whether the caller may use that agent.
 */
export function parseSessionKey(
  text: string,
  defaultAgent: AgentId,
): Result<Pick<SessionIdentity, "agentId" | "name">, string> {
  const trimmed = text.trim();
  // Before lower-casing: U+212A (Kelvin sign) would become a plain "k", so two spellings would be one session.
  if (!/^[A-Za-z0-9:._-]+$/.test(trimmed)) return err("letters, digits and : . _ - only");
  const key = trimmed.toLowerCase();
  const [, agentText, nameInKey] = /^agent:([^:]*):(.*)$/.exec(key) ?? [];
  if (key.startsWith("agent:") && !nameInKey) return err("agent:<id>:<name>");
  const agentId = agentText === undefined ? defaultAgent : parseAgentId(agentText);
  if (agentId === undefined) return err("agent:<id>:<name> with a valid agent id");
  const name = nameInKey ?? key;
  // Measured as it is answered, so that every key the gateway names can be sent back.
  if (sessionKeyOf({ agentId, name }).length > MAX_KEY_LENGTH)
    return err(`at most ${MAX_KEY_LENGTH} characters as agent:<id>:<name>`);
  return ok({ agentId, name });
}

/** The key as the gateway answers it. */
export function sessionKeyOf({ agentId, name }: Pick<SessionIdentity, "agentId" | "name">): string {
  return `agent:${agentId}:${name}`;
}
