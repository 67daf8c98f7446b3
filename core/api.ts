// The JSON that the front door's own API answers. Types only: pages and clients import them.
import type { AssertionClaims } from "./assertion.ts";
import type { AssertionFault } from "./denial.ts";

export type AgentState = "up" | "down" | "draining";

/** `GET /api/me` */
export type MeAnswer = {
  readonly id: string;
  readonly email: string | null;
  readonly name: string | null;
  /** Name of the provider that they signed in with; null where there is only one. */
  readonly provider: string | null;
  readonly groups: readonly string[];
  readonly roles: readonly string[];
  readonly agents: readonly {
    readonly id: string;
    readonly name: string;
    readonly description: string;
    /** Gateway that serves it to this person; null when none is routed. */
    readonly gateway: string | null;
    /** What operations calls that gateway, such as "Box in the Berlin office". */
    readonly gatewayLabel: string | null;
    readonly state: AgentState;
    /** This person has a connection to it now. */
    readonly open: boolean;
    /** RFC 3339, to the minute; null when it is not known to have been used in the last 90 days. */
    readonly lastUsed: string | null;
  }[];
  /** `expiresAt`: RFC 3339. */
  readonly session: { readonly sid: string; readonly expiresAt: string };
};

/** `GET /api/me/told/{agent}`: what the gateway would be told now; a sample, nothing in it opens anything. */
export type ToldAnswer = {
  readonly agent: string;
  readonly gateway: string;
  readonly endpoint: string;
  /** Name and value, as they are sent. */
  readonly headers: readonly (readonly [string, string])[];
  /** The assertion's header, and its claims decoded; its signature is left out. */
  readonly assertion: { readonly header: string; readonly claims: AssertionClaims };
};

/** `GET /api/me/sessions`: the newest used first. Times are RFC 3339. */
export type MySessionsAnswer = {
  readonly sessions: readonly {
    readonly sid: string;
    /** The one that asks. */
    readonly current: boolean;
    readonly kind: "browser" | "bearer";
    readonly since: string;
    readonly lastSeen: string;
    readonly expiresAt: string;
    /** Where its login came from; null for a bearer. */
    readonly from: { readonly peer: string; readonly userAgent: string | null } | null;
    /** Agents that it has open connections to. */
    readonly agents: readonly string[];
  }[];
};

/** `DELETE /api/me/sessions` (all others) and `DELETE /api/me/sessions/{sid}`: ids of those that ended. */
export type EndedSessionsAnswer = { readonly ended: readonly string[] };

/** `GET /api/token` */
export type TokenAnswer = {
  readonly accessToken: string;
  readonly tokenType: "Bearer";
  /** Seconds. */
  readonly expiresIn: number;
  /** `url`: where this token opens a WebSocket. */
  readonly agents: readonly { readonly id: string; readonly url: string }[];
};

/** `POST /auth/logout` for a JSON caller. */
export type LogoutAnswer = { readonly redirect: string };

/** Every refusal, as JSON. */
export type ErrorAnswer = {
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly requestId: string;
    /** A gateway's answer to `assertion_invalid`: what was wrong with it. */
    readonly reason?: AssertionFault;
    /** Groups that would grant it (`agent_not_allowed`). */
    readonly grantedBy?: readonly string[];
    /** Whom to ask, from the configuration. */
    readonly contact?: string;
  };
};
