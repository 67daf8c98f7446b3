// Text of a configuration file → plain values. JSON5 alone takes the last of two equal keys and any depth; here
// both are faults, and so is the key `__proto__`. No I/O.
import JSON5 from "json5";
import type { KeyPath } from "./key-path.ts";

export type TextFault = { readonly path: KeyPath; readonly found: string; readonly expected: string };

const MAX_DEPTH = 32;

export type ParsedText = {
  /** False when the values could not be told; then there are none. */
  readonly readable: boolean;
  readonly value?: unknown;
  readonly faults: readonly TextFault[];
};

export function parseJson5(text: string): ParsedText {
  let value: unknown;
  try {
    value = JSON5.parse(text);
  } catch (error) {
    return { readable: false, faults: [{ path: [], found: syntaxFault(error), expected: "JSON5" }] };
  }
  const { faults, tooDeep } = readStructure(text);
  return tooDeep ? { readable: false, faults } : { readable: true, value, faults };
}

function syntaxFault(error: unknown): string {
  if (!(error instanceof SyntaxError)) throw error;
  const { lineNumber, columnNumber } = error as SyntaxError & { lineNumber?: number; columnNumber?: number };
  const what = error.message.replace(/^JSON5: /, "").replace(/ at \d+:\d+$/, "");
  return `a syntax error in line ${lineNumber}, column ${columnNumber}: ${what}`;
}

// Comments, strings, punctuation and everything else. Only ever used on text that JSON5 has accepted.
const TOKEN =
  /\/\*[\s\S]*?\*\/|\/\/[^\n\r\u2028\u2029]*|"[^"\\]*(?:\\[\s\S][^"\\]*)*"|'[^'\\]*(?:\\[\s\S][^'\\]*)*'|[{}[\]:,]|[^\s{}[\]:,"'/]+/g;

type Container = { readonly keys: Set<string> | undefined; at: string | number };

function readStructure(text: string): { faults: TextFault[]; tooDeep: boolean } {
  const faults: TextFault[] = [];
  const open: Container[] = [];
  let previous = "";
  for (const [token] of text.matchAll(TOKEN)) {
    if (token.startsWith("//") || token.startsWith("/*")) continue;
    const container = open.at(-1);
    if (token === "{") open.push({ keys: new Set(), at: "" });
    else if (token === "[") open.push({ keys: undefined, at: 0 });
    else if (token === "}" || token === "]") open.pop();
    else if (token === "," && typeof container?.at === "number") container.at += 1;
    else if (token === ":" && container?.keys !== undefined) {
      const key = keyOf(previous);
      container.at = key;
      const path = open.map(({ at }) => at);
      if (key === "__proto__") faults.push({ path, found: "a reserved key", expected: "another name" });
      if (container.keys.has(key)) faults.push({ path, found: "the same key again", expected: "it once" });
      container.keys.add(key);
    }
    if (open.length > MAX_DEPTH) {
      const found = `more than ${MAX_DEPTH} levels of objects and lists`;
      return { faults: [...faults, { path: [], found, expected: "fewer" }], tooDeep: true };
    }
    previous = token;
  }
  return { faults, tooDeep: false };
}

/** A key as written: quoted, or an identifier, perhaps with `\u` escapes. */
function keyOf(token: string): string {
  if (/^["']/.test(token)) return JSON5.parse<string>(token);
  return token.includes("\\") ? (Object.keys(JSON5.parse(`{${token}:0}`))[0] ?? "") : token;
}
