// Turns a denial into what the asker is told: the one exhaustive switch. The wire is vague where exactness
// would help an attacker (why a token failed) and exact where it helps a person (which group, whom to ask).
import type { Denial, DenialCode } from "./denial.ts";

export type DenialAnswer = {
  readonly code: DenialCode;
  readonly status: number;
  /** One short sentence without blame, for a page's heading. */
  readonly title: string;
  /** What to do next. Plain text; may hold names from the request, so a page escapes it. */
  readonly message: string;
  /** Close code when a WebSocket is already open (RFC 6455 §7.4.1). */
  readonly closeCode: 1008 | 1012 | 1013;
  /** RFC 9110 §10.2.3, seconds. */
  readonly retryAfterSeconds?: number;
  /** RFC 9110 §11.6.1, on every 401. */
  readonly wwwAuthenticate?: string;
  /** RFC 9110 §10.2.1, on 405. */
  readonly allow?: string;
};

const RETRY_SECONDS = 5;

export function answerTo(denial: Denial): DenialAnswer {
  const { code } = denial;
  switch (code) {
    case "host_unknown":
      return refusal(
        code,
        421,
        "Wrong address",
        "This front door does not serve that host name. Check the address.",
      );
    case "request_malformed":
      return refusal(
        code,
        400,
        "The request was not understood",
        "Its form is not valid HTTP for this door.",
      );
    case "headers_too_large":
      return refusal(
        code,
        431,
        "The request's headers are too large",
        "Clear this site's cookies and try again.",
      );
    case "body_too_large":
      return refusal(
        code,
        413,
        "The request is too large",
        `At most ${denial.limitBytes} bytes are accepted here.`,
      );
    case "method_not_allowed":
      return {
        ...refusal(code, 405, "That method is not allowed here", `Use ${denial.allow.join(", ")}.`),
        allow: denial.allow.join(", "),
      };
    case "path_unknown":
      return refusal(code, 404, "There is nothing here", "Go back to the start page to see your agents.");
    case "origin_missing":
    case "origin_foreign":
      return refusal(
        code,
        403,
        "The request came from another site",
        "Open the agent from this site's start page.",
      );
    case "upgrade_invalid":
      return refusal(
        code,
        400,
        "Not a valid WebSocket handshake",
        "A client must follow RFC 6455, version 13.",
      );
    case "credentials_ambiguous":
      return refusal(
        code,
        400,
        "Two credentials at once",
        "Send either a session cookie or a bearer token, once.",
      );
    case "session_missing":
      return unauthenticated(code, "Please sign in", "Sign in to see your agents.", "Bearer");
    case "session_ended":
      return unauthenticated(code, "You are signed out", "Your session has ended. Sign in again.", "Bearer");
    case "bearer_invalid":
      return unauthenticated(
        code,
        "The token was not accepted",
        "Get a new access token and try again.",
        'Bearer error="invalid_token"',
      );
    case "login_failed":
      return refusal(
        code,
        400,
        "Signing in did not work",
        "The sign-in was not completed. Start it once more.",
      );
    case "email_missing":
      return refusal(
        code,
        403,
        "Your sign-in carries no e-mail address",
        "This company's rules need one. Ask IT to let the identity provider send it.",
      );
    case "groups_missing":
      return refusal(
        code,
        403,
        "Your sign-in carries no groups",
        `The identity provider did not send the claim "${denial.claim}". Ask IT to add it.`,
      );
    case "groups_overflow":
      return refusal(
        code,
        403,
        "You are in too many groups to list",
        `The identity provider left out the claim "${denial.claim}" because it was too long. Ask IT to limit it to the groups assigned to this application.`,
      );
    case "user_denied":
      return refusal(
        code,
        403,
        "You may not use this front door",
        "An administrator has excluded this account by name.",
      );
    case "agent_not_allowed":
      return refusal(
        code,
        403,
        `You may not use the agent "${denial.agent}"`,
        denial.grantedBy.length === 0
          ? "No group grants it at the moment."
          : `Members of ${denial.grantedBy.join(", ")} may use it.`,
      );
    case "agent_unknown":
      return refusal(code, 403, "You may not use that agent", "It is not in the catalogue of agents.");
    case "no_agents":
      return refusal(code, 403, "You have no agents yet", "None of your groups grants one.");
    case "access_changed":
      return refusal(
        code,
        403,
        "Your access has just changed",
        "Connect again, or see the start page for what you may use.",
      );
    case "route_missing":
      return unavailable(
        code,
        503,
        "This agent has no gateway yet",
        "Operations has not routed it for you.",
        60,
      );
    case "home_unavailable":
      return unavailable(
        code,
        503,
        "Your gateway is not answering",
        `Your history is on ${denial.gateway}/${denial.endpoint}, which is down. Nothing is lost; try again soon.`,
      );
    case "gateway_unavailable":
      return unavailable(
        code,
        503,
        "The gateway is not answering",
        `${denial.gateway} is down. Try again soon.`,
      );
    case "gateway_answer_invalid":
      return unavailable(
        code,
        502,
        "The gateway's answer was not valid",
        `${denial.gateway} did not answer as it should.`,
      );
    case "provider_unavailable":
      return unavailable(
        code,
        503,
        `${denial.provider} is not answering`,
        "Signing in needs the identity provider; who is signed in goes on without it for a while. Try again soon.",
      );
    case "store_unavailable":
      return unavailable(
        code,
        503,
        "The front door cannot read its sessions",
        "You are not signed out. Try again soon.",
      );
    case "audit_unavailable":
      return unavailable(
        code,
        503,
        "The front door cannot write its audit log",
        "It admits nobody until it can.",
      );
    case "keys_unavailable":
      return unavailable(code, 503, "The front door has no key to sign with", "Try again soon.");
    case "too_many_attempts":
      return unavailable(
        code,
        429,
        "Too many attempts",
        "Wait a moment, then try again.",
        denial.retryAfterSeconds,
      );
    case "overloaded":
      return unavailable(code, 503, "The front door is full", "It has reached a limit. Try again soon.");
    case "stopping":
      return {
        ...unavailable(code, 503, "The front door is restarting", "Try again in a moment."),
        closeCode: 1012,
      };
    case "client_gone":
      return refusal(code, 400, "The connection was closed", "Nobody was left to answer.");
    case "internal_error":
      return unavailable(
        code,
        500,
        "Something went wrong here",
        "It is not your fault, and it has been logged.",
      );
    case "assertion_missing":
    case "assertion_duplicate":
    case "assertion_invalid":
      return unauthenticated(
        code,
        "This gateway only answers its front door",
        "Connect through the front door, not straight to the gateway.",
        "Gateway-Assertion",
      );
    case "assertion_agent":
      return refusal(
        code,
        403,
        "Not your agent on this connection",
        "The front door did not name that agent for you here.",
      );
    case "control_ticket_invalid":
      return unauthenticated(
        code,
        "Not this gateway's front door",
        "Only the front door whose trust key is pinned here may open a control channel.",
        "Gateway-Control",
      );
    case "gateway_full":
      return unavailable(
        code,
        503,
        "This gateway is full",
        "It has reached its limit of connections. Try again soon.",
      );
  }
}

function refusal(code: DenialCode, status: number, title: string, message: string): DenialAnswer {
  return { code, status, title, message, closeCode: 1008 };
}

function unauthenticated(code: DenialCode, title: string, message: string, challenge: string): DenialAnswer {
  return { ...refusal(code, 401, title, message), wwwAuthenticate: challenge };
}

function unavailable(
  code: DenialCode,
  status: number,
  title: string,
  message: string,
  retryAfterSeconds = RETRY_SECONDS,
): DenialAnswer {
  return { code, status, title, message, closeCode: 1013, retryAfterSeconds };
}
