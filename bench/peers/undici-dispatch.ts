// Peer: the least that a door in Node does for HTTP, Node's server and a pool of undici, no checks. Arguments: port,
// backend's port.
import { createServer } from "node:http";
import { Pool } from "undici";

const [port, backendPort] = process.argv.slice(2).map(Number);
const origin = `http://127.0.0.1:${backendPort}`;
const pool = new Pool(origin, { connections: 128, pipelining: 1 });

/** As long as the front door keeps a connection that says nothing. */
const KEEP_ALIVE_MS = 65_000;

createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
  pool.dispatch(
    { origin, path: request.url ?? "/", method: "GET", headers: request.rawHeaders },
    {
      onConnect() {},
      onHeaders(status, headers) {
        response.writeHead(status, headers?.map(String));
        return true;
      },
      onData: (chunk) => response.write(chunk),
      onComplete: () => response.end(),
      onError: () => response.destroy(),
    },
  );
}).listen({ port, host: "127.0.0.1" });
