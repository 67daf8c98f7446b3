// access.json5, IT's file: the catalogue of agents, and which groups and people get which.
import { z } from "zod";
import type { AgentId } from "../core/ids.ts";
import { agentId, person } from "./field-values.ts";

export const ROLES = ["it", "ops"] as const;
export type Role = (typeof ROLES)[number];

const grant = {
  agents: z
    .array(z.union([z.literal("*"), agentId], 'an agent id, or "*"'))
    .prefault([])
    .describe('Agents of the catalogue; "*" is all of them.'),
  roles: z.array(z.enum(ROLES)).default([]).describe("Pages beside the agents: it, ops."),
};

/** One group's grant. */
export const groupEntry = z.strictObject(grant);

/** One person's grant or refusal. */
export const userEntry = z.strictObject({
  ...grant,
  deny: z.boolean().default(false).describe("Refuse this person, whatever their groups grant."),
});

export const accessSchema = z.strictObject({
  agents: z
    .record(
      agentId,
      z.strictObject({
        name: z.string().min(1).max(80).describe("What people see."),
        description: z.string().max(400).default("").describe("What it is good for."),
      }),
    )
    .describe("The catalogue, in the order that people see it."),
  groups: z
    .record(z.string().min(1).meta({ title: "group" }), groupEntry)
    .prefault({})
    .describe("Names exactly as the identity provider's claim has them."),
  users: z
    .record(person, userEntry)
    .prefault({})
    .describe("By user id (u_…) or by e-mail. An e-mail grants only if it is verified; it denies always."),
});

export type AccessFile = z.output<typeof accessSchema>;

/** IT's file with `*` resolved and every reference checked; order as in the file. */
export type AccessPolicy = {
  readonly agents: ReadonlyMap<AgentId, { readonly name: string; readonly description: string }>;
  readonly groups: ReadonlyMap<string, AccessGrant>;
  /** By user id. */
  readonly userIds: ReadonlyMap<string, UserAccess>;
  /** By e-mail, lower-cased. */
  readonly emails: ReadonlyMap<string, UserAccess>;
  /** Whether any of those denies. */
  readonly deniesByEmail: boolean;
};

export type AccessGrant = { readonly agents: readonly AgentId[]; readonly roles: readonly Role[] };
export type UserAccess = AccessGrant & { readonly deny: boolean };
