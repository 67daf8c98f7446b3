// What one exchange hears of its connection, at moments that no gateway of good will makes.
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer, type Socket } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { type Exchange, GatewayConnection } from "../../../proxy/forward/gateway-connection.ts";
import { upstreamOf } from "../upstream-fixture.ts";
import { answerOf } from "./raw-gateway.ts";

/** A connection, the gateway's end of it, and an exchange that notes what it hears. */
async function startConnection({ hasAsked, body }: { hasAsked: boolean; body?: Buffer }) {
  // It reads nothing.
  const server = createServer({ pauseOnConnect: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const { endpoint } = await upstreamOf(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const heard: string[] = [];
  const accepted = once(server, "connection") as Promise<[Socket]>;
  const closed = new Promise<void>((resolve) => {
    const connection = new GatewayConnection(endpoint, () => resolve());
    const exchange: Exchange = {
      hasAsked: () => hasAsked,
      onConnected() {
        heard.push("connected");
        if (body !== undefined) connection.socket.write(body);
      },
      onConnectFault: (error) => heard.push(String(error)),
      onAnswerFault: (what) => heard.push(what),
      onDrain() {},
      onHead: (status) => heard.push(String(status)),
      onBody(bytes) {
        heard.push(String(bytes));
        if (String(bytes) === "cut") connection.socket.destroy();
      },
      onEnd() {
        heard.push("end");
        connection.release("over");
        heard.push(connection.isFree ? "free" : "closed");
      },
    };
    connection.begin("POST", exchange);
  });
  const [gateway] = await accepted;
  onTestFinished(() => void gateway.destroy());
  gateway.on("error", () => {});
  return { heard, gateway, closed };
}

it("takes no answer before anything was asked: it is somebody else's", async () => {
  const { heard, gateway, closed } = await startConnection({ hasAsked: false });
  gateway.write(`${answerOf("200 OK", "Content-Length: 7")}FOREIGN`);
  await closed;
  expect(heard).toEqual(["connected", "nobody has asked"]);
});

it("takes an answer that goes on until the connection ends for whole when the gateway has ended it", async () => {
  const { heard, gateway, closed } = await startConnection({ hasAsked: true });
  gateway.end(answerOf("200 OK"));
  await closed;
  expect(heard).toEqual(["connected", "200", "end", "closed"]);
});

it("takes it for cut short when this side has closed it", async () => {
  const { heard, gateway, closed } = await startConnection({ hasAsked: true });
  gateway.write(`${answerOf("200 OK")}cut`);
  await closed;
  expect(heard).toEqual(["connected", "200", "cut", "the connection was closed"]);
});

it.each([
  ["free", "has gone", Buffer.from("small")],
  ["closed", "waits for a gateway that does not read it", Buffer.alloc(32 * 1_024 * 1_024)],
])("is %s behind an answer whose request %s", async (then, _what, body) => {
  const { heard, gateway } = await startConnection({ hasAsked: true, body });
  gateway.write(answerOf("200 OK", "Content-Length: 0"));
  await expect.poll(() => heard).toEqual(["connected", "200", "end", then]);
});
