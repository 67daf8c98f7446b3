// Answers an upgrade in HTTP, before 101, on the bare socket. The connection always ends: bytes behind a
// refused upgrade are neither requests nor frames (RFC 9931, S107, S109).
import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import type { Refusal } from "./refusal.ts";

/** How long a client may take to read the refusal before its socket is cut. */
const LINGER_MS = 2_000;

export function refuseUpgrade(socket: Duplex, refusal: Refusal): void {
  socket.on("error", () => socket.destroy());
  const headers = Object.entries({
    ...refusal.headers,
    "content-length": String(Buffer.byteLength(refusal.body)),
    connection: "close",
  });
  const head = headers.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  socket.end(
    `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status] ?? "Refused"}\r\n${head}\r\n${refusal.body}`,
  );
  const cut = setTimeout(() => socket.destroy(), LINGER_MS);
  cut.unref();
  socket.once("close", () => clearTimeout(cut));
}
