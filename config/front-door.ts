// front-door.json5: the front door's own settings. Nothing here decides who may use what (access.ts) or
// where it runs (routes.ts).
import { z } from "zod";
import { LOG_LEVELS } from "../core/log.ts";
import {
  cidr,
  duration,
  host,
  issuerUrl,
  key256,
  origin,
  path,
  pause,
  port,
  timeout,
} from "./field-values.ts";
import { limitsSchema } from "./limits.ts";
import { tlsSchema } from "./tls.ts";

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
  provider: z
    .strictObject({
      name: z.string().min(1).describe("What people call it, such as Okta. Shown on pages."),
      issuer: issuerUrl.describe(
        "Issuer identifier, byte for byte as the provider's discovery document says it. Plain http only on loopback.",
      ),
      clientId: z.string().min(1).describe("As the provider registered this front door."),
      clientSecret: z.string().min(8).describe("Goes with the client id."),
      scopes: z
        .array(z.string().min(1))
        .refine((scopes) => scopes.includes("openid"), 'a list with "openid" in it')
        .default(["openid", "profile", "email"])
        .describe("Asked for at login; openid is required."),
      idTokenSigningAlg: z
        .enum(["RS256", "PS256", "ES256"])
        .default("RS256")
        .describe("The one algorithm that ID tokens may be signed with."),
      emailTrusted: z
        .boolean()
        .default(false)
        .describe("Take every e-mail of this provider as verified. For a company's own directory only."),
      timeout: timeout.prefault("8s").describe("For each request to the provider."),
      bearer: z
        .strictObject({
          audience: z
            .string()
            .min(1)
            .describe("`aud` of the provider's access tokens meant for this front door."),
          types: z
            .array(z.enum(["at+jwt", "application/at+jwt", "jwt", "none"]))
            .min(1)
            .default(["at+jwt"])
            .describe("`typ` values the provider puts on them (RFC 9068 says at+jwt); none: it puts none."),
          algorithms: z
            .array(z.enum(["RS256", "PS256", "ES256"]))
            .min(1)
            .default(["RS256", "ES256"])
            .describe("Signature algorithms accepted on them."),
        })
        .optional()
        .describe("Accept the provider's access tokens at GET /api/token. Left out: that way in is closed."),
    })
    .describe("The OpenID provider."),
  groups: z
    .strictObject({
      claim: z.string().min(1).default("groups").describe("Claim that lists a person's groups."),
      whenMissing: z
        .enum(["refuse", "none"])
        .default("refuse")
        .describe("A login without the claim: refuse it, or take it as in no group."),
    })
    .prefault({}),
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
export const FRONT_DOOR_SECRETS = ["encryptionKey", "provider.clientSecret"] as const;
