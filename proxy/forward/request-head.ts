// The head of a request to a gateway, as it is written to the socket (RFC 9112 §3, §5).
import type { OutgoingHeaders } from "../assert/outgoing-headers.ts";

/**
 * @param target path and query, normalised
 * @throws {TypeError} a character in it that a head cannot hold: it was to be encoded long before (proxy/assert/header-text.ts)
 */
export function requestHead(method: string, target: string, headers: OutgoingHeaders): string {
  let head = `${method} ${target} HTTP/1.1\r\n`;
  let said = method + target;
  for (let index = 0; index < headers.length; index += 2) {
    const [name = "", value = ""] = [headers[index], headers[index + 1]];
    said += name + value;
    head += `${name}: ${value}\r\n`;
  }
  if (UNSAFE.test(said)) throw new TypeError("a header for a gateway holds what no header can");
  return `${head}\r\n`;
}

// The head is written as one byte a character, and of Ċ (U+010A) a line end would be left.
const UNSAFE = /[^\t\x20-\x7e\x80-\xff]/;
