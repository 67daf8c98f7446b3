// The front door's limits: every one is finite, and what is past one is refused before anything breaks.
import { z } from "zod";
import { timeout } from "./field-values.ts";

const count = z.int().min(1);

export const limitsSchema = z.strictObject({
  headerBytes: z
    .int()
    .min(4_096)
    .max(65_536)
    .default(16_384)
    .describe("Bytes of request line and headers together."),
  headerCount: z.int().min(20).max(1_000).default(100).describe("Header lines of one request."),
  requestBodyBytes: count
    .default(100 * 1024 * 1024)
    .describe("Bytes in the body of a request forwarded to a gateway."),
  pageBodyBytes: count
    .default(32 * 1024)
    .describe("Bytes in the body of a request that the front door answers itself."),
  headersTimeout: timeout
    .prefault("10s")
    .describe("For a client to send its request's head, and before it for the TLS handshake."),
  requestTimeout: timeout
    .prefault("5m")
    .describe("For a client to send a whole request, its body included; at least limits.headersTimeout."),
  keepAliveTimeout: timeout
    .prefault("65s")
    .describe("A connection between two requests ends. Longer than a proxy in front keeps its own."),
  pageTimeout: timeout
    .prefault("60s")
    .describe(
      "A request that the front door answers itself ends after so long without a byte either way: nobody reads the answer, or the provider has not answered. At least three times provider.timeout.",
    ),
  idleTimeout: timeout
    .prefault("1h")
    .describe(
      "A connection to a gateway without a byte either way ends: a WebSocket, an exchange, an answer that nobody reads.",
    ),
  connectTimeout: timeout.prefault("5s").describe("To reach a gateway."),
  answerTimeout: timeout.prefault("30s").describe("For a gateway to begin its answer."),
  connections: count
    .default(24_000)
    .describe(
      "TCP connections in all, of whoever it is. Less where the process may not open twice as many files; the log says so.",
    ),
  connectionsPerAddress: count
    .default(2_000)
    .describe("TCP connections from one address or IPv6 /64; those of trustedProxies are not counted."),
  exchanges: count.default(10_000).describe("Requests being forwarded in all, WebSockets apart."),
  exchangesPerUser: count.default(100).describe("Requests of one person being forwarded."),
  sockets: count.default(20_000).describe("Open WebSockets in all."),
  socketsPerUser: count.default(100).describe("Open WebSockets of one person."),
  socketsPerAddress: count
    .default(2_000)
    .describe("Open WebSockets of one client address or IPv6 /64, as trustedProxies tell it."),
  pendingUpgrades: count
    .default(1_000)
    .describe("WebSockets being opened at the same time, until their gateway has answered."),
  loopDelay: timeout
    .refine((ms) => ms >= 100, 'a duration of at least "100ms"')
    .prefault("2s")
    .describe(
      "When the process was held up for longer than this within the last second, nothing new is taken on; what is open goes on.",
    ),
  failedAttemptsPerMinute: count
    .default(60)
    .describe("Credentials that prove nothing, from one address or IPv6 /64. More are answered 429."),
});

/** Durations in milliseconds. */
export type Limits = z.output<typeof limitsSchema>;
