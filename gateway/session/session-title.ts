// What a session is called in lists: the name its owner gave it, made one line, or how its first question begins. Pure.
import type { ChatMessage } from "../../core/gateway-protocol.ts";

export const MAX_LABEL_LENGTH = 120;
const MAX_DERIVED_LENGTH = 80;
/** Of a long message, what may matter for its first line. */
const LOOKED_AT = 1_000;

/** The name as one line; null when nothing is left of it. */
export function labelFrom(text: string): string | null {
  const line = oneLine(text);
  return line === "" ? null : line;
}

export function titleFrom({ role, content }: ChatMessage): string | null {
  if (role !== "user") return null;
  const line = oneLine((content[0]?.text ?? "").slice(0, LOOKED_AT));
  const characters = [...line];
  if (characters.length <= MAX_DERIVED_LENGTH) return line === "" ? null : line;
  return `${characters.slice(0, MAX_DERIVED_LENGTH - 1).join("")}…`;
}

// Line breaks and control characters (Unicode category Cc) would tear a list apart.
function oneLine(text: string): string {
  return text.replace(/[\s\p{Cc}]+/gu, " ").trim();
}
