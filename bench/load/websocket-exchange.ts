// A WebSocket as load: one binary message of 128 bytes, the same back.
import { CLIENT_FRAME, SERVER_FRAME } from "../backend/answer.ts";
import type { Exchange } from "./exchange.ts";

export const webSocketExchange: Exchange = {
  requests: [CLIENT_FRAME],
  reader() {
    let unread: Buffer | undefined;
    return (chunk) => {
      const bytes = unread === undefined ? chunk : Buffer.concat([unread, chunk]);
      unread = bytes.length < SERVER_FRAME.length ? bytes : undefined;
      if (unread !== undefined) return false;
      if (!bytes.equals(SERVER_FRAME)) throw new Error("a message came back changed");
      return true;
    };
  },
};
