// Puts the door's own reader of simple requests in front of one of Node's HTTP servers. Most of what is forwarded is
// simple, and Node's server costs more than any stage of the door; whatever is not simple, or not taken,
// reaches that server as if nobody had looked (docs/decisions/0017-simple-requests.md).
import type { Server } from "node:http";
import type { Socket } from "node:net";
import type { Clock } from "../../core/clock.ts";
import { createSilenceWatch } from "../silence-watch.ts";
import { SimpleConnection, type SimpleConnectionDeps, type TakesSimple } from "./simple-connection.ts";

type ReaderParts = Pick<SimpleConnectionDeps<unknown>, "limits" | "onFault"> & { readonly clock: Clock };

/**
 * To be called while Node's own listener is the first one for the server's connections.
 * @param event with which the server hands out what HTTP is spoken on
 */
export function readSimpleRequests<Taken>(
  server: Server,
  event: "connection" | "secureConnection",
  takes: TakesSimple<Taken>,
  { limits, clock, onFault }: ReaderParts,
): void {
  const [nodes] = server.listeners(event) as ((this: Server, socket: Socket) => void)[];
  if (nodes === undefined) throw new TypeError(`no HTTP is spoken on ${event}`);
  server.removeListener(event, nodes);
  const watch = createSilenceWatch<SimpleConnection<Taken>>(clock);
  const deps: SimpleConnectionDeps<Taken> = {
    takes,
    limits,
    now: () => clock.monotonic(),
    date: dateOf(clock),
    handOver(socket, read) {
      nodes.call(server, socket);
      // It flows, so that this reaches the parser at once, before anything that comes. Behind it the socket may be another's
      // already, with an upgrade: whether it flows on is no longer for here to say.
      socket.unshift(read);
    },
    onLeave: (connection) => watch.remove(connection),
    onFault,
  };
  server.on(event, (socket: Socket) => watch.add(new SimpleConnection(socket, deps)));

  // Node's server knows only of connections that it has seen, also when it closes.
  const { closeIdleConnections, closeAllConnections } = server;
  server.closeIdleConnections = () => {
    closeIdleConnections.call(server);
    for (const { isIdle, socket } of watch.all()) if (isIdle) socket.destroy();
  };
  server.closeAllConnections = () => {
    closeAllConnections.call(server);
    for (const { socket } of watch.all()) socket.destroy();
  };
}

/** Made once a second. */
function dateOf(clock: Clock): () => string {
  let second = Number.NaN;
  let text = "";
  return () => {
    const now = Math.floor(clock.now() / 1_000);
    if (now !== second) text = new Date(now * 1_000).toUTCString();
    second = now;
    return text;
  };
}
