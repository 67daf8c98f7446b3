// Peer: the least that a door in Node does for a WebSocket. Node's parser in front, a handshake of its own with the
// backend, then bytes: `onread` towards the backend, no checks, no counters, no back-pressure, no way to end it.
// Arguments: port, backend's port.
import { createServer } from "node:http";
import { createConnection, type Socket } from "node:net";

const [port, backendPort] = process.argv.slice(2).map(Number);

/** One for all: what is passed on is copied out of it. */
const buffer = Buffer.allocUnsafe(64 * 1024);

createServer()
  .on("upgrade", (request, client: Socket) => {
    let isJoined = false;
    const backend = createConnection({
      port: backendPort ?? 0,
      host: "127.0.0.1",
      noDelay: true,
      onread: {
        buffer,
        callback(length) {
          const bytes = Buffer.from(buffer.subarray(0, length));
          client.write(bytes);
          if (!isJoined) {
            // The backend is ours and answers in one piece.
            isJoined = true;
            client.on("data", (chunk) => backend.write(chunk));
          }
          return true;
        },
      },
    });
    const lines = [
      `GET ${request.url} HTTP/1.1`,
      `host: 127.0.0.1:${backendPort}`,
      "upgrade: websocket",
      "connection: Upgrade",
      "sec-websocket-version: 13",
      `sec-websocket-key: ${request.headers["sec-websocket-key"]}`,
    ];
    backend.write(`${lines.join("\r\n")}\r\n\r\n`);
    client.setNoDelay(true);
    // Node's HTTP server leaves its sockets half open.
    client.on("end", () => client.destroy());
    client.on("error", () => backend.destroy()).on("close", () => backend.destroy());
    backend.on("error", () => client.destroy()).on("close", () => client.destroy());
  })
  .listen({ port, host: "127.0.0.1" });
