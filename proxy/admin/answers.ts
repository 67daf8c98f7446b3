// What the control socket answers: types only, for the commands. Times are RFC 3339.
import type { AgentState } from "../../core/api.ts";
import type { KeyState } from "../../token-exchange/keyring.ts";
import type { ChannelState } from "../control/channel.ts";
import type { PolicyState } from "../policy/policy-reload.ts";

/** `GET /status` */
export type StatusAnswer = {
  readonly process: number;
  readonly startedAt: string;
  readonly publicUrl: string;
  readonly ready: boolean;
  readonly checks: Readonly<Record<string, string>>;
  readonly policy: Omit<PolicyState, "since"> & { readonly since: string };
  readonly keys: KeysState;
  readonly connections: number;
  readonly endpoints: readonly {
    readonly gateway: string;
    readonly endpoint: string;
    readonly url: string;
    readonly state: AgentState;
    /** Why it is down; null when it is not, or nobody knows. */
    readonly fault: string | null;
    /** The control channel: while it is away, what ends here ends there only when its lease runs out. */
    readonly channel: ChannelState;
    readonly connections: number;
  }[];
};

export type KeysState = {
  /** Number of the newest key set. */
  readonly keySet: number;
  readonly keys: readonly (Pick<KeyState, "kid" | "state"> & { readonly signsFrom: string })[];
};

/** `GET /sessions` */
export type AdminSessionsAnswer = {
  readonly sessions: readonly {
    readonly sid: string;
    readonly userId: string;
    readonly email: string | null;
    /** Id of the provider that says so. */
    readonly provider: string | null;
    readonly kind: "browser" | "bearer";
    readonly since: string;
    readonly lastSeen: string;
    readonly expiresAt: string;
    readonly peer: string | null;
    readonly agents: readonly string[];
  }[];
};

/** `POST /sessions/end` */
export type AdminEndedAnswer = { readonly ended: readonly string[]; readonly event: number | null };

/** `POST /users/end`: an e-mail may be that of several people. */
export type UsersEndedAnswer = {
  readonly people: readonly {
    readonly userId: string;
    readonly email: string | null;
    /** Id of the provider that says who it is. */
    readonly provider: string | null;
    /** Session ids. */
    readonly ended: readonly string[];
  }[];
  readonly event: number | null;
};

/** `POST /groups/end`, `POST /gateways/end`: how many connections there were to end. */
export type AdminClosedAnswer = { readonly connections: number; readonly event: number };

/** `POST /gateways/forget-key` */
export type ForgottenAnswer = { readonly gateway: string; readonly endpoint: string };

/** `POST /keys/rotate`; an event when they were replaced at once. */
export type KeysAnswer = KeysState & { readonly event: number | null };

/** `POST /policy/reload` */
export type ReloadAnswer = Pick<PolicyState, "snapshot" | "faults" | "needsRestart"> & {
  readonly changed: boolean;
};

export type AdminError = { readonly error: string };
