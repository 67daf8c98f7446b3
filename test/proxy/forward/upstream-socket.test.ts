import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { connectUpstream } from "../../../proxy/forward/upstream-socket.ts";
import { selfSigned } from "../../support/certificates.ts";
import { upstreamOf } from "../upstream-fixture.ts";
import { startTlsGateway } from "./tls-gateway.ts";
import { upstreamPair } from "./upstream-pair.ts";

describe("a connection to a gateway", () => {
  it("hands out bytes that stay what they are when more come", async () => {
    const { upstream, gateway } = await upstreamPair();
    const chunks: Buffer[] = [];
    for (const word of ["first", "other"]) {
      const arrived = new Promise<void>((resolve) => {
        upstream.take = (bytes) => {
          chunks.push(bytes);
          resolve();
        };
      });
      gateway.write(word);
      await arrived;
    }
    expect(chunks.map(String)).toEqual(["first", "other"]);
  });

  it("says when the gateway has finished, and when it is gone", async () => {
    const { upstream, gateway } = await upstreamPair();
    const over = Promise.all([once(upstream.socket, "end"), once(upstream.socket, "close")]);
    gateway.end();
    expect(await over).toEqual([[], [false]]);
  });

  it("hands out every byte over TLS too", async () => {
    const certificate = await selfSigned();
    const far = await startTlsGateway(certificate);
    const { endpoint } = await upstreamOf(far.url, { tls: { fingerprint: certificate.fingerprint } });
    const upstream = connectUpstream(endpoint, () => {});
    const chunks: Buffer[] = [];
    upstream.take = (bytes) => void chunks.push(bytes);
    const over = once(upstream.socket, "end");
    const bytes = Buffer.from(Array.from({ length: 200_000 }, (_, index) => index % 251));
    (await far.accepted).end(bytes);
    await over;
    expect(Buffer.concat(chunks).equals(bytes)).toBe(true);
  });
});
