// Opens connections to a peer, plain or TLS, and raw WebSockets over them. Nothing here parses more than it must: the
// load shares its core with the backend.
import { randomBytes } from "node:crypto";
import { createConnection, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Address } from "../peers/peer.ts";

/** How many are on their way at a time, so that no queue of half-open connections overflows. */
const AT_ONCE = 64;

export function openConnections(address: Address, count: number): Promise<readonly Socket[]> {
  return inTurn(new Array<Address>(count).fill(address), openConnection);
}

export function openWebSockets(address: Address, count: number): Promise<readonly Socket[]> {
  return inTurn(new Array<Address>(count).fill(address), openWebSocket);
}

export function closeAll(sockets: readonly Socket[]): Promise<unknown> {
  return Promise.all(
    sockets.map((socket) => new Promise((resolve) => socket.once("close", resolve).destroy())),
  );
}

/** Calls `open` for each of them, at most {@link AT_ONCE} at a time; results in the order of the items. */
export async function inTurn<In, Out>(
  items: readonly In[],
  open: (item: In) => Promise<Out>,
): Promise<readonly Out[]> {
  const opened: Out[] = [];
  const left = items.entries();
  async function worker() {
    for (const [index, item] of left) opened[index] = await open(item);
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return opened;
}

export function openConnection({ port, certificate }: Address): Promise<Socket> {
  const socket =
    certificate === undefined
      ? createConnection({ port, host: "127.0.0.1", noDelay: true })
      : connectTls({ port, host: "127.0.0.1", ca: certificate });
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.once(certificate === undefined ? "connect" : "secureConnect", () => {
      socket.off("error", reject);
      // Whoever waits for this connection hears of its end by `close`.
      socket.on("error", () => {});
      resolve(socket);
    });
  });
}

/** @throws on any answer but 101 */
export async function openWebSocket(address: Address): Promise<Socket> {
  const socket = await openConnection(address);
  socket.write(handshake(address));
  return new Promise((resolve, reject) => {
    let head = "";
    const onData = (chunk: Buffer) => {
      head += chunk.toString("latin1");
      if (!head.includes("\r\n\r\n")) return;
      stop();
      if (head.startsWith("HTTP/1.1 101 ")) return resolve(socket);
      socket.destroy();
      reject(new Error(`an upgrade was answered ${head.split("\r\n", 1)[0]}`));
    };
    const onClose = () => {
      stop();
      reject(new Error("a connection ended without an answer to its upgrade"));
    };
    const stop = () => socket.off("data", onData).off("close", onClose);
    socket.on("data", onData).on("close", onClose);
  });
}

function handshake({ authority, paths, headers }: Address): string {
  const lines = [
    `GET ${paths.webSocket} HTTP/1.1`,
    `host: ${authority}`,
    "upgrade: websocket",
    "connection: Upgrade",
    "sec-websocket-version: 13",
    `sec-websocket-key: ${randomBytes(16).toString("base64")}`,
    ...headers,
  ];
  return `${lines.join("\r\n")}\r\n\r\n`;
}
