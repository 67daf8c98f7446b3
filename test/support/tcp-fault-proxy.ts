// A TCP proxy with faults: it can keep the far side open when the near one dies, as a proxy in between would, and
// swallow everything that passes.
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export type TcpFaultProxy = {
  readonly port: number;
  /** From now on a connection whose near side ends stays open, silent, towards the far side. */
  keepFarSides(): void;
  /** Nothing passes any more, and nobody is told. */
  hold(): void;
  close(): Promise<void>;
};

/** @param target port on 127.0.0.1 */
export async function startTcpFaultProxy(target: number): Promise<TcpFaultProxy> {
  const pairs = new Set<{ readonly near: Socket; readonly far: Socket }>();
  let keeping = false;
  let holding = false;

  const server = createServer((near) => {
    const far = connect(target, "127.0.0.1");
    const pair = { near, far };
    pairs.add(pair);
    const pass = (from: Socket, to: Socket) => {
      from.on("data", (chunk) => {
        if (!holding) to.write(chunk);
      });
      from.on("error", () => from.destroy());
    };
    pass(near, far);
    pass(far, near);
    near.on("close", () => {
      if (!keeping) far.destroy();
    });
    far.on("close", () => {
      pairs.delete(pair);
      near.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));

  return {
    port: (server.address() as AddressInfo).port,
    keepFarSides() {
      keeping = true;
    },
    hold() {
      holding = true;
    },
    close() {
      for (const { near, far } of pairs) {
        near.destroy();
        far.destroy();
      }
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
