// Reads the product's source as text, as far as test/architecture.test.ts asks about it: which files there are,
// what they import, and what they say outside their comments.
import { readdirSync, readFileSync } from "node:fs";
import { posix } from "node:path";

export type SourceFile = {
  /** From the project's folder, with `/`. */
  readonly path: string;
  readonly text: string;
};

export type Import = {
  /** As written. */
  readonly from: string;
  /** A path from the project's folder; undefined for a package or a module of Node's. */
  readonly file: string | undefined;
  readonly typeOnly: boolean;
  /** What stands between `import` and `from`. */
  readonly names: string;
};

export function sourceFiles(rooms: readonly string[]): SourceFile[] {
  return rooms.flatMap((room) =>
    readdirSync(room, { recursive: true, encoding: "utf8" })
      .map((name) => `${room}/${name.replaceAll("\\", "/")}`)
      .filter((path) => /\.tsx?$/.test(path))
      .sort()
      .map((path) => ({ path, text: readFileSync(path, "utf8") })),
  );
}

export function importsOf({ path, text }: SourceFile): Import[] {
  const code = codeOf(text);
  const statements = code.matchAll(
    /^(?:import|export)\b(?:(?<names>[\w$\s{},*]*?)\bfrom)?\s*"(?<from>[^"]+)"/gm,
  );
  const calls = code.matchAll(/(?<![\w$.])import\s*\(\s*"(?<from>[^"]+)"/g);
  return [...statements, ...calls].map(({ groups = {} }) => {
    const { from = "", names = "" } = groups;
    const file = from.startsWith(".") ? posix.join(posix.dirname(path), from) : undefined;
    return { from, file, typeOnly: /^\s+type\b/.test(names), names: names.trim() };
  });
}

// A string, a template, a regular expression or a comment, whichever begins first; only comments are taken out.
// A `/` begins a regular expression where a value may begin.
const TOKEN =
  /(?<comment>\/\/[^\n]*|\/\*[\s\S]*?\*\/)|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`|(?<=(?:[(,=:[!&|?{};]|return|=>)\s*)\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\//g;

/** The text without its comments; line ends stay. */
export function codeOf(text: string): string {
  return text.replace(TOKEN, (token, comment: string | undefined) =>
    comment === undefined ? token : token.replace(/[^\n]/g, ""),
  );
}
