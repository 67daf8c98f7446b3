// Connections to gateways over real TLS: who is let through, and that nobody else reads a byte.
import dns from "node:dns";
import { once } from "node:events";
import { syncBuiltinESMExports } from "node:module";
import net, { type AddressInfo, createServer as createPlainServer, Socket } from "node:net";
import { createServer, type TLSSocket, type TlsOptions } from "node:tls";
import { beforeAll, describe, expect, it, onTestFinished, test, vi } from "vitest";
import { endpointId } from "../../../config/field-values.ts";
import type { Endpoint } from "../../../config/routes.ts";
import {
  connectEndpoint,
  connectorTo,
  isOwnShortage,
  isUnreachable,
} from "../../../proxy/route/connect-endpoint.ts";
import { createTestCa, selfSigned, type TestCa, type TestCertificate } from "../../support/certificates.ts";
import { freePort } from "../../support/free-port.ts";
import { trustCa } from "../../support/trusted-ca.ts";

const WITHIN_MS = 10_000;

let ca: TestCa;
let issued: TestCertificate;
let own: TestCertificate;
let expired: TestCertificate;
let elsewhere: TestCertificate;
beforeAll(async () => {
  ca = await createTestCa();
  issued = await ca.issue();
  own = await selfSigned();
  expired = await selfSigned({ names: ["other.example.com"], until: new Date("2021-01-01") });
  elsewhere = await ca.issue({ names: ["other.example.com"] });
});

type Far = { readonly port: number; readonly received: () => string; readonly sessions: boolean[] };

/** Keeps what it is sent; greets each connection with `hello`. */
async function gateway(certificate: TestCertificate, options: TlsOptions = {}): Promise<Far> {
  let received = "";
  const sessions: boolean[] = [];
  const sockets = new Set<Socket>();
  const server = createServer({ ...certificate, ...options }, (socket: TLSSocket) => {
    sessions.push(socket.isSessionReused());
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      received += chunk;
    });
    socket.write("hello");
  });
  server.on("connection", (socket: Socket) => sockets.add(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, received: () => received, sessions };
}

function endpointAt(port: number, pinned?: TestCertificate, host = "127.0.0.1", scheme = "https"): Endpoint {
  const url = `${scheme}://${host}:${port}`;
  const pin = pinned === undefined ? {} : { fingerprint: pinned.fingerprint };
  return { id: endpointId.parse("cloud-1"), url, ...pin };
}

/** What came of it: what the gateway says, or why there is no connection. */
function dial(endpoint: Endpoint, timeoutMs = WITHIN_MS): Promise<string> {
  return new Promise((resolve) => {
    connectorTo(endpoint, timeoutMs)(undefined, (error, socket) => {
      if (error !== null) return resolve(isUnreachable(error) ? error.fault : `untold: ${error}`);
      onTestFinished(() => void socket.destroy());
      socket.once("data", (chunk) => resolve(String(chunk)));
      socket.write("secret");
    });
  });
}

const notPinned = ({ fingerprint }: TestCertificate) =>
  `certificate is not the pinned one: it shows ${fingerprint}; if its gateway got a new certificate, put that into tls.fingerprint in routes.json5, else somebody stands in between`;
const untrusted = (code: string) =>
  `certificate is not trusted (${code}): let a CA that this machine trusts issue it for the endpoint's name, or pin it: tls.fingerprint in routes.json5`;

describe("an endpoint", () => {
  it.each(["http", "https"])("over %s is sent small frames at once", async (scheme) => {
    const atOnce = vi.spyOn(net.Socket.prototype, "setNoDelay");
    onTestFinished(() => atOnce.mockRestore());
    const far = await gateway(own);
    const socket = connectEndpoint(endpointAt(far.port, own, "127.0.0.1", scheme), () => {});
    onTestFinished(() => void socket.destroy());
    expect(atOnce.mock.calls).toEqual([[true]]);
  });
});

describe("an endpoint whose certificate is pinned", () => {
  it("is reached with exactly that one, whoever issued it", async () => {
    const far = await gateway(own);
    expect(await dial(endpointAt(far.port, own))).toBe("hello");
    await expect.poll(far.received).toBe("secret");
  });

  it("is reached whatever the certificate's names and dates", async () => {
    expect(await dial(endpointAt((await gateway(expired)).port, expired))).toBe("hello");
  });

  test.each<[string, () => TestCertificate]>([
    ["another one of nobody's", () => expired],
    ["one that a trusted CA has issued for its name", () => issued],
  ])("never sees a byte with %s", async (_what, certificate) => {
    trustCa(ca.cert);
    const far = await gateway(certificate());
    expect(await dial(endpointAt(far.port, own))).toBe(notPinned(certificate()));
    expect(far.received()).toBe("");
  });

  it("gets no connection on the word of a TLS session: every one proves it anew", async () => {
    const far = await gateway(own);
    for (let turn = 0; turn < 3; turn += 1) expect(await dial(endpointAt(far.port, own))).toBe("hello");
    expect(await dial(endpointAt(far.port, issued))).toBe(notPinned(own));
    expect(far.sessions.slice(0, 3)).toEqual([false, false, false]);
  });
});

