// Ends a connection to a gateway at once, whatever is still on its way.
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";

/** Over plain TCP the other end reads a reset. */
export function resetSocket(socket: Socket): void {
  // Node resets plain TCP only, and throws for TLS: that would leave open whatever was to be closed after it.
  if (socket instanceof TLSSocket) socket.destroy();
  else socket.resetAndDestroy();
}
