// What is to be reached: every row that the bench prints, with its goals. All of them are upper limits. Figures carry
// over from machine to machine only as ratios, so that most rows are measured against another one of the same run.

export type Goal = {
  readonly measure: string;
  readonly unit: "ratio" | "KiB" | "µs" | "s" | "ms";
  /** What the ratio is against; null for an absolute figure. */
  readonly against: string | null;
  readonly goal: number | null;
  readonly stretch: number | null;
};

const HTTP = "HTTP CPU per request";
const MESSAGE = "WebSocket CPU per message, opaque upstream";
/** Two figures of the same thing differ by so much on a machine with neighbours. */
const NOISE = 1.2;

export const GOALS = {
  httpExpress: {
    measure: HTTP,
    unit: "ratio",
    against: "express + express-openid-connect + http-proxy",
    goal: 1 / 6,
    stretch: 1 / 8,
  },
  httpUndici: { measure: HTTP, unit: "ratio", against: "bare undici dispatch", goal: 1.2, stretch: 1 },
  httpHaproxy: { measure: HTTP, unit: "ratio", against: "HAProxy verifying ES256", goal: 0.9, stretch: 0.7 },
  httpOtherFields: {
    measure: "HTTP CPU per request, other fields each time",
    unit: "ratio",
    against: "bare undici dispatch",
    goal: null,
    stretch: null,
  },
  httpDataPlane: {
    measure: "HTTP CPU per request, nginx as data plane",
    unit: "ratio",
    against: "nginx auth_request + express-openid-connect",
    goal: 1 / 6,
    stretch: 1 / 7.5,
  },
  messageSplice: { measure: MESSAGE, unit: "ratio", against: "own splice, bare", goal: 1.1, stretch: 1 },
  messageHaproxy: { measure: MESSAGE, unit: "ratio", against: "HAProxy", goal: 1.5, stretch: 1.35 },
  messageFrames: {
    measure: "WebSocket CPU per message, frames authorized",
    unit: "ratio",
    against: "ws on both sides",
    goal: 1.15,
    stretch: 1,
  },
  upgrade: {
    measure: "CPU per upgrade",
    unit: "ratio",
    against: "nginx auth_request + express-openid-connect",
    goal: 0.45,
    stretch: 1 / 3,
  },
  latencyP50: {
    measure: "added latency p50, one connection, unpinned",
    unit: "ratio",
    against: "nginx",
    goal: 2,
    stretch: 1.5,
  },
  latencyP99: {
    measure: "added latency p99, one connection, unpinned",
    unit: "ratio",
    against: "nginx",
    goal: null,
    stretch: null,
  },
  memoryPlain: {
    measure: "memory per idle connection, plain",
    unit: "KiB",
    against: null,
    goal: 11,
    stretch: 9,
  },
  memoryTls: {
    measure: "memory per idle connection, TLS",
    unit: "KiB",
    against: null,
    goal: 56,
    stretch: 54,
  },
  lookup: { measure: "verified-session look-up", unit: "µs", against: null, goal: 5, stretch: 2 },
  liveClose: {
    measure: "live close of 10,000 sockets of one revoked group",
    unit: "s",
    against: null,
    goal: 1,
    stretch: 0.5,
  },
  stormBack: {
    measure: "reconnect storm, 10,000 sockets, all back",
    unit: "s",
    against: null,
    goal: 60,
    stretch: 30,
  },
  stormLoop: {
    measure: "reconnect storm, 10,000 sockets, event loop p99",
    unit: "ms",
    against: null,
    goal: 250,
    stretch: null,
  },
  growthHttp: {
    measure: "growth: CPU per HTTP request, 10,000 connections",
    unit: "ratio",
    against: "100 connections",
    goal: NOISE,
    stretch: null,
  },
  growthMessage: {
    measure: "growth: CPU per WebSocket message, 10,000 connections",
    unit: "ratio",
    against: "100 connections",
    goal: NOISE,
    stretch: null,
  },
  growthDecision: {
    measure: "growth: CPU per decision, 10,000 rules and groups",
    unit: "ratio",
    against: "10 rules and groups",
    goal: NOISE,
    stretch: null,
  },
} as const satisfies Readonly<Record<string, Goal>>;

export type GoalId = keyof typeof GOALS;
