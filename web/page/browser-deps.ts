// The browser's own socket, fetch, timers and randomness, in the shape that client/ takes as parameters.
import type { After, Fetch } from "../client/ask-door.ts";
import type { OpenSocket } from "../client/connection.ts";

export const browserFetch: Fetch = (url, init) => fetch(url, init);

export const browserAfter: After = (delayMs, action) => {
  const timer = setTimeout(action, delayMs);
  return () => clearTimeout(timer);
};

export const openBrowserSocket: OpenSocket = (url, listener) => {
  const socket = new WebSocket(url);
  socket.onmessage = ({ data }) => {
    if (typeof data === "string") listener.received(data);
  };
  socket.onclose = ({ code, reason }) => listener.closed(code, reason);
  return socket;
};
