// The two ends of a connection to a gateway, as the door opens them.
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { onTestFinished } from "vitest";
import { connectUpstream, type UpstreamSocket } from "../../../proxy/forward/upstream-socket.ts";
import { upstreamOf } from "../upstream-fixture.ts";

export type UpstreamPair = {
  readonly upstream: UpstreamSocket;
  /** The gateway's end. It stays writable when the door has finished. */
  readonly gateway: Socket;
};

/** Gone after the test. */
export async function upstreamPair(): Promise<UpstreamPair> {
  const server = createServer({ allowHalfOpen: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { endpoint } = await upstreamOf(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const upstream = connectUpstream(endpoint, () => {});
  const [[gateway]] = (await Promise.all([once(server, "connection"), once(upstream.socket, "connect")])) as [
    [Socket],
    unknown,
  ];
  server.close();
  onTestFinished(() => {
    upstream.socket.destroy();
    gateway.destroy();
  });
  return { upstream, gateway };
}