describe("an endpoint without a pin", () => {
  it("is reached with a certificate of a trusted CA for its address, or its name", async () => {
    trustCa(ca.cert);
    const far = await gateway(issued);
    expect(await dial(endpointAt(far.port))).toBe("hello");
    expect(await dial(endpointAt(far.port, undefined, "localhost"))).toBe("hello");
  });

  test.each<[string, () => TestCertificate, string]>([
    ["of nobody's", () => own, "DEPTH_ZERO_SELF_SIGNED_CERT"],
    ["for another name (S123)", () => elsewhere, "ERR_TLS_CERT_ALTNAME_INVALID"],
  ])("never sees a byte with a certificate %s", async (_what, certificate, code) => {
    trustCa(ca.cert);
    const far = await gateway(certificate());
    expect(await dial(endpointAt(far.port))).toBe(untrusted(code));
    expect(far.received()).toBe("");
  });

  // S123, CVE-2026-48928: one address, two names, and the session of the first.
  it("S123: is not reached by the session of another name at the same address", async () => {
    trustCa(ca.cert);
    const names = { names: ["localhost"] };
    const far = await gateway(await ca.issue(names));
    expect(await dial(endpointAt(far.port, undefined, "localhost"))).toBe("hello");
    expect(await dial(endpointAt(far.port, undefined, "127.0.0.1"))).toBe(
      untrusted("ERR_TLS_CERT_ALTNAME_INVALID"),
    );
  });
});

describe("an endpoint that is not there", () => {
  it("is told by the system's code", async () => {
    expect(await dial(endpointAt(await freePort()))).toBe("ECONNREFUSED");
    expect(await dial(endpointAt(await freePort(), own))).toBe("ECONNREFUSED");
  });

  it("over TLS, with something else than TLS behind it, is a fault like any other", async () => {
    const server = createPlainServer((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => void server.close());
    expect(await dial(endpointAt((server.address() as AddressInfo).port, own))).toMatch(
      /^(ERR_SSL_|EPROTO|ECONN)/,
    );
  });

  it("that accepts and never says a word is given up in time", async () => {
    const sockets: Socket[] = [];
    const server = createPlainServer((socket) => void sockets.push(socket));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    expect(await dial(endpointAt((server.address() as AddressInfo).port, own), 200)).toBe(
      "no connection in time",
    );
  });

  test.each(["EMFILE", "ENFILE", "EADDRNOTAVAIL"])("is not said of one when %s is ours", async (code) => {
    const spy = vi.spyOn(net, "connect");
    spy.mockImplementation(() => new Socket().destroy(Object.assign(new Error(code), { code })));
    syncBuiltinESMExports();
    onTestFinished(() => {
      spy.mockRestore();
      syncBuiltinESMExports();
    });
    const error = await new Promise((resolve) =>
      connectorTo(endpointAt(1, undefined, "127.0.0.1", "http"), WITHIN_MS)(undefined, (...[failed]) =>
        resolve(failed),
      ),
    );
    expect([isUnreachable(error), isOwnShortage(error)]).toEqual([false, true]);
  });

  it("by name, is told by the resolver's code", async () => {
    expect(await dial(endpointAt(1, undefined, "nowhere.invalid"))).toMatch(/^(ENOTFOUND|EAI_AGAIN)$/);
  });
});

describe("a name", () => {
  const leadsTo = (...addresses: readonly string[]) => {
    const spy = vi.spyOn(dns, "lookup");
    spy.mockImplementation(((_name: string, _options: object, done: (...result: unknown[]) => void) =>
      done(
        null,
        addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })),
      )) as never);
    syncBuiltinESMExports();
    onTestFinished(() => {
      spy.mockRestore();
      syncBuiltinESMExports();
    });
  };

  test.each(["169.254.169.254", "fe80::1", "0.0.0.0", "100.100.100.200", "::ffff:169.254.169.254"])(
    "S40: that leads to %s by now is not followed",
    async (address) => {
      leadsTo(address);
      expect(await dial(endpointAt(1, own, "gateway.example.com"))).toBe(
        `its name leads to ${address}, to which nothing is ever sent`,
      );
    },
  );

  it("S40: is followed to the addresses that are left", async () => {
    const far = await gateway(own);
    leadsTo("169.254.169.254", "127.0.0.1");
    expect(await dial(endpointAt(far.port, own, "gateway.example.com"))).toBe("hello");
  });
});

it("over plain HTTP is ready as soon as it has connected", async () => {
  const server = createPlainServer((socket) => socket.end("hello"));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  expect(await dial(endpointAt(port, undefined, "127.0.0.1", "http"))).toBe("hello");
});

it("reads into the buffer that it is given", async () => {
  const far = await gateway(own);
  const buffer = Buffer.alloc(1024);
  const read = new Promise<string>((resolve) => {
    const onread = {
      buffer,
      callback(count: number) {
        resolve(buffer.toString("latin1", 0, count));
        return true;
      },
    };
    const socket = connectEndpoint(endpointAt(far.port, own), () => {}, onread);
    onTestFinished(() => void socket.destroy());
  });
  expect(await read).toBe("hello");
});
