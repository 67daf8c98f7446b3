// gateway.json5: one thin gateway process, on a cloud machine or on a box in an office.
import { z } from "zod";
import { LOG_LEVELS } from "../core/log.ts";
import {
  agentId,
  bindAddress,
  endpointId,
  gatewayId,
  httpUrl,
  path,
  pause,
  port,
  timeout,
} from "./field-values.ts";
import { isLoopbackTarget } from "./network-zone.ts";
import { tlsSchema } from "./tls.ts";

const TRUST = "the thumbprint that `gatehouse keys show` prints: 43 base64url characters";

// The span that the control channel's frames can hold.
const LEASE = 'a duration from "100ms" to "10m"';
const lease = timeout.refine((ms) => ms >= 100 && ms <= 600_000, LEASE);

export const gatewaySchema = z.strictObject({
  gateway: z.strictObject({
    id: gatewayId.describe("This gateway's key in the front door's routes.json5."),
    endpoint: endpointId.describe("This process's key among that gateway's endpoints."),
    bind: bindAddress.default("loopback").describe("Where to listen: loopback is 127.0.0.1."),
    port: port.default(18_789).describe("Port to listen on."),
    tls: tlsSchema
      .optional()
      .describe("TLS on the listener; the files are read again when they change. Left out: plain http."),
    auth: z.strictObject({
      mode: z
        .literal("assertion")
        .default("assertion")
        .describe("Only the front door's signed assertion is believed."),
      issuer: z.string().min(1).default("gatehouse").describe("The front door's assertion.issuer."),
      trust: z
        .string(TRUST)
        .regex(/^[A-Za-z0-9_-]{43}$/, TRUST)
        .describe("Thumbprint of the front door's trust key. Pins who may sign key sets."),
      keySet: path
        .optional()
        .describe(
          "Path of a signed key set to begin with; read again when it changes. Left out: the front door brings the first one.",
        ),
    }),
    lease: lease
      .prefault("60s")
      .describe(
        "How long a connection lives without the front door's confirmation. Once a front door has connected, its own setting counts.",
      ),
    heartbeat: z
      .strictObject({
        interval: timeout.prefault("30s").describe("Between pings."),
        timeout: timeout.prefault("10s").describe("Without a pong for this long a connection is dead."),
      })
      .prefault({}),
    maxMessageSize: z
      .int()
      .min(1_024)
      .default(25 * 1024 * 1024)
      .describe("Bytes of one WebSocket message; a larger one closes with 1009."),
    concurrentConnections: z.int().min(1).default(1_000).describe("Open WebSockets in all."),
    replayMemory: z
      .int()
      .min(100)
      .default(100_000)
      .describe(
        "Assertion ids remembered, so that none is used twice. When full, nobody is admitted until some lapse.",
      ),
  }),
  agents: z.strictObject({
    defaults: z
      .strictObject({
        model: z.string().min(1).default("claude-sonnet-5-5").describe("For agents that name none."),
        maxConcurrent: z.int().min(1).default(4).describe("Turns at a time, in all."),
        maxQueued: z.int().min(1).default(100).describe("Turns that may wait, in all."),
        maxOutputTokens: z.int().min(1).default(8_192).describe("Of one answer."),
      })
      .prefault({}),
    // Without a prototype: looking up an agent called "constructor" finds nothing.
    entries: z
      .record(
        agentId,
        z.strictObject({
          name: z.string().min(1).max(80).describe("What people see."),
          description: z.string().max(400).default("").describe("What it is good for."),
          instructions: z.string().default("You are a helpful assistant.").describe("Its system prompt."),
          model: z.string().min(1).optional().describe("Left out: agents.defaults.model."),
        }),
      )
      .refine((entries) => Object.keys(entries).length > 0, "at least one agent")
      .transform((entries): typeof entries => Object.assign(Object.create(null), entries))
      .describe("The agents that this gateway runs."),
  }),
  drain: pause
    .prefault("20s")
    .describe(
      "At SIGTERM open WebSockets are closed over this long, and turns under way may finish. 0s: at once.",
    ),
  anthropic: z
    .strictObject({
      apiKey: z
        .string()
        .min(1)
        .optional()
        .describe("Also read from ANTHROPIC_API_KEY. Without one the demonstration agent answers."),
      baseUrl: httpUrl
        .refine(
          (url) => url.startsWith("https:") || isLoopbackTarget(new URL(url).hostname),
          "an https URL (http only on loopback): the API key travels over it",
        )
        .optional()
        .describe("Another address of the Claude API."),
      timeout: timeout.prefault("10m").describe("For one answer of the API."),
    })
    .prefault({}),
  data: path.default("./.gatehouse/gateway").describe("Folder for sessions, histories and the audit log."),
  audit: z
    .strictObject({
      onFailure: z
        .enum(["refuse", "continue"])
        .default("refuse")
        .describe("When the audit log cannot be written: admit nobody, or go on."),
    })
    .prefault({}),
  log: z
    .strictObject({ level: z.enum(LOG_LEVELS).default("info").describe("What is logged from here upwards.") })
    .prefault({}),
});

/** Durations in milliseconds. */
export type GatewayConfig = z.output<typeof gatewaySchema>;

/** Paths whose values are secrets: `<NAME>_FILE` is accepted for them, and no message shows them. */
export const GATEWAY_SECRETS = ["anthropic.apiKey"] as const;

/** Names that OpenClaw users already have in their environment; set together with ours and different is a fault. */
export const GATEWAY_ENV_ALIASES = {
  OPENCLAW_GATEWAY_PORT: "gateway.port",
  OPENCLAW_GATEWAY_HOST: "gateway.bind",
  ANTHROPIC_API_KEY: "anthropic.apiKey",
} as const;
