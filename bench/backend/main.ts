// The backend of every peer, by hand on `node:net`, so that it costs as little as can be: a small JSON to each request,
// each WebSocket message back. It verifies nothing. What the front door asks of a gateway beside users' traffic
// (`/control`) is passed to a real one. Arguments: port, port of that gateway.
import { createHash } from "node:crypto";
import { createConnection, createServer, type Socket } from "node:net";
import { CONTROL_PATH } from "../../core/control-channel.ts";
import { CLIENT_FRAME, JSON_ANSWER, SERVER_FRAME } from "./answer.ts";

const [port, gatewayPort] = process.argv.slice(2).map(Number);

const END_OF_HEAD = Buffer.from("\r\n\r\n");
/** With the headers that a server of Node gives by itself. */
const ANSWER = Buffer.from(
  [
    "HTTP/1.1 200 OK",
    "Content-Type: application/json; charset=utf-8",
    `Content-Length: ${JSON_ANSWER.length}`,
    "Cache-Control: no-cache",
    "Date: Thu, 01 Jan 2026 00:00:00 GMT",
    "Connection: keep-alive",
    "Keep-Alive: timeout=65",
    "",
    JSON_ANSWER,
  ].join("\r\n"),
);
/** RFC 6455 §1.3. */
const ACCEPT_SALT = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

createServer({ noDelay: true }, (socket) => {
  socket.on("error", () => socket.destroy());
  socket.on("data", readHeads(socket));
}).listen({ port, host: "127.0.0.1", backlog: 4_096 });

function readHeads(socket: Socket) {
  let unread: Buffer = Buffer.alloc(0);
  return function onData(chunk: Buffer) {
    unread = unread.length === 0 ? chunk : Buffer.concat([unread, chunk]);
    for (let end = unread.indexOf(END_OF_HEAD); end !== -1; end = unread.indexOf(END_OF_HEAD)) {
      const head = unread.toString("latin1", 0, end);
      if (head.startsWith(`GET ${CONTROL_PATH} `)) {
        socket.off("data", onData);
        return passToGateway(socket, unread);
      }
      unread = unread.subarray(end + END_OF_HEAD.length);
      const key = /\r\nsec-websocket-key: *(\S+)/i.exec(head)?.[1];
      if (key === undefined) socket.write(ANSWER);
      else {
        socket.off("data", onData);
        const accept = createHash("sha1").update(`${key}${ACCEPT_SALT}`).digest("base64");
        socket.write(
          `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: ${accept}\r\n\r\n`,
        );
        return echo(socket, unread);
      }
    }
  };
}

/** Messages here have one size, so that counting bytes finds their ends. Their mask is not looked at. */
function echo(socket: Socket, first: Buffer): void {
  let bytes = 0;
  const onData = (chunk: Buffer) => {
    bytes += chunk.length;
    for (; bytes >= CLIENT_FRAME.length; bytes -= CLIENT_FRAME.length) socket.write(SERVER_FRAME);
  };
  if (first.length > 0) onData(first);
  socket.on("data", onData);
}

function passToGateway(socket: Socket, first: Buffer): void {
  const gateway = createConnection({ port: gatewayPort ?? 0, host: "127.0.0.1" });
  gateway.on("error", () => socket.destroy());
  socket.on("error", () => gateway.destroy());
  gateway.write(first);
  gateway.pipe(socket);
  socket.pipe(gateway);
}
