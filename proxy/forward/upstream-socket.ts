// A connection to a gateway that is read into one buffer of the process (`onread` of node:net) instead of through a
// stream, which would make a buffer of 64 KiB for every read, and hold its own state for every connection.
import type { Socket } from "node:net";
import type { Endpoint } from "../../config/routes.ts";
import { connectEndpoint } from "../route/connect-endpoint.ts";

export type UpstreamSocket = {
  readonly socket: Socket;
  /**
   * Gets what the gateway sends, as bytes of its own. Whoever has the connection puts itself here; to hold the
   * gateway back it pauses the socket. TLS hands out what it has read all the same.
   */
  take(bytes: Buffer): void;
};

const READ_BUFFER = Buffer.allocUnsafeSlow(64 * 1024);

/** @param onReady called once, when the gateway has proved to be the one that is meant */
export function connectUpstream(endpoint: Endpoint, onReady: () => void): UpstreamSocket {
  const socket = connectEndpoint(endpoint, onReady, {
    buffer: READ_BUFFER,
    callback(count) {
      // The next read, of whichever connection, overwrites the buffer, and a write may still be under way then:
      // written on as it is, one person would get another's bytes (test/proxy/forward/shared-buffer.test.ts).
      const bytes = Buffer.allocUnsafe(count);
      READ_BUFFER.copy(bytes, 0, 0, count);
      upstream.take(bytes);
      return true;
    },
  });
  const upstream: UpstreamSocket = { socket, take() {} };
  return upstream;
}
