// Markdown → tokens, block by block, so that of an answer that streams in only its end is read again with each word.
// The one file that uses marked, and only its lexer: it never makes markup. No DOM.
import { getDefaults, Lexer, type Token, Tokenizer } from "marked";

export type MarkdownBlocks = {
  readonly source: string;
  readonly tokens: readonly Token[];
  /** Of `tokens`, those that no further word can change, and how much of `source` they are. */
  readonly settled: { readonly count: number; readonly length: number };
};

/** Beyond it, inline marks of a block stay as they are written: some of marked's patterns take time by the square. */
const LONGEST_INLINE = 4_000;
/** Characters of an underlined heading: marked looks for its line anew from every line of a list item. */
const LONGEST_HEADING = 500;
/** Characters without an empty line: lists, too, are read in time by the square. */
const LONGEST_RUN = 20_000;
/** Of all tables: a row of one character is filled up to as many cells as the head has. */
const MOST_CELLS = 20_000;
const NOTHING: MarkdownBlocks = { source: "", tokens: [], settled: { count: 0, length: 0 } };

/**
 * @param text untrusted
 * @param before what an earlier part of the same text gave; null reads all of it anew, which alone finds links whose
 *   address follows in a later block
 * @returns undefined when it is nested too deeply, or too dense, to be read in a moment
 */
export function parseMarkdown(text: string, before: MarkdownBlocks | null): MarkdownBlocks | undefined {
  const source = text.replace(/\r\n?/g, "\n");
  if (isTooDense(source)) return undefined;
  const known = before !== null && source.startsWith(before.source) ? before : NOTHING;
  const tokens = lex(source.slice(known.settled.length));
  if (tokens === undefined) return undefined;
  const fresh = settledOf(tokens);
  return {
    source,
    tokens: [...known.tokens.slice(0, known.settled.count), ...tokens],
    settled: {
      count: known.settled.count + fresh.count,
      length: known.settled.length + fresh.length,
    },
  };
}

function isTooDense(source: string): boolean {
  let cells = 0;
  for (const run of source.split(/\n[ \t]*\n/)) {
    if (run.length > LONGEST_RUN) return true;
    const lines = run.split("\n");
    cells += lines.length * (Math.max(...lines.map((line) => line.split("|").length)) - 1);
  }
  return cells > MOST_CELLS;
}

class BoundedTokenizer extends Tokenizer {
  override lheading(source: string) {
    return super.lheading(source.slice(0, LONGEST_HEADING));
  }
}

function lex(source: string): Token[] | undefined {
  const lexer = new Lexer({ ...getDefaults(), tokenizer: new BoundedTokenizer() });
  try {
    lexer.blockTokens(source, lexer.tokens);
    for (const { src, tokens } of lexer.inlineQueue) {
      if (src.length <= LONGEST_INLINE) lexer.inlineTokens(src, tokens);
      else tokens.push({ type: "text", raw: src, text: src });
    }
  } catch {
    // It calls itself for each level: thousands of ">" are too many.
    return undefined;
  }
  return [...lexer.tokens];
}

// A block goes on until another one has begun behind it, and one that has just begun may turn out to be a part of the
// one before: the last two are open.
function settledOf(tokens: readonly Token[]): MarkdownBlocks["settled"] {
  const blocks = [...tokens.keys()].filter((index) => tokens[index]?.type !== "space");
  const count = blocks.at(-2) ?? 0;
  return { count, length: tokens.slice(0, count).reduce((sum, { raw }) => sum + raw.length, 0) };
}
