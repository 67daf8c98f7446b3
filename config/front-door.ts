// front-door.json5: the front door's own settings. Nothing here decides who may use what (access.ts) or
// where it runs (routes.ts).
import { z } from "zod";
import { LOG_LEVELS } from "../core/log.ts";
import {
  cidr,
  duration,
  host,
  key256,
  origin,
  path,
  pause,
  port,
  providerId,
  timeout,
} from "./field-values.ts";
import { limitsSchema } from "./limits.ts";
import { providerSchema } from "./provider.ts";
import { tlsSchema } from "./tls.ts";

const PROVIDERS = "at least one provider: { <id>: { name, issuer, clientId, clientSecret } }";

export const frontDoorSchema = z.strictObject({
  publicUrl: origin.describe(
    "The origin that people and clients use. Loopback may be http, anything else is https.",
  ),
  listen: z
    .strictObject({
      host: host.default("127.0.0.1").describe("Address or name to listen on."),
      port: port.default(8080).describe("Port to listen on."),
    })
    .prefault({})
    .describe("The public listener."),
  tls: tlsSchema
    .optional()
    .describe("TLS on the public listener; the files are read again when they change. Left out: plain http."),
  privateListen: z
    .strictObject({
      host: host.default("127.0.0.1").describe("Address or name to listen on."),
      port: port.default(9464).describe("Port to listen on."),
    })
    .prefault({})
    .describe(
      "The private listener: liveness, readiness, metrics, and the questions of a proxy that forwards by itself, which is believed about whose request it asks. Keep it off public networks.",
    ),
  trustedProxies: z
    .array(cidr)
    .default([])
    .describe("Addresses whose X-Forwarded-For is believed, such as nginx on this host. Empty: nobody's."),
  data: path.default("./.gatehouse/front-door").describe("Folder for sessions, keys and the audit log."),
  encryptionKey: key256.describe("Encrypts what is stored. Keep it outside the data folder."),
  policy: z
    .strictObject({
      access: path.describe("Path of access.json5."),
      routes: path.describe("Path of routes.json5."),
    })
    .describe("IT's and ops's files."),
  providers: z
    .record(providerId, providerSchema, PROVIDERS)
    .refine((providers) => Object.keys(providers).length > 0, PROVIDERS)
    .describe("The OpenID providers that people sign in with, in the order that the choice of them lists."),
  session: z
    .strictObject({
      absolute: duration.prefault("12h").describe("A session ends this long after its login."),
      idle: duration
        .prefault("8h")
        .describe("A session unused for this long ends; at most session.absolute. An open chat is use."),
      providerGrace: duration
        .prefault("10m")
        .describe(
          "While the provider cannot be asked, a session goes on for this long past its tokens' expiry; then it waits.",
        ),
    })
    .prefault({}),
  assertion: z
    .strictObject({
      issuer: z
        .string()
        .min(1)
        .default("gatehouse")
        .describe("`iss` of what gateways are told. A name, never fetched."),
      rotateEvery: duration
        .prefault("30d")
        .describe("A new signing key is made this often, without anybody noticing."),
      overlap: timeout
        .prefault("10m")
        .describe("A new signing key is published this long before it signs, so that every gateway has it."),
    })
    .prefault({}),
  control: z
    .strictObject({
      lease: timeout
        .refine((ms) => ms >= 100 && ms <= 600_000, 'a duration from "100ms" to "10m"')
        .prefault("60s")
        .describe("A gateway ends a connection that no front door has confirmed for this long."),
    })
    .prefault({})
    .describe("The channel to each gateway endpoint."),
  audit: z
    .strictObject({
      onFailure: z
        .enum(["refuse", "continue"])
        .default("refuse")
        .describe("When the audit log cannot be written: admit nobody, or go on."),
    })
    .prefault({}),
  contact: z.string().min(1).default("your IT department").describe("Whom pages tell people to ask."),
  limits: limitsSchema.prefault({}),
  drain: pause
    .prefault("20s")
    .describe(
      "At SIGTERM open WebSockets are closed over this long, and requests under way may finish. 0s: at once.",
    ),
  log: z
    .strictObject({ level: z.enum(LOG_LEVELS).default("info").describe("What is logged from here upwards.") })
    .prefault({}),
});

/** Durations in milliseconds, keys as bytes, origins serialised, the issuer as it was written. */
export type FrontDoorConfig = z.output<typeof frontDoorSchema>;

/** Paths whose values are secrets: `<NAME>_FILE` is accepted for them, and no message shows them. */
export const FRONT_DOOR_SECRETS = ["encryptionKey", "providers.*.clientSecret"] as const;

/** Tables whose keys have environment variables all the same: their names fit into one. */
export const FRONT_DOOR_TABLES = ["providers"] as const;

/** Keys that once stood at the top, and where what they said belongs now. */
export const FRONT_DOOR_MOVED: ReadonlyMap<string, string> = new Map([
  ["provider", "providers: { <id>: { … } }, with the same keys under a short name of your own"],
  ["groups", "providers.<id>.groups, because each provider has its own claim"],
]);
