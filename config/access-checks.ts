// Rules between the keys of access.json5: every agent named is in the catalogue, nobody is named twice. Pure.
import type { ConfigIssue } from "../core/config-error.ts";
import { type Document, issueAt } from "./document.ts";
import { agentId, person } from "./field-values.ts";
import { isObject, type KeyPath, keysAt, valueAt } from "./key-path.ts";
import { knownNames } from "./nearest-name.ts";
import { soundEntries } from "./schema-issues.ts";

export function accessIssues(document: Document): readonly ConfigIssue[] {
  const catalogue = catalogueOf(document);
  const grants = ["groups", "users"].flatMap((table) =>
    keysAt(document.value, [table]).map((name) => [table, name, "agents"]),
  );
  return [...grants.flatMap((path) => unknownAgents(document, catalogue, path)), ...samePeople(document)];
}

/** Ids of the catalogue, those of faulty entries too; undefined when the file does not tell. */
export function catalogueOf(document: Document): readonly string[] | undefined {
  const agents = valueAt(document.value, ["agents"]);
  return document.readable && isObject(agents) ? Object.keys(agents) : undefined;
}

/** @param path of a list of agents; what is no agent id in it (such as `*`) is not looked at */
export function unknownAgents(
  document: Document,
  catalogue: readonly string[] | undefined,
  path: KeyPath,
): ConfigIssue[] {
  if (catalogue === undefined) return [];
  return soundEntries(agentId, valueAt(document.value, path)).flatMap(([index, agent]) => {
    if (catalogue.includes(agent)) return [];
    const expected = `an agent of the catalogue${knownNames(agent, catalogue)}`;
    return [issueAt(document, [...path, Number(index)], expected)];
  });
}

/** Two keys for one person would leave it to chance whether a refusal holds. */
function samePeople(document: Document): ConfigIssue[] {
  const seen = new Map<string, string>();
  return keysAt(document.value, ["users"]).flatMap((key) => {
    const folded = person.safeParse(key);
    if (!folded.success) return [];
    const first = seen.get(folded.data);
    if (first === undefined) {
      seen.set(folded.data, key);
      return [];
    }
    const expected = `one entry for ${folded.data}: upper and lower case are the same person`;
    return [issueAt(document, ["users", key], expected, `the person of ${first} again`)];
  });
}
