// The exact reason of a denial, for the audit line only: its code and every fact it carries.
import type { Denial } from "../../core/denial.ts";

/** `agent_not_allowed agent=coder grantedBy=engineering` */
export function denialReason(denial: Denial): string {
  const facts = Object.entries(denial).flatMap(([name, value]) =>
    name === "code" ? [] : [`${name}=${String(value)}`],
  );
  return [denial.code, ...facts].join(" ");
}
