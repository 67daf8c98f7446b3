// An answer with its markdown shown. Tokens become elements one by one and everything else a text node, so no text can
// bring markup, a script or a request: markup is shown as it is written, images are links.
import type { MarkedToken, Token, Tokens } from "marked";
import type { ComponentChildren } from "preact";
import { useMemo, useRef } from "preact/hooks";
import { CodeBlock } from "./code-block.tsx";
import { type MarkdownBlocks, parseMarkdown } from "./markdown-blocks.ts";
import { PlainText } from "./plain-text.tsx";
import { safeAddress } from "./safe-address.ts";

type Props = {
  readonly text: string;
  /** More of it is coming. */
  readonly streaming: boolean;
};

/** Characters; what is longer is no prose, and is shown as it is written. */
const LONGEST_MARKDOWN = 100_000;

export function Markdown({ text, streaming }: Props) {
  const before = useRef<MarkdownBlocks | null>(null);
  const unreadable = useRef(false);
  const blocks = useMemo(() => {
    if (text.length > LONGEST_MARKDOWN || unreadable.current) return undefined;
    return parseMarkdown(text, streaming ? before.current : null);
  }, [text, streaming]);
  before.current = blocks ?? null;
  unreadable.current = blocks === undefined;
  if (blocks === undefined) return <PlainText text={text} />;
  return (
    <div class="text markdown" dir="auto">
      {blocks.tokens.map((token, index) => (
        <Block key={index} token={token} />
      ))}
    </div>
  );
}

function Block({ token }: { readonly token: Token }) {
  // The same element again makes Preact skip a block that has not changed, which is all but the last.
  return useMemo(() => <>{nodeOf(token as MarkedToken)}</>, [token]);
}

function nodesOf(tokens: readonly Token[] | undefined): ComponentChildren {
  return tokens?.map((token) => nodeOf(token as MarkedToken));
}

function nodeOf(token: MarkedToken): ComponentChildren {
  switch (token.type) {
    case "paragraph":
      return <p>{nodesOf(token.tokens)}</p>;
    case "heading":
      // One level for all: what a model writes must not skip levels of the page's own outline.
      return <h3 class={`heading-${token.depth}`}>{nodesOf(token.tokens)}</h3>;
    case "list":
      return <List list={token} />;
    case "blockquote":
      return <blockquote>{nodesOf(token.tokens)}</blockquote>;
    case "table":
      return <Table table={token} />;
    case "code":
      return <CodeBlock text={token.text} language={token.lang ?? ""} />;
    case "hr":
      return <hr />;
    case "strong":
      return <strong>{nodesOf(token.tokens)}</strong>;
    case "em":
      return <em>{nodesOf(token.tokens)}</em>;
    case "del":
      return <del>{nodesOf(token.tokens)}</del>;
    case "codespan":
      return <code>{token.text}</code>;
    case "br":
      return <br />;
    case "link":
      return <Link address={token.href}>{nodesOf(token.tokens)}</Link>;
    case "image":
      return <Link address={token.href}>{token.text === "" ? token.href : token.text}</Link>;
    case "checkbox":
      return token.checked ? "☑ " : "☐ ";
    case "escape":
      return token.text;
    case "text":
      return token.tokens === undefined ? token.text : nodesOf(token.tokens);
    case "space":
    case "def":
      return null;
    default:
      return token.raw;
  }
}

function Link({ address, children }: { readonly address: string; readonly children: ComponentChildren }) {
  const safe = safeAddress(address);
  if (safe === undefined) return <>{children}</>;
  return (
    <a href={safe} title={safe} target="_blank" rel="noopener noreferrer nofollow">
      <bdi>{children}</bdi>
    </a>
  );
}

function List({ list }: { readonly list: Tokens.List }) {
  const items = list.items.map((item, index) => (
    <li key={index} class={item.task ? "task" : undefined}>
      {nodesOf(item.tokens)}
    </li>
  ));
  if (!list.ordered) return <ul>{items}</ul>;
  return <ol start={typeof list.start === "number" ? list.start : 1}>{items}</ol>;
}

function Table({ table }: { readonly table: Tokens.Table }) {
  const alignOf = (index: number) => (table.align[index] === "right" ? "align-right" : undefined);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section class="wide" tabIndex={0} aria-label="Table">
      <table>
        <thead>
          <tr>
            {table.header.map((cell, index) => (
              <th key={index} scope="col" class={alignOf(index)}>
                {nodesOf(cell.tokens)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {table.rows.map((row, place) => (
            <tr key={place}>
              {row.map((cell, index) => (
                <td key={index} class={alignOf(index)}>
                  {nodesOf(cell.tokens)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
