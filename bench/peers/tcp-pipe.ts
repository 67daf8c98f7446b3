// Peer: bytes from one socket to another in bare Node, the limit of the language. Arguments: port, backend's port.
import { createConnection, createServer } from "node:net";

const [port, backendPort] = process.argv.slice(2).map(Number);

createServer({ noDelay: true }, (client) => {
  const backend = createConnection({ port: backendPort ?? 0, host: "127.0.0.1", noDelay: true });
  client.on("error", () => backend.destroy());
  backend.on("error", () => client.destroy());
  client.pipe(backend);
  backend.pipe(client);
}).listen({ port, host: "127.0.0.1" });
