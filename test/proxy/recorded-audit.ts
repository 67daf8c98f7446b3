// An audit log that keeps what it is told.
import type { Audit, AuditEvent } from "../../core/audit.ts";

export type RecordedAudit = Audit & { readonly events: AuditEvent[] };

export function recordedAudit(accepting = true): RecordedAudit {
  const events: AuditEvent[] = [];
  return { events, accepting, record: (event) => void events.push(event), close: async () => {} };
}
