// A gateway that speaks TLS: its end of the first connection, and what it has read.
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer, type TLSSocket } from "node:tls";
import { onTestFinished } from "vitest";
import type { TestCertificate } from "../../support/certificates.ts";

export type TlsGateway = {
  readonly url: string;
  readonly accepted: Promise<TLSSocket>;
  readonly received: Buffer[];
};

export async function startTlsGateway(certificate: TestCertificate): Promise<TlsGateway> {
  const received: Buffer[] = [];
  let accept = (_socket: TLSSocket) => {};
  const accepted = new Promise<TLSSocket>((resolve) => {
    accept = resolve;
  });
  const server = createServer({ ...certificate, ALPNProtocols: ["h2", "http/1.1"] }, (socket) => {
    socket.on("error", () => {}).on("data", (chunk) => received.push(chunk));
    onTestFinished(() => void socket.destroy());
    accept(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return { url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`, accepted, received };
}
