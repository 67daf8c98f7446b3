// Asks the front door who I am. A browser cannot see why an upgrade was refused, so this is also how the
// client learns whether it is signed out, denied, or only early.
import type { ErrorAnswer, MeAnswer } from "../../core/api.ts";
import { askDoor, type DoorDeps } from "./ask-door.ts";

export type Refusal = {
  readonly message: string;
  /** For the person to quote; null when nobody answered. */
  readonly requestId: string | null;
  /** Whom to ask; null: whom the page names. */
  readonly contact: string | null;
};

export type MeOutcome =
  | { readonly kind: "signed_in"; readonly me: MeAnswer }
  | { readonly kind: "signed_out"; readonly refusal: Refusal }
  | { readonly kind: "denied"; readonly refusal: Refusal }
  | { readonly kind: "unavailable"; readonly refusal: Refusal; readonly retryAfterMs: number };

const SESSION_OVER = "Your session has ended. Sign in again.";

/** Never rejects: a network that is away is `unavailable`. */
export async function askMe(deps: DoorDeps): Promise<MeOutcome> {
  const answer = await askDoor(deps, "GET", "/api/me");
  if (answer === undefined) return unavailable("The front door is not answering. Is the network there?", 0);
  return outcomeOf(answer.response, answer.body);
}

function outcomeOf(response: Response, body: unknown): MeOutcome {
  const { status } = response;
  if (status === 200) {
    const me = body as MeAnswer | null | undefined;
    if (Array.isArray(me?.agents)) return { kind: "signed_in", me };
    return unavailable("The front door's answer could not be read.", 0);
  }
  const refusal = readRefusal(body);
  // Whoever is at a page was signed in, whatever is left of it: a cookie that has lapsed is not even sent.
  if (status === 401)
    return { kind: "signed_out", refusal: { ...(refusal ?? plainly("")), message: SESSION_OVER } };
  const temporary = status === 429 || status >= 500;
  if (!temporary)
    return { kind: "denied", refusal: refusal ?? plainly("The front door refused this account.") };
  const retryAfterMs = readSeconds(response.headers.get("retry-after")) * 1_000;
  return refusal === undefined
    ? unavailable("The front door is not ready. Try again soon.", retryAfterMs)
    : { kind: "unavailable", refusal, retryAfterMs };
}

function readRefusal(body: unknown): Refusal | undefined {
  const error = (body as Partial<ErrorAnswer> | null | undefined)?.error;
  if (typeof error?.message !== "string") return undefined;
  return {
    message: error.message,
    requestId: error.requestId ?? null,
    contact: error.contact ?? null,
  };
}

// RFC 9110 §10.2.3; the front door sends seconds. More than ten minutes would look like a hang.
function readSeconds(header: string | null): number {
  return header !== null && /^\d{1,6}$/.test(header) ? Math.min(Number(header), 600) : 0;
}

function unavailable(message: string, retryAfterMs: number): MeOutcome {
  return { kind: "unavailable", refusal: plainly(message), retryAfterMs };
}

function plainly(message: string): Refusal {
  return { message, requestId: null, contact: null };
}
