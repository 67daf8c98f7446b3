// Peer: `ws` towards client and backend: every frame parsed and built again, nothing checked. Arguments: port,
// backend's port.
import { WebSocket, WebSocketServer } from "ws";

const [port, backendPort] = process.argv.slice(2).map(Number);

new WebSocketServer({ port: port ?? 0, host: "127.0.0.1", perMessageDeflate: false }).on(
  "connection",
  (client, request) => {
    const backend = new WebSocket(`ws://127.0.0.1:${backendPort}${request.url}`, {
      perMessageDeflate: false,
    });
    const early: [Buffer, boolean][] = [];
    client.on("message", (data: Buffer, binary) => {
      if (backend.readyState === WebSocket.OPEN) backend.send(data, { binary });
      else early.push([data, binary]);
    });
    backend.on("open", () => {
      for (const [data, binary] of early) backend.send(data, { binary });
    });
    backend.on("message", (data, binary) => client.send(data, { binary }));
    client.on("close", () => backend.terminate()).on("error", () => backend.terminate());
    backend.on("close", () => client.terminate()).on("error", () => client.terminate());
  },
);
