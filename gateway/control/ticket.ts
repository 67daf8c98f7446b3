// Untrusted text of the upgrade request → the front door's word that it wants to open a control channel, or why not.
// No I/O, no clock, no memory: whether a ticket was used before is replay-memory.ts's question.
import type { IncomingMessage } from "node:http";
import {
  CONTROL_HEADER,
  CONTROL_TICKET_LIFETIME_SECONDS,
  CONTROL_TICKET_TYPE,
  CONTROL_VERSION,
  controlTicketSchema,
} from "../../core/control-channel.ts";
import { verifyEmbeddedKeyJwt } from "../../core/control-proof.ts";
import type { ControlTicketFault } from "../../core/denial.ts";
import { err, ok, type Result } from "../../core/result.ts";

export type Ticket = {
  readonly doorNonce: string;
  readonly jti: string;
  /** Seconds since 1970. */
  readonly exp: number;
};

export type TicketRules = {
  /** The pin from the configuration. */
  readonly trustThumbprint: string;
  readonly issuer: string;
  /** This process and no other: `audienceOf(gateway, endpoint)`. */
  readonly audience: string;
  /** Wall clock, milliseconds since 1970. */
  readonly now: number;
};

/** Reads and verifies the ticket of an untrusted request: exactly one header, signed by the pinned trust key. */
export function readTicket(request: IncomingMessage, rules: TicketRules): Result<Ticket, ControlTicketFault> {
  const values = request.headersDistinct[CONTROL_HEADER] ?? [];
  const [value] = values;
  if (value === undefined) return err("missing");
  // RFC 9110 §5.3 lets a hop join two lines by a comma: that is still two.
  if (values.length > 1 || value.includes(",")) return err("duplicate");
  return verifyTicket(value, rules);
}

function verifyTicket(token: string, rules: TicketRules): Result<Ticket, ControlTicketFault> {
  const { issuer, audience, now } = rules;
  const verified = verifyEmbeddedKeyJwt(token, { types: [CONTROL_TICKET_TYPE], issuer, audience, now });
  if (!verified.ok) return verified;
  const { claims, thumbprint } = verified.value;
  if (thumbprint !== rules.trustThumbprint) return err("untrusted_key");
  if (claims["v"] !== CONTROL_VERSION) return err("wrong_version");
  const ticket = controlTicketSchema.safeParse(claims);
  if (!ticket.success) return err("bad_claims");
  const lifetime = claims.exp - claims.iat;
  if (lifetime <= 0 || lifetime > CONTROL_TICKET_LIFETIME_SECONDS) return err("bad_claims");
  return ok({ doorNonce: ticket.data.nonce, jti: ticket.data.jti, exp: claims.exp });
}
