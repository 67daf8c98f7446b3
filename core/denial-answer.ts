// Turns a denial into what the asker is told: the one exhaustive switch, with that of gateways beside it. The wire is
// vague where exactness would help an attacker (why a token failed) and exact where it helps a person (which group, whom
// to ask).
import { type DenialAnswer, refusal, unauthenticated, unavailable } from "./answer-shape.ts";
import { bytesText } from "./bytes-text.ts";
import type { Denial } from "./denial.ts";
import { BY_ID, type DenialNames, placeText } from "./denial-names.ts";
import { answerOfGateway } from "./gateway-denial-answer.ts";
import { plainList, plainName } from "./plain-name.ts";

export function answerTo(denial: Denial, names: DenialNames = BY_ID): DenialAnswer {
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
        "Its form is not valid HTTP for this front door. If a link brought you here, go on from the start page.",
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
        `At most ${bytesText(denial.limitBytes)} are accepted here. Send it in smaller parts.`,
      );
    case "method_not_allowed":
      return {
        ...refusal(code, 405, "That method is not allowed here", `Use ${denial.allow.join(", ")}.`),
        allow: denial.allow.join(", "),
      };
    case "path_unknown":
      return refusal(
        code,
        404,
        "There is nothing here",
        "It may have moved or be gone. The start page lists your agents.",
      );
    case "origin_missing":
    case "origin_foreign":
      return refusal(
        code,
        403,
        "The request came from another site",
        "Only pages of this front door may ask for that. Open the agent from its start page.",
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
      return unauthenticated(code, "You are not signed in", "Sign in to see your agents.", "Bearer");
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
        denial.what === "access_denied"
          ? "The identity provider ended the sign-in: it was cancelled, or this account is not assigned to this application."
          : "The sign-in was not completed. Start it once more.",
      );
    case "login_expired":
      return refusal(
        code,
        400,
        "This sign-in took too long",
        "It was begun more than ten minutes ago, so it counts no more. Start it once more.",
      );
    case "login_link_used":
      return refusal(
        code,
        400,
        "This sign-in link works no more",
        "Each one works once, in the browser that began it. Start a new sign-in.",
      );
    case "signed_in_otherwise":
      return refusal(
        code,
        409,
        "You are already signed in",
        `You are signed in with ${plainName(denial.signedInWith)}, and that has not changed. To sign in with ${plainName(denial.provider)} instead, sign out first.`,
      );
    case "clock_skew":
      return unavailable(
        code,
        503,
        "Two clocks do not agree",
        `The clocks of ${plainName(denial.provider)} and of this front door are ${denial.offsetSeconds} seconds apart, so a sign-in cannot be checked. Your device is not the cause; whoever runs the front door has to set its clock.`,
        60,
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
        `The identity provider did not send the claim "${plainName(denial.claim)}". Ask IT to add it.`,
      );
    case "groups_overflow":
      return refusal(
        code,
        403,
        "You are in too many groups to list",
        `The identity provider left out the claim "${plainName(denial.claim)}" because it was too long. Ask IT to limit it to the groups assigned to this application.`,
      );
    case "group_reserved":
      return refusal(
        code,
        403,
        "One of your groups has a name that is reserved here",
        `Your identity provider says that you are in "${plainName(denial.group)}". Names that begin with "${plainName(denial.prefix)}" are for people of another identity provider here, so nobody of yours is let in with one. Ask IT to rename that group in the directory, or to leave it out of what your provider sends.`,
      );
    case "user_denied":
      return refusal(
        code,
        403,
        "You may not use this front door",
        "IT's rules refuse this account by name, whatever its groups grant.",
      );
    case "agent_not_allowed": {
      const groups = names.groupsOf(denial.issuer, denial.grantedBy);
      return refusal(
        code,
        403,
        `You may not use the agent "${plainName(names.agent(denial.agent))}"`,
        groups.length === 0
          ? "None of your groups grants it, and at the moment no group that you could be in does."
          : `None of your groups grants it. Groups that do: ${plainList(groups)}.`,
      );
    }
    case "agent_unknown":
      return refusal(
        code,
        403,
        "You may not use that agent",
        "It is not in the catalogue of agents: it may have been renamed or removed.",
      );
    case "no_agents":
      return refusal(code, 403, "You have no agents yet", "None of your groups grants one.");
    case "access_changed":
      return refusal(
        code,
        403,
        "Your access has just changed",
        "It changed while you were being connected. Connect again, or see the start page for what you may use.",
      );
    case "route_missing":
      return unavailable(
        code,
        503,
        "This agent has no gateway yet",
        "You may use it, but operations has not set up where it runs for you.",
        60,
      );
    case "home_unavailable":
      return unavailable(
        code,
        503,
        "This agent is offline at the moment",
        `You may use it. Your history is on ${placeText(denial, names)}, which is down. Nothing is lost; try again soon.`,
      );
    case "gateway_unavailable":
      return unavailable(
        code,
        503,
        "This agent is offline at the moment",
        `You may use it, but its gateway ${placeText(denial, names)} is down. Try again soon.`,
      );
    case "control_channel_away":
      return unavailable(
        code,
        503,
        "The gateway is not connected to its front door",
        `${placeText(denial, names)} admits nobody until it is. Try again soon.`,
      );
    case "proxy_refused":
      return refusal(
        code,
        403,
        "This gateway is not reached this way",
        `Operations must send what is for ${placeText(denial, names)} through the front door itself.`,
      );
    case "gateway_answer_invalid":
      return unavailable(
        code,
        502,
        "The gateway's answer was not valid",
        `${placeText(denial, names)} did not answer as it should. Try again soon.`,
      );
    case "provider_unavailable":
      return unavailable(
        code,
        503,
        `${plainName(denial.provider)} is not answering`,
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
        "Too many sign-ins or tokens from your network were not accepted. Wait a moment, then try again.",
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
    case "assertion_agent":
    case "control_ticket_invalid":
    case "gateway_full":
      return answerOfGateway(denial);
  }
}
