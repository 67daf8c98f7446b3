// The lines of a head or of trailers, strictly (RFC 9110 §5, RFC 9112 §5): what two parsers could read in two ways is no
// field. For whatever reads one by itself, of clients and of gateways. Pure.

export const LINE_END = "\r\n";

// RFC 9110 §5.6.2. A line that goes on from the one before (obs-fold) begins with a space, and so has no name.
const NAME = /^[!#$%&'*+\-.^_`|~\dA-Za-z]+$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** What no line of a head may hold. Of Ċ (U+010A), written as one byte, a line end would be left. */
export const UNSAFE = /[^\t\x20-\x7e\x80-\xff]/;

/**
 * @param lines without their ends, untrusted
 * @param from the first of them that is a field
 * @returns names, in lower case, and values in turn, as they came; undefined when a line is none
 */
export function parseFields(lines: readonly string[], from: number): string[] | undefined {
  const fields: string[] = [];
  for (let index = from; index < lines.length; index += 1) {
    const line = lines[index] ?? "";
    const colon = line.indexOf(":");
    const name = line.slice(0, Math.max(0, colon)).toLowerCase();
    const value = line.slice(colon + 1);
    if (!NAME.test(name) || !VALUE.test(value)) return undefined;
    fields.push(name, withoutBlanks(value));
  }
  return fields;
}

// RFC 9110 §5.5: blanks around a value are spaces and tabs. JavaScript's own trimming takes the byte A0 for one too: it
// would read a length where others read none, and cut a character in half (`à` ends in it).
function withoutBlanks(value: string): string {
  let [from, to] = [0, value.length];
  while (from < to && isBlank(value.charCodeAt(from))) from += 1;
  while (to > from && isBlank(value.charCodeAt(to - 1))) to -= 1;
  return value.slice(from, to);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** Every value of one field. */
export function fieldValues(fields: readonly string[], name: string): string[] {
  const values: string[] = [];
  for (let index = 0; index < fields.length; index += 2)
    if (fields[index] === name) values.push(fields[index + 1] ?? "");
  return values;
}
