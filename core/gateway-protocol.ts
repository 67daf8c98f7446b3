// OpenClaw's gateway protocol 4, as far as the thin gateway speaks it. Types and constants only: JSON text
// frames, `event` from the server, `req` from the client, `res` to each `req`. Pages import the types.

export const PROTOCOL_VERSION = 4;

export type RequestFrame = {
  readonly type: "req";
  readonly id: string;
  readonly method: string;
  readonly params?: unknown;
};

export type ResponseFrame =
  | { readonly type: "res"; readonly id: string; readonly ok: true; readonly payload: unknown }
  | { readonly type: "res"; readonly id: string; readonly ok: false; readonly error: FrameError };

export type EventFrame = {
  readonly type: "event";
  readonly event: string;
  readonly payload: unknown;
  /** Grows by one for each event on this connection. */
  readonly seq?: number;
};

export type FrameError = {
  readonly code: FrameErrorCode;
  readonly message: string;
  readonly details?: unknown;
  readonly retryable?: boolean;
  readonly retryAfterMs?: number;
};

export type FrameErrorCode =
  | "INVALID_REQUEST"
  | "UNKNOWN_METHOD"
  | "FORBIDDEN"
  | "NOT_FOUND"
  | "UNAVAILABLE"
  | "TOO_LARGE";

export type Frame = RequestFrame | ResponseFrame | EventFrame;

/** `event: "connect.challenge"`, the first frame of every connection. */
export type ConnectChallenge = { readonly nonce: string; readonly ts: number };

/** Answer to `connect`. */
export type HelloOk = {
  readonly type: "hello-ok";
  readonly protocol: typeof PROTOCOL_VERSION;
  readonly server: { readonly version: string; readonly connId: string };
  readonly features: { readonly methods: readonly string[]; readonly events: readonly string[] };
  readonly snapshot: {
    readonly user: { readonly id: string; readonly email: string | null; readonly name: string | null };
    readonly agents: readonly AgentSummary[];
    /** The session that `main` means on this connection. */
    readonly mainSessionKey: string;
  };
  readonly auth: {
    readonly method: "assertion";
    readonly role: "operator";
    readonly scopes: readonly string[];
  };
  readonly policy: {
    readonly maxPayload: number;
    readonly maxBufferedBytes: number;
    readonly tickIntervalMs: number;
  };
};

export type AgentSummary = {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly model: string;
};

export type ChatMessage = {
  readonly id: string;
  readonly role: "user" | "assistant";
  readonly content: readonly { readonly type: "text"; readonly text: string }[];
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  readonly runId: string;
  /** Of an assistant message: how its turn ended. */
  readonly stopReason?: "stop" | "aborted" | "error";
  /** Of one that ended with `error`: why, for people. */
  readonly errorMessage?: string;
  readonly usage?: TokenUsage;
};

export type TokenUsage = {
  readonly input: number;
  readonly output: number;
  /** Counted by nobody: a guess from the length of the text. */
  readonly estimated?: true;
};

/** `event: "chat"`: the life of one turn, in this order, `queued` and `delta` repeated. */
export type ChatEvent = {
  readonly runId: string;
  readonly sessionKey: string;
  readonly agentId: string;
  /** Grows by one for each event of this run. */
  readonly seq: number;
} & (
  | { readonly state: "queued" /** Its place in line, 1 = next. */; readonly position: number }
  | { readonly state: "delta"; readonly deltaText: string }
  | { readonly state: "final"; readonly message: ChatMessage }
  | { readonly state: "aborted"; readonly message: ChatMessage | null }
  | { readonly state: "error"; readonly errorMessage: string; readonly message: ChatMessage | null }
);

/** `chat.send` */
export type ChatSendParams = {
  readonly sessionKey: string;
  readonly message: string;
  /** The same key twice is the same message: the second answers like the first. Becomes the `runId`. */
  readonly idempotencyKey: string;
};
export type ChatSendAnswer = {
  readonly runId: string;
  readonly status: "started" | "queued" | "in_flight" | "done";
};

/** `chat.history` */
export type ChatHistoryParams = {
  readonly sessionKey: string;
  /** 1 to 500, default 200: the newest ones. */
  readonly limit?: number;
  /** Message id: only older ones. */
  readonly before?: string;
};
export type ChatHistoryAnswer = {
  readonly sessionKey: string;
  readonly sessionId: string | null;
  readonly messages: readonly ChatMessage[];
  readonly hasMore: boolean;
  /** The turn that runs now, with all of its text so far; events with a greater `seq` continue it. */
  readonly running: { readonly runId: string; readonly seq: number; readonly text: string } | null;
  /** The turns in line behind it, in their order; events with a greater `seq` continue them. */
  readonly waiting: readonly { readonly runId: string; readonly seq: number; readonly position: number }[];
};

/** `chat.abort` */
export type ChatAbortParams = { readonly sessionKey: string; readonly runId?: string };
export type ChatAbortAnswer = {
  readonly ok: true;
  readonly aborted: boolean;
  readonly runIds: readonly string[];
};

/** `sessions.list` */
export type SessionSummary = {
  readonly key: string;
  readonly sessionId: string;
  readonly agentId: string;
  readonly chatType: "direct";
  readonly updatedAt: number;
  readonly messageCount: number;
  /** What its owner calls it; one line. */
  readonly label: string | null;
  /** How its first question begins; one line. */
  readonly derivedTitle: string | null;
};
export type SessionsListAnswer = {
  readonly ts: number;
  readonly count: number;
  readonly sessions: readonly SessionSummary[];
};

/** `sessions.patch`: gives a session a name; null takes it away. */
export type SessionsPatchParams = { readonly key: string; readonly label: string | null };
export type SessionsPatchAnswer = {
  readonly ok: true;
  readonly key: string;
  readonly entry: SessionSummary;
};

/** `sessions.delete`: the session's turns end, and its history is gone. */
export type SessionsDeleteParams = { readonly key: string };
export type SessionsDeleteAnswer = {
  readonly ok: true;
  readonly key: string;
  /** False: there was none. */
  readonly deleted: boolean;
};

/** `event: "sessions.changed"`: one of the caller's sessions, as it is now. */
export type SessionsChangedEvent = {
  readonly sessionKey: string;
  readonly agentId: string;
  /** null: it was deleted. */
  readonly session: SessionSummary | null;
};

/** `agents.list` */
export type AgentsListAnswer = {
  readonly defaultId: string;
  readonly mainKey: "main";
  readonly agents: readonly AgentSummary[];
};
