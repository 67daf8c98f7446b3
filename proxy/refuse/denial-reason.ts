// The exact reason of a denial, for the audit line only: its code and every fact it carries.
import type { Denial } from "../../core/denial.ts";

/** Of a text that may be somebody else's: a provider's group has no end by itself, and a full audit log admits nobody. */
const MAX_CHARACTERS = 1_000;

/** `agent_not_allowed agent=coder grantedBy=engineering` */
export function denialReason(denial: Denial): string {
  const facts = Object.entries(denial).flatMap(([name, value]) =>
    name === "code" ? [] : [`${name}=${typeof value === "string" ? cut(value) : String(value)}`],
  );
  return [denial.code, ...facts].join(" ");
}

function cut(text: string): string {
  return text.length > MAX_CHARACTERS ? `${text.slice(0, MAX_CHARACTERS)}…` : text;
}
