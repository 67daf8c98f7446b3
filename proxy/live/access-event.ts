// What can end or narrow access that was given, as it stands in the store's event log (version 1), and the words
// that each end has for the person it concerns.
import { z } from "zod";
import { parseSessionId } from "../../core/ids.ts";
import { plainName } from "../../core/plain-name.ts";

/** Why sessions ended. Stable: audit lines and metrics carry it. */
export const SESSION_ENDS = [
  "signed_out",
  "ended_from_list",
  "ended_others",
  "provider_signed_out",
  "provider_refused",
  "provider_changed",
  "session_expired",
  "session_idle",
  "ended_by_admin",
] as const;
export type SessionEnd = (typeof SESSION_ENDS)[number];

const sid = z.string().transform((text, context) => {
  const parsed = parseSessionId(text);
  if (parsed !== undefined) return parsed;
  context.addIssue({ code: "custom", message: "not a session id" });
  return z.NEVER;
});

const eventSchema = z.discriminatedUnion("kind", [
  /** Sessions are over; everything that lives by them ends. */
  z.object({
    v: z.literal(1),
    kind: z.literal("sessions_ended"),
    sids: z.array(sid),
    reason: z.enum(SESSION_ENDS),
  }),
  /** A refresh found other groups: what this session may do is decided anew. */
  z.object({ v: z.literal(1), kind: z.literal("groups_changed"), sid, groups: z.array(z.string()) }),
  /** A refresh found another e-mail, by which rules name people: whatever lives by this session comes back anew. */
  z.object({ v: z.literal(1), kind: z.literal("identity_changed"), sid }),
  /** A numbered snapshot of the policy took effect: everything is decided anew. `at`: milliseconds since 1970. */
  z.object({
    v: z.literal(1),
    kind: z.literal("policy_changed"),
    snapshot: z.int().positive(),
    at: z.number(),
  }),
  /** An administrator ends what a group's members, or a gateway, have open; their sessions stay. */
  z.object({ v: z.literal(1), kind: z.literal("group_ended"), group: z.string() }),
  z.object({
    v: z.literal(1),
    kind: z.literal("gateway_ended"),
    gateway: z.string(),
    endpoint: z.string().nullable(),
  }),
  /** Signing keys were replaced at once: whatever they admitted ends. */
  z.object({ v: z.literal(1), kind: z.literal("keys_replaced") }),
]);

type Unversioned<Event> = Event extends unknown ? Omit<Event, "v"> : never;
export type AccessEvent = Unversioned<z.output<typeof eventSchema>>;

export function formatAccessEvent(event: AccessEvent): string {
  return JSON.stringify({ v: 1, ...event });
}

/** Undefined for an event that this version does not know: the reader must then decide everything anew. */
export function parseAccessEvent(payload: string): AccessEvent | undefined {
  try {
    const parsed = eventSchema.safeParse(JSON.parse(payload));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

/** Why one connection ends. */
export type EndReason =
  | { readonly code: SessionEnd }
  | {
      readonly code: "access_removed";
      /** What people call it. */
      readonly agent: string;
      readonly at: number;
    }
  | { readonly code: "user_denied" }
  | { readonly code: "moved" }
  | { readonly code: "group_ended" }
  | { readonly code: "gateway_ended" }
  | { readonly code: "keys_replaced" }
  | { readonly code: "provider_silent" }
  | { readonly code: "store_silent" }
  | { readonly code: "access_changed" }
  /** More at one endpoint, by its own word, than there can be. */
  | { readonly code: "too_many" }
  | { readonly code: "restarting"; readonly comeBackInSeconds: number };

/** Of 123, beside the longest sentence that has a name in it. */
const MAX_NAME_BYTES = 80;

/** The close frame that the client reads; words of at most 123 bytes (RFC 6455 §5.5.1). */
export function closeOf(reason: EndReason): { readonly code: 1008 | 1012 | 1013; readonly words: string } {
  switch (reason.code) {
    case "signed_out":
      return { code: 1008, words: "signed out in another tab or window" };
    case "ended_from_list":
      return { code: 1008, words: "you ended this session from another one" };
    case "ended_others":
      return { code: 1008, words: "you signed out everywhere else" };
    case "provider_signed_out":
      return { code: 1008, words: "signed out at your identity provider" };
    case "provider_refused":
      return { code: 1008, words: "your identity provider no longer confirms this sign-in" };
    case "provider_changed":
      return { code: 1008, words: "sign-in here has changed, sign in again" };
    case "session_expired":
      return { code: 1008, words: "your session has expired, sign in again" };
    case "session_idle":
      return { code: 1008, words: "your session was unused for too long, sign in again" };
    case "ended_by_admin":
      return { code: 1008, words: "an administrator ended your session" };
    case "access_removed":
      return {
        code: 1008,
        words: `IT removed your access to ${brief(reason.agent)} at ${timeOfDay(reason.at)}`,
      };
    case "user_denied":
      return { code: 1008, words: "an administrator has excluded your account" };
    case "group_ended":
      return { code: 1008, words: "an administrator ended your group's connections" };
    case "moved":
      return { code: 1012, words: "your agent has moved, connect again" };
    case "gateway_ended":
      return { code: 1012, words: "operations ended this gateway's connections, connect again" };
    case "keys_replaced":
      return { code: 1012, words: "the front door's keys were replaced, connect again" };
    case "access_changed":
      return { code: 1012, words: "access has changed, connect again" };
    case "restarting":
      return {
        code: 1012,
        words: `the front door is restarting, come back in ${reason.comeBackInSeconds} s`,
      };
    case "too_many":
      return { code: 1013, words: "too many connections to this gateway, try again later" };
    case "provider_silent":
      return { code: 1013, words: "your identity provider has not answered for too long" };
    case "store_silent":
      return { code: 1013, words: "the front door cannot check your session at the moment, try again" };
  }
}

/** A name that leaves room for the sentence around it: cut between characters. */
function brief(name: string): string {
  let kept = "";
  for (const character of plainName(name)) {
    if (Buffer.byteLength(kept) + Buffer.byteLength(character) > MAX_NAME_BYTES) return `${kept}…`;
    kept += character;
  }
  return kept;
}

/** `14:02 UTC` */
function timeOfDay(at: number): string {
  return `${new Date(at).toISOString().slice(11, 16)} UTC`;
}
