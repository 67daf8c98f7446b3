// The operational log: JSON lines (pretty on a terminal). Audit lines go elsewhere (audit.ts).
// No token, cookie or secret is ever passed to it; redaction below is the second fence, not the first.
import { type DestinationStream, type Logger, pino } from "pino";

export type Log = Pick<Logger, "debug" | "info" | "warn" | "error" | "fatal">;

export const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const SECRET_FIELDS = [
  "authorization",
  "cookie",
  "token",
  "accessToken",
  "idToken",
  "refreshToken",
  "assertion",
  "secret",
  "clientSecret",
  "password",
  "handle",
];

/**
 * @param part the process part that speaks, such as `front-door` or `gateway cloud/cloud-1`
 * @param destination where lines go; standard output when left out
 */
export function createLog(part: string, level: LogLevel, destination?: DestinationStream): Log {
  return pino(
    {
      level,
      base: { part },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: SECRET_FIELDS.flatMap((field) => [field, `*.${field}`]), censor: "[redacted]" },
    },
    destination ?? pino.destination({ dest: 1, sync: false }),
  );
}
