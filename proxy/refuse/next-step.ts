// The way forward of each refusal, for people: what to press next. Every refusal has at least one. Pure.
import type { DenialAnswer } from "../../core/answer-shape.ts";

export type NextStep = {
  /** The likeliest thing to help; null when asking again would only be refused again. */
  readonly again: { readonly label: string; readonly href: string } | null;
  /** The start page: open to this account and another place than this one, or nothing else is left to press. */
  readonly start: boolean;
  /** Signed in, here or at the provider, as somebody who may not: another account may. */
  readonly otherAccount: boolean;
};

/** @param address path and query that asked; null when asking again could do something twice */
export function nextStep({ code, retryAfterSeconds }: DenialAnswer, address: string | null): NextStep {
  const wholeAccount = WHOLE_ACCOUNT.has(code);
  const again = againOf();
  const otherAccount = wholeAccount || OTHER_ACCOUNT.has(code);
  const elsewhere = address !== "/" || (again === null && !otherAccount);
  return { again, start: !wholeAccount && elsewhere, otherAccount };

  function againOf(): NextStep["again"] {
    if (SIGNED_OUT.has(code)) {
      return { label: "Sign in", href: `/auth/login?return_to=${encodeURIComponent(address ?? "/")}` };
    }
    if (address === null) return null;
    if (code === "signed_in_otherwise") return { label: "Go on", href: address };
    if (LOGIN_AGAIN.has(code)) return { label: "Sign in again", href: address };
    return retryAfterSeconds !== undefined || code === "access_changed"
      ? { label: "Try again", href: address }
      : null;
  }
}

const SIGNED_OUT: ReadonlySet<string> = new Set(["session_missing", "session_ended"]);
const LOGIN_AGAIN: ReadonlySet<string> = new Set(["login_failed", "login_expired", "login_link_used"]);
const OTHER_ACCOUNT: ReadonlySet<string> = new Set(["agent_not_allowed", "no_agents", "signed_in_otherwise"]);
const WHOLE_ACCOUNT: ReadonlySet<string> = new Set([
  "user_denied",
  "email_missing",
  "groups_missing",
  "groups_overflow",
  "group_reserved",
]);
