// Headers for a gateway that several requests may share: measured and written out once, when it is first asked for.
import { UNSAFE } from "../field-lines.ts";

/** Names, in lower case, and values in turn, in the order sent. */
export type HeaderList = readonly string[];

export class HeaderBlock {
  readonly list: HeaderList;
  readonly bytes: number;
  #lines: string | undefined;

  constructor(list: HeaderList) {
    this.list = list;
    this.bytes = sizeOf(list);
  }

  /** @throws {TypeError} as {@link linesOf} */
  get lines(): string {
    this.#lines ??= linesOf(this.list);
    return this.#lines;
  }
}

/**
 * As they are written to a socket (RFC 9112 §5), one byte a character.
 * @throws {TypeError} one holds what no header can: it was to be encoded long before (header-text.ts)
 */
export function linesOf(headers: HeaderList): string {
  let lines = "";
  let said = "";
  for (let index = 0; index < headers.length; index += 2) {
    const [name = "", value = ""] = [headers[index], headers[index + 1]];
    said += name + value;
    lines += `${name}: ${value}\r\n`;
  }
  if (UNSAFE.test(said)) throw new TypeError("a header for a gateway holds what no header can");
  return lines;
}

/** @param sent with it, only what the client sent under the same name counts */
export function sizeOf(headers: HeaderList, sent?: ReadonlyMap<string, string>): number {
  let sum = 0;
  for (let index = 0; index < headers.length; index += 2) {
    const [name = "", value = ""] = [headers[index], headers[index + 1]];
    if (sent === undefined || sent.get(name) === value) sum += name.length + value.length + 4;
  }
  return sum;
}
