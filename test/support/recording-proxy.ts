// A TCP proxy that keeps what passes from the near side to the far one: what reached a real gateway.
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export type RecordingProxy = {
  readonly port: number;
  /** Heads of requests on behalf of people, in order: neither health probes nor control channels. */
  heads(): readonly string[];
  /** From now on a connection whose near side ends stays open, silent, towards the far side. */
  keepFarSides(): void;
  /** Nobody is there for new connections; those that are open stay. */
  refuseNew(): void;
  close(): Promise<void>;
};

/** @param target port on 127.0.0.1 */
export async function startRecordingProxy(target: number): Promise<RecordingProxy> {
  const heads: string[] = [];
  const sockets = new Set<Socket>();
  let keeping = false;
  const server = createServer((near) => {
    const far = connect(target, "127.0.0.1");
    let text = "";
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("error", () => socket.destroy());
      socket.on("close", () => sockets.delete(socket));
    }
    near.on("data", (chunk) => {
      text += chunk.toString("latin1");
      for (let head = HEAD.exec(text); head !== null; head = HEAD.exec(text)) {
        heads.push(head[0]);
        text = text.slice(head.index + head[0].length);
      }
      far.write(chunk);
    });
    far.pipe(near);
    near.on("close", () => {
      if (!keeping) far.destroy();
    });
    far.on("close", () => near.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));

  return {
    port: (server.address() as AddressInfo).port,
    heads: () => heads.filter((head) => !/^GET \/(health|control) /.test(head)),
    keepFarSides() {
      keeping = true;
    },
    refuseNew() {
      server.close();
    },
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

const HEAD = /[A-Z]+ \/\S* HTTP\/1\.1\r\n.*?\r\n\r\n/s;
