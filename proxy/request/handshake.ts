// What an upgrade must look like before anything else is asked about it (RFC 6455 §4.2.1).
// Pinned by test/attack/handshake.test.ts (rows S105 to S110, S114, S115).
import type { Denial } from "../../core/denial.ts";

const KEY = /^[A-Za-z0-9+/]{22}==$/;

/**
 * @param bytesBehind length of what the client sent behind the head: it must wait for `101` (RFC 9931)
 * @returns what is wrong, or undefined
 */
export function handshakeFault(
  method: string,
  headers: ReadonlyMap<string, string>,
  bytesBehind: number,
): Denial | undefined {
  if (method !== "GET") return { code: "method_not_allowed", method, allow: ["GET"] };
  const fault = (what: string): Denial => ({ code: "upgrade_invalid", what });
  if (headers.get("upgrade")?.toLowerCase() !== "websocket") return fault("upgrade is not websocket");
  if (!listOf(headers.get("connection")).includes("upgrade"))
    return fault("connection does not name upgrade");
  if (headers.get("sec-websocket-version") !== "13") return fault("sec-websocket-version is not 13");
  if (!KEY.test(headers.get("sec-websocket-key") ?? ""))
    return fault("sec-websocket-key is not 16 bytes in base64");
  if (headers.has("content-length") || headers.has("transfer-encoding"))
    return fault("an upgrade has no body");
  if (headers.has("http2-settings")) return fault("http2-settings on a websocket upgrade");
  if (bytesBehind > 0) return fault("bytes before 101");
  return undefined;
}

function listOf(value: string | undefined): string[] {
  return (value ?? "").split(",").map((item) => item.trim().toLowerCase());
}
