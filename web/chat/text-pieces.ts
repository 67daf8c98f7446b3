// A very long text in pieces of which each is quick to lay out. Pure.

/** Characters of a piece. */
const PIECE = 4_000;

/** All of the text: cut behind the last line break that fits, else between two characters. */
export function piecesOf(text: string): readonly string[] {
  if (text.length <= 2 * PIECE) return [text];
  const pieces: string[] = [];
  let start = 0;
  while (text.length - start > PIECE) {
    const lineEnd = text.lastIndexOf("\n", start + PIECE - 1) + 1;
    const end = lineEnd > start ? lineEnd : characterBefore(text, start + PIECE);
    pieces.push(text.slice(start, end));
    start = end;
  }
  return start < text.length ? [...pieces, text.slice(start)] : pieces;
}

// A pair of surrogates is one character.
function characterBefore(text: string, index: number): number {
  const code = text.charCodeAt(index);
  return code >= 0xdc00 && code <= 0xdfff ? index - 1 : index;
}
