// Whether a request is a WebSocket handshake (RFC 6455 §4.2.1). Pure.
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";

/** What is wrong with it. `ws` would refuse these too, but only after the admission was recorded. */
export function handshakeFault({ method, headers }: IncomingMessage): string | undefined {
  if (method !== "GET") return "method";
  if (headers.upgrade?.toLowerCase() !== "websocket") return "upgrade";
  if (headers["sec-websocket-version"] !== "13") return "version";
  if (!/^[+/0-9A-Za-z]{22}==$/.test(headers["sec-websocket-key"] ?? "")) return "key";
  if (hasBody(headers)) return "body";
  return undefined;
}

function hasBody(headers: IncomingHttpHeaders): boolean {
  return headers["transfer-encoding"] !== undefined || (headers["content-length"] ?? "0") !== "0";
}
