// Ends a connection to a gateway at once, whatever is still on its way.
import type { Socket } from "node:net";

/** Over plain TCP the other end reads a reset. */
export function resetSocket(socket: Socket): void {
  // Node resets plain TCP only, and throws for TLS: that would leave open whatever was to be closed after it. And it
  // makes an error, with its stack, of a socket that is closed already.
  if (socket.destroyed || "encrypted" in socket) socket.destroy();
  else socket.resetAndDestroy();
}
