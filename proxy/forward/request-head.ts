// The head of a request to a gateway, as it is written to the socket (RFC 9112 §3, §5).
import { type HeaderList, linesOf } from "../assert/header-block.ts";
import type { OutgoingHeaders } from "../assert/outgoing-headers.ts";
import { UNSAFE } from "../field-lines.ts";

/**
 * @param target path and query, normalised
 * @param framing of the body, if there is one
 * @throws {TypeError} a character in it that a head cannot hold
 */
export function requestHead(
  method: string,
  target: string,
  { shared, own }: OutgoingHeaders,
  framing: HeaderList = [],
): string {
  const line = `${method} ${target} HTTP/1.1`;
  if (UNSAFE.test(line)) throw new TypeError("a request line for a gateway holds what none can");
  return `${line}\r\n${shared.lines}${linesOf(own)}${linesOf(framing)}\r\n`;
}
