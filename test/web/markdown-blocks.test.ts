import fc from "fast-check";
import type { Token } from "marked";
import { describe, expect, it } from "vitest";
import { type MarkdownBlocks, parseMarkdown } from "../../web/chat/markdown-blocks.ts";

function parse(text: string, before: MarkdownBlocks | null = null): MarkdownBlocks {
  const blocks = parseMarkdown(text, before);
  if (blocks === undefined) throw new Error("not read");
  return blocks;
}

/** Blocks as they look, without the space between them. */
function blocksOf({ tokens }: MarkdownBlocks): unknown[] {
  return tokens
    .filter(({ type }) => type !== "space")
    .map((token) => ({ ...token, raw: token.raw.trimEnd() }));
}

const FRAGMENTS = [
  "# Heading\n",
  "Words of *one* paragraph",
  "\n",
  "\n\n",
  "- item\n",
  "- [ ] task\n",
  "1. first\n",
  "   - nested\n",
  "> quoted\n",
  "lazy line\n",
  "```js\n",
  "const a = 1;\n",
  "```\n",
  "| a | b |\n|---|--:|\n",
  "| 1 | 2 |\n",
  "===\n",
  "---\n",
  "    indented\n",
  "<div>\n",
  "</div>\n",
  "**bold _and",
  "_** `code` ~~gone~~\n",
  "[link](https://example.com)",
  " ",
  "\r\n",
];

describe("markdown that streams in", () => {
  it("is at every moment what it would be if it were read whole", () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...FRAGMENTS), { maxLength: 25 }),
        fc.integer({ min: 1, max: 9 }),
        (parts, step) => {
          const text = parts.join("");
          let streamed: MarkdownBlocks | null = null;
          for (let end = step; end < text.length + step; end += step) {
            streamed = parse(text.slice(0, end), streamed);
            expect(blocksOf(streamed)).toEqual(blocksOf(parse(text.slice(0, end))));
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  it("keeps the very blocks that are behind it", () => {
    const before = parse("# One\n\nTwo\n\nThree\n\nFo");
    const after = parse("# One\n\nTwo\n\nThree\n\nFour", before);
    const kept = after.tokens.filter((token) => before.tokens.includes(token));
    expect(kept.map(({ raw }) => raw.trim()).filter((raw) => raw !== "")).toEqual(["# One", "Two"]);
  });

  it("is read anew when it is another text", () => {
    expect(blocksOf(parse("Other", parse("# One\n\nTwo")))).toEqual(blocksOf(parse("Other")));
  });
});

describe("hostile markdown", () => {
  it("keeps inline marks of an endless paragraph as they are written", () => {
    const text = "*a**b".repeat(1_000);
    expect(parse(text).tokens.map((token) => (token as { tokens?: Token[] }).tokens)).toEqual([
      [{ type: "text", raw: text, text }],
    ]);
  });

  it("is not read when it is nested too deeply", () => {
    expect(parseMarkdown(">".repeat(50_000), null)).toBeUndefined();
  });

  it("is read to its last character, whatever it is", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 300 }), (text) => {
        const raw = parse(text)
          .tokens.map((token) => token.raw)
          .join("");
        expect(raw.trim()).toBe(text.replace(/\r\n?/g, "\n").trim());
      }),
    );
  });
});

describe("markdown that takes long to read", () => {
  it.each([
    ["a list item that goes on without a mark", `- a\n${"b\n".repeat(49_000)}`],
    ["a quoted one", `> - a\n${"b\n".repeat(49_000)}`],
    [
      "a table of few characters and millions of cells",
      `${"|a".repeat(300)}\n${"|-".repeat(300)}\n${"|\n".repeat(9_000)}`,
    ],
    [
      "many tables of many cells",
      `${"|a".repeat(90)}\n${"|-".repeat(90)}\n${"|\n".repeat(200)}\n`.repeat(100),
    ],
  ])("is not read: %s", (_what, text) => {
    expect(text.length).toBeLessThan(100_000);
    expect(parseMarkdown(text, null)).toBeUndefined();
  });

  it("is read when it is long, and ordinary", () => {
    const rows = "| a cell | of an ordinary | long table |\n".repeat(400);
    const text = `| a | b | c |\n|---|---|---|\n${rows}\n${"- an item of an ordinary list\n".repeat(600)}`;
    expect(
      parse(text)
        .tokens.filter(({ type }) => type !== "space")
        .map(({ type }) => type),
    ).toEqual(["table", "list"]);
  });
});
