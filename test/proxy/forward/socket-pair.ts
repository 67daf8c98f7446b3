// Two ends of a real loopback connection, and what arrives at one of them.
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { onTestFinished } from "vitest";

/** `accepted` stays writable when the other end has finished, as Node's HTTP server makes its sockets. */
export type SocketPair = { readonly dialled: Socket; readonly accepted: Socket };

/** Gone after the test. */
export async function socketPair(): Promise<SocketPair> {
  const server = createServer({ allowHalfOpen: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const dialled = connect((server.address() as AddressInfo).port, "127.0.0.1");
  const [[accepted]] = (await Promise.all([once(server, "connection"), once(dialled, "connect")])) as [
    [Socket],
    unknown,
  ];
  server.close();
  onTestFinished(() => {
    dialled.destroy();
    accepted.destroy();
  });
  return { dialled, accepted };
}

export type Arrived = {
  /** Everything so far. */
  bytes(): Buffer;
  /** Once there are so many bytes. */
  atLeast(count: number): Promise<Buffer>;
  /** How the connection ended for this end: `end` (the other end finished) or `reset`. */
  readonly over: Promise<"end" | "reset">;
};

export function collect(socket: Socket): Arrived {
  const chunks: Buffer[] = [];
  const waiting = new Set<() => void>();
  let count = 0;
  socket.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    count += chunk.length;
    for (const check of waiting) check();
  });
  const over = new Promise<"end" | "reset">((resolve) => {
    socket.on("end", () => resolve("end"));
    socket.on("error", () => resolve("reset"));
  });
  return {
    bytes: () => Buffer.concat(chunks),
    atLeast: (wanted) =>
      new Promise((resolve) => {
        const check = () => {
          if (count < wanted) return;
          waiting.delete(check);
          resolve(Buffer.concat(chunks));
        };
        waiting.add(check);
        check();
      }),
    over,
  };
}
