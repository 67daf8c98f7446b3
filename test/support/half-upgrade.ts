// An upgrade request whose last line a test holds back, to choose the moment at which it arrives.
import { connect, type Socket } from "node:net";
import { HANDSHAKE } from "./gateway-fixture.ts";

/** Sent but for `rest`. */
export async function halfAnUpgrade(port: number, path: string, headers: Record<string, string>) {
  const socket = connect(port, "127.0.0.1");
  await new Promise<void>((resolve) => socket.once("connect", () => resolve()));
  const all = { host: "gateway", ...HANDSHAKE, ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`GET ${path} HTTP/1.1\r\n${lines.join("")}`);
  return { socket, rest: "\r\n" };
}

/** Of the answer. */
export async function firstLine(socket: Socket): Promise<string> {
  const chunk = await new Promise<Buffer>((resolve) => socket.once("data", resolve));
  return chunk.toString().split("\r\n", 1)[0] ?? "";
}
