// The control channel's frames, version 1, as door and gateway agree on them: one WebSocket per endpoint and
// replica, dialled by the door over the path that users' traffic takes. JSON text frames, strict. docs/control-channel.md
// tells the whole exchange. No I/O, no clock.
import { z } from "zod";
import { isUserId, parseAgentId, parseSessionId } from "./ids.ts";
import { err, ok, type Result } from "./result.ts";

export const CONTROL_VERSION = 1;
export const CONTROL_PATH = "/control";
/** Carries the ticket on the upgrade request. */
export const CONTROL_HEADER = "x-gateway-control";
/** `typ` of the ticket: a JWT of the trust key, which the gateway has pinned; single use. */
export const CONTROL_TICKET_TYPE = "gateway-control+jwt";
/** `typ` of both proofs: each side signs the other's nonce, the door by its trust key, the gateway by its endpoint key. */
export const CONTROL_PROOF_TYPE = "gateway-control-proof+jwt";
export const CONTROL_TICKET_LIFETIME_SECONDS = 30;
/** For the whole opening, from 101 to `welcome`. */
export const CONTROL_OPENING_MS = 5_000;
/** The door pings this often in the life of a lease; a gateway that hears none for half a lease gives the channel up. */
export const CONTROL_PINGS_PER_LEASE = 6;
/** Bytes of one frame: 60,000 session ids fit. */
export const CONTROL_MAX_FRAME = 2 * 1024 * 1024;
/** Session ids in one `sessions` frame; more are sent in several. */
export const CONTROL_SESSIONS_PER_FRAME = 10_000;
/** Connections in one `direct` frame: each with its agents came in a header of 14 KiB, so that as many fit. */
export const CONTROL_DIRECT_PER_FRAME = 100;

const sid = z.string().transform((text, context) => {
  const parsed = parseSessionId(text);
  if (parsed !== undefined) return parsed;
  context.addIssue({ code: "custom", message: "not a session id" });
  return z.NEVER;
});
const agent = z.string().transform((text, context) => {
  const parsed = parseAgentId(text);
  if (parsed !== undefined) return parsed;
  context.addIssue({ code: "custom", message: "not an agent id" });
  return z.NEVER;
});
const user = z.string().refine(isUserId);
const nonce = z.string().regex(/^[A-Za-z0-9_-]{43}$/);
const sids = z.array(sid).max(CONTROL_SESSIONS_PER_FRAME);
const epochMs = z.number().int().nonnegative();
/** Of the assertion that opened a connection. */
const jti = z.string().regex(/^[A-Za-z0-9_-]{16,64}$/);

/** Claims of the ticket, beside the registered ones that are verified with its signature. */
export const controlTicketSchema = z.object({
  v: z.literal(CONTROL_VERSION),
  jti: z.string().min(16).max(64),
  /** The door's nonce: 256 random bits. */
  nonce,
});

/** Claims of a proof. `side` keeps one side's proof from being sent back as the other's. */
export const controlProofSchema = z.object({
  v: z.literal(CONTROL_VERSION),
  side: z.enum(["gateway", "door"]),
  doorNonce: nonce,
  gatewayNonce: nonce,
});

