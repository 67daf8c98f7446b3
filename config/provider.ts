// One OpenID provider of front-door.json5: where it is, what its tokens must be like, and of whom its word counts.
import { z } from "zod";
import { emailDomain, issuerUrl, timeout } from "./field-values.ts";

export const providerSchema = z.strictObject({
  name: z.string().min(1).max(80).describe("What people call it, such as Okta. Shown on pages."),
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
  emailDomains: z
    .array(emailDomain)
    .optional()
    .describe(
      "Domains whose e-mails this provider may vouch for: any other e-mail counts as not verified. Required where there are several providers, each domain at one of them; an empty list is none. Left out: every domain.",
    ),
  groups: z
    .strictObject({
      claim: z.string().min(1).default("groups").describe("Claim that lists a person's groups."),
      whenMissing: z
        .enum(["refuse", "none"])
        .default("refuse")
        .describe("A login without the claim: refuse it, or take it as in no group."),
      prefix: z
        .string()
        .max(64)
        .default("")
        .describe(
          "Put in front of each group that this provider says, as the policy files name it. With several providers each has its own.",
        ),
    })
    .prefault({}),
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
});

export type ProviderConfig = z.output<typeof providerSchema>;
