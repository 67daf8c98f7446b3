// Tells a gateway's file from a front door's, so that who takes one for the other reads that, and not what each of its
// keys would be in the other. No I/O.
import type { ConfigIssue } from "../core/config-error.ts";
import type { Document } from "./document.ts";
import { keysAt } from "./key-path.ts";

export type FileKind = "front-door" | "gateway";

/** Required at the top of one kind, unknown in the other. */
const MARKS: Readonly<Record<FileKind, readonly string[]>> = {
  "front-door": ["publicUrl", "policy", "providers"],
  gateway: ["gateway"],
};
const NAMES: Readonly<Record<FileKind, string>> = { "front-door": "a front door's", gateway: "a gateway's" };

/** @param kind what the file was given as; undefined when it is not plainly of the other */
export function otherKindIssue({ source, value, setBy }: Document, kind: FileKind): ConfigIssue | undefined {
  const other = kind === "gateway" ? "front-door" : "gateway";
  // The environment may be set for both.
  const written = keysAt(value, []).filter((key) => !setBy.has(key));
  const hasMarkOf = (marked: FileKind) => written.some((key) => MARKS[marked].includes(key));
  if (hasMarkOf(kind) || !hasMarkOf(other)) return undefined;
  return {
    source,
    path: "",
    found: `${NAMES[other]} configuration`,
    expected: `${NAMES[kind]}; this one is for \`gatehouse ${other}\`, or \`gatehouse config check --kind ${other}\``,
  };
}
