// routes.json5, ops's file: the gateways with their endpoints, and the ordered rules that pick one.
import { z } from "zod";
import type { AgentId, EndpointId, GatewayId } from "../core/ids.ts";
import { agentId, endpointId, fingerprint, gatewayId, origin, person } from "./field-values.ts";

const HEADER_NAME = "a header name of letters, digits and hyphens";
const CONDITION = "at least one, or no such key: a rule without it holds for all";

/** One gateway. */
export const gatewayEntry = z.strictObject({
  label: z
    .string()
    .min(1)
    .max(80)
    .optional()
    .describe("What people see, such as Cloud or Berlin office. Left out: the gateway's id."),
  endpoints: z
    .record(endpointId, origin)
    .refine((endpoints) => Object.keys(endpoints).length > 0, "at least one endpoint")
    .describe("Where its processes listen. Plain http only to loopback, unless allowPlain says otherwise."),
  allowPlain: z
    .boolean()
    .default(false)
    .describe("Allow http to a private address: only inside a VPN or tunnel that encrypts by itself."),
  tls: z
    .strictObject({
      fingerprint: fingerprint.describe(
        "SHA-256 of the certificate that the endpoints show: exactly this one is accepted, whoever issued it and whatever its names and dates.",
      ),
    })
    .optional()
    .describe(
      "Pins the certificate. Left out: it must be valid for the endpoint's name, from a CA that Node trusts.",
    ),
  userHeader: z
    .string(HEADER_NAME)
    .regex(/^[A-Za-z][A-Za-z0-9-]{0,63}$/, HEADER_NAME)
    .optional()
    .describe("One more header that carries the user id, such as X-Forwarded-User."),
  sendGroups: z.boolean().default(false).describe("Tell this gateway the person's groups."),
});

/** One rule. */
export const routeEntry = z.strictObject({
  users: z.array(person).min(1, CONDITION).optional().describe("User ids (u_…) or verified e-mails."),
  groups: z.array(z.string().min(1)).min(1, CONDITION).optional().describe("Any of these groups."),
  agents: z.array(agentId).min(1, CONDITION).optional().describe("Any of these agents."),
  to: gatewayId.describe("The gateway that serves it."),
});

export const routesSchema = z.strictObject({
  gateways: z
    .record(gatewayId, gatewayEntry)
    .describe("Pools of gateway processes that hold the same agents."),
  routes: z
    .array(routeEntry)
    .describe("The first rule whose every condition holds decides; a rule without conditions always holds."),
});

export type RoutesFile = z.output<typeof routesSchema>;

export type Endpoint = {
  readonly id: EndpointId;
  /** http(s) origin, so without a path and without a trailing slash. */
  readonly url: string;
  /** The one certificate that it may show: SHA-256 in lower-case hex. */
  readonly fingerprint?: string;
};

/** What tells two endpoints apart: the same name at another address, or with another certificate, is another place. */
export function addressOf({ url, fingerprint }: Pick<Endpoint, "url" | "fingerprint">): string {
  return fingerprint === undefined ? url : `${url} ${fingerprint}`;
}

export type Gateway = {
  readonly id: GatewayId;
  readonly label: string;
  readonly endpoints: readonly Endpoint[];
  /** Lower case. */
  readonly userHeader: string | undefined;
  readonly sendGroups: boolean;
};

export type RouteRule = {
  /** Position in the file, from 0: `routes[2]`. */
  readonly index: number;
  readonly users: readonly string[] | undefined;
  readonly groups: readonly string[] | undefined;
  readonly agents: readonly AgentId[] | undefined;
  readonly to: GatewayId;
};

/** Ops's file with every reference checked. E-mails in `users` are lower-cased. */
export type RoutingTable = {
  readonly gateways: ReadonlyMap<GatewayId, Gateway>;
  readonly rules: readonly RouteRule[];
};