const fromGateway = z.discriminatedUnion("type", [
  /** First frame. Proves the endpoint key for the door's nonce and asks the door to do the same. */
  z.strictObject({
    type: z.literal("hello"),
    v: z.literal(CONTROL_VERSION),
    nonce,
    /** JWS of {@link CONTROL_PROOF_TYPE}, its header holding the endpoint's public key. */
    proof: z.string().max(4_096),
    /** Number of the newest key set it has accepted; 0 for none. */
    keySetNumber: z.int().nonnegative(),
    /** Its wall clock, milliseconds since 1970. */
    now: epochMs,
    /** Random, new at each start of the process. */
    bootId: z.string().min(8).max(64),
  }),
  z.strictObject({ type: z.literal("keys_accepted"), number: z.int().positive() }),
  z.strictObject({ type: z.literal("keys_refused"), fault: z.string().max(64) }),
  /** The sessions of its open connections, all of them: asks for their leases. The last frame of a listing says so. */
  z.strictObject({ type: z.literal("sessions"), listing: z.int().nonnegative(), sids, last: z.boolean() }),
  /**
   * Its open connections that no front door forwards, all of them: only what is named here can be ended one by one. Sent
   * with each listing of sessions; the last frame says so.
   */
  z.strictObject({
    type: z.literal("direct"),
    connections: z
      .array(z.strictObject({ jti, sid, agents: z.array(agent).min(1) }))
      .max(CONTROL_DIRECT_PER_FRAME),
    last: z.boolean(),
  }),
  /** One of them is over, named before or not. */
  z.strictObject({ type: z.literal("direct_ended"), jti }),
  z.strictObject({ type: z.literal("turn_started"), runId: z.string().max(256), user, agent }),
  z.strictObject({ type: z.literal("turn_ended"), runId: z.string().max(256) }),
  /** It is being stopped: it takes no new work, and nothing takes that back. */
  z.strictObject({ type: z.literal("draining") }),
  /** Answer to `ping`. */
  z.strictObject({ type: z.literal("pong"), at: epochMs, now: epochMs }),
]);

const fromDoor = z.discriminatedUnion("type", [
  /** Answer to `hello`; from here on both sides are proved. */
  z.strictObject({
    type: z.literal("welcome"),
    v: z.literal(CONTROL_VERSION),
    proof: z.string().max(4_096),
    /** Life of a lease, milliseconds. */
    leaseMs: z.int().min(100).max(600_000),
  }),
  /** The newest key set, an envelope of the trust key (core/key-set.ts). */
  z.strictObject({ type: z.literal("keys"), envelope: z.string().max(65_536) }),
  /** Those of a listing that still live: their connections' leases start anew. The others' run out. */
  z.strictObject({ type: z.literal("leases"), listing: z.int().nonnegative(), sids }),
  /**
   * Access has ended: every connection it names closes now, 1008 or 1012, with these words. With 1008 and no agent the
   * sessions themselves are over: what was asserted about them and has not arrived yet is refused too.
   */
  z.strictObject({
    type: z.literal("end"),
    /** Number of the event that ended it. */
    event: z.int().nonnegative(),
    /** Whose: these sessions', or everybody's. */
    sids: z.union([sids, z.literal("all")]),
    /** Only connections that may use this agent; null: whatever they may use. */
    agent: agent.nullable(),
    code: z.union([z.literal(1008), z.literal(1012)]),
    words: z.string().max(120),
  }),
  /**
   * Access has ended for single connections, named by the assertions that opened them, or would: each closes now, or is
   * refused when it comes.
   */
  z.strictObject({
    type: z.literal("end_direct"),
    /** Number of the event that ended it; null for an end of its own, such as expiry. */
    event: z.int().nonnegative().nullable(),
    jtis: z.array(jti).max(CONTROL_SESSIONS_PER_FRAME),
    code: z.union([z.literal(1008), z.literal(1012), z.literal(1013)]),
    words: z.string().max(120),
  }),
  /** Every few seconds: shows that the channel lives, and how far the clocks are apart. */
  z.strictObject({ type: z.literal("ping"), at: epochMs }),
]);

export type GatewayControlFrame = z.output<typeof fromGateway>;
export type DoorControlFrame = z.output<typeof fromDoor>;

/** @param text untrusted frame of a gateway */
export function parseGatewayControlFrame(text: string): Result<GatewayControlFrame, string> {
  return parse(fromGateway, text);
}

/** @param text untrusted frame of a door */
export function parseDoorControlFrame(text: string): Result<DoorControlFrame, string> {
  return parse(fromDoor, text);
}

const MAX_FAULT_LENGTH = 200;

function parse<T>(schema: z.ZodType<T>, text: string): Result<T, string> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return err("not JSON");
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return ok(parsed.data);
  const [issue] = parsed.error.issues;
  // Bounded: it is audited, and may quote the name of a member.
  return err(`${issue?.path.join(".") ?? ""}: ${issue?.message ?? "not a frame"}`.slice(0, MAX_FAULT_LENGTH));
}
