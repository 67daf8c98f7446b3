import { once } from "node:events";
import { syncBuiltinESMExports } from "node:module";
import net, { type AddressInfo, createServer } from "node:net";
import { describe, expect, it, onTestFinished, test, vi } from "vitest";
import type { Denial } from "../../../core/denial.ts";
import type { GatewayId } from "../../../core/ids.ts";
import { err } from "../../../core/result.ts";
import { headerPairs } from "../../../proxy/assert/outgoing-headers.ts";
import { dialUpstream } from "../../../proxy/forward/dial-upstream.ts";
import { selfSigned } from "../../support/certificates.ts";
import { createManualClock } from "../../support/manual-clock.ts";
import { NOW } from "../../support/provider-fixture.ts";
import { outgoingOf } from "../headers-fixture.ts";
import { upstreamOf } from "../upstream-fixture.ts";
import { ACCEPT, answerOf, KEY, type RawGateway, startRawGateway, switching } from "./raw-gateway.ts";
import { startTlsGateway } from "./tls-gateway.ts";

const LIMITS = { connectTimeoutMs: 5_000, answerTimeoutMs: 30_000 };
const WRONG_ACCEPT = "a wrong sec-websocket-accept";
const HEADERS = [
  "host",
  "gateway.example",
  "connection",
  "Upgrade",
  "upgrade",
  "websocket",
  "sec-websocket-key",
  KEY,
  "sec-websocket-version",
  "13",
  "sec-websocket-protocol",
  "chat, superchat",
  "sec-websocket-extensions",
  "permessage-deflate; client_max_window_bits, x-other",
  "x-gateway-assertion",
  "a.b.c",
];

async function startDial(
  gateway: Pick<RawGateway, "url">,
  clock = createManualClock(NOW),
  headers = outgoingOf(HEADERS),
) {
  return dialUpstream(await upstreamOf(gateway.url), "/agents/coder/ws?a=1", headers, LIMITS, clock);
}

async function dial(...args: Parameters<typeof startDial>) {
  return (await startDial(...args)).done;
}

const failure = (denial: Denial, down?: string) => err({ denial, down });
const gateway = "cloud" as GatewayId;
const unavailable = (down?: string) => failure({ code: "gateway_unavailable", gateway }, down);
const invalid = (what: string) => failure({ code: "gateway_answer_invalid", gateway, what });

describe("dialling a gateway", () => {
  it("sends exactly these headers, in order, and nothing of its own", async () => {
    const gateway = await startRawGateway((socket) => void socket.write(switching()));
    const dialled = await dial(gateway);
    expect(await gateway.head).toBe(
      [
        "GET /agents/coder/ws?a=1 HTTP/1.1",
        ...headerPairs(outgoingOf(HEADERS)).map(([name, value]) => `${name}: ${value}`),
        "",
        "",
      ].join("\r\n"),
    );
    if (dialled.ok) dialled.value.connection.socket.destroy();
  });

  it("hands over the socket, what was chosen, and what came behind the 101", async () => {
    const chosen = [
      "Sec-WebSocket-Protocol: superchat",
      "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover",
    ];
    const gateway = await startRawGateway((socket) => void socket.write(`${switching(...chosen)}hello`));
    const dialled = await dial(gateway);
    if (!dialled.ok) throw new Error(dialled.error.denial.code);
    const { connection, ...rest } = dialled.value;
    const { socket } = connection;
    expect(rest).toEqual({
      firstBytes: [Buffer.from("hello")],
      accept: ACCEPT,
      protocol: "superchat",
      extensions: "permessage-deflate; server_no_context_takeover",
    });
    expect([socket.destroyed, socket.isPaused()]).toEqual([false, true]);
    socket.destroy();
    await gateway.closed;
  });

  it("takes a head that comes byte by byte, with the first frame close behind", async () => {
    const gateway = await startRawGateway(async (socket) => {
      for (const byte of `${switching()}hello`) await new Promise((sent) => socket.write(byte, sent));
      socket.end();
    });
    const clock = createManualClock(NOW);
    const dialled = await dial(gateway, clock);
    if (!dialled.ok) throw new Error(dialled.error.denial.code);
    const { connection, firstBytes } = dialled.value;
    const chunks = [...firstBytes];
    connection.take = (bytes) => void chunks.push(bytes);
    const ended = once(connection.socket, "end");
    connection.socket.resume();
    await ended;
    expect([Buffer.concat(chunks).toString(), clock.pending()]).toEqual(["hello", 0]);
  });

  it("loses nothing of what TLS still hands out when the reading has stopped", async () => {
    const certificate = await selfSigned();
    const far = await startTlsGateway(certificate);
    const upstream = await upstreamOf(far.url, { tls: { fingerprint: certificate.fingerprint } });
    const behind = Buffer.from(Array.from({ length: 60_000 }, (_, index) => index % 251));
    const { done } = dialUpstream(upstream, "/", outgoingOf(HEADERS), LIMITS, createManualClock(NOW));
    (await far.accepted).write(Buffer.concat([Buffer.from(switching()), behind]));
    const dialled = await done;
    if (!dialled.ok) throw new Error(dialled.error.denial.code);
    const { connection, firstBytes } = dialled.value;
    // Until whatever was read with the head has been handed out.
    await new Promise((resolve) => setImmediate(resolve));
    const chunks = [...firstBytes];
    const all = new Promise<Buffer>((resolve) => {
      const check = () => {
        const bytes = Buffer.concat(chunks);
        if (bytes.length >= behind.length) resolve(bytes);
      };
      connection.take = (bytes) => {
        chunks.push(bytes);
        check();
      };
      check();
    });
    connection.socket.resume();
    expect((await all).equals(behind)).toBe(true);
    connection.socket.destroy();
  });

  it("finds a gateway by its name", async () => {
    const gateway = await startRawGateway((socket) => void socket.write(switching()));
    const dialled = await dial({ url: gateway.url.replace("127.0.0.1", "localhost") });
    if (!dialled.ok) throw new Error(dialled.error.denial.code);
    dialled.value.connection.socket.destroy();
  });

  test.each([
    ["x-user-name", "Alice\r\nX-User-Id: root"],
    ["x-user-name", "Alice\n"],
    ["x-user-name", "Alice\r"],
    ["x-user-name", "Alice\0"],
    // Of which one byte each is written: a line end.
    ["x-user-name", "Alice\u010d\u010aX-User-Id: root"],
    ["x-user-name: root\r\nx", "Alice"],
  ])(
    "sends nothing when a header holds what no header can: that is a programmer's mistake (%j, %j)",
    async (name, value) => {
      const gateway = await startRawGateway(() => {});
      const headers = outgoingOf([...HEADERS, name, value]);
      await expect(dial(gateway, undefined, headers)).rejects.toThrow(
        new TypeError("a header for a gateway holds what no header can"),
      );
      expect(gateway.connections()).toBe(0);
    },
  );

  it("needs nothing to be chosen", async () => {
    const gateway = await startRawGateway((socket) => void socket.write(switching()));
    const dialled = await dial(gateway);
    expect(dialled).toMatchObject({
      ok: true,
      value: { protocol: undefined, extensions: undefined, firstBytes: [] },
    });
    if (dialled.ok) dialled.value.connection.socket.destroy();
  });
});

describe("an answer that is no WebSocket", () => {
  test.each([
    ["200", `${answerOf("200 OK", "Content-Length: 2")}ok`, invalid("status 200 to an upgrade")],
    [
      "a redirect",
      answerOf("302 Found", "Location: http://127.0.0.1:1/", "Content-Length: 0"),
      invalid("status 302 to an upgrade"),
    ],
    [
      "500 without an end",
      answerOf("500 Oops", "Content-Length: 1000000"),
      invalid("status 500 to an upgrade"),
    ],
    ["503", answerOf("503 Service Unavailable", "Content-Length: 0"), unavailable()],
    [
      "a word before the 101",
      `${answerOf("103 Early Hints")}${switching()}`,
      invalid("status 103 to an upgrade"),
    ],
    ["a wrong accept", answerOf("101", "Upgrade: websocket", "Connection: Upgrade"), invalid(WRONG_ACCEPT)],
    ["no HTTP at all", "SSH-2.0-OpenSSH_9.9\r\n", invalid("an answer that is no HTTP/1.1")],
    [
      "headers without an end",
      `HTTP/1.1 101 OK\r\nX-Big: ${"x".repeat(17 * 1024)}`,
      invalid("an answer head past its limit"),
    ],
  ])("is refused and the connection closed: %s", async (_what, bytes, refused) => {
    const gateway = await startRawGateway((socket) => void socket.write(bytes));
    const clock = createManualClock(NOW);
    expect(await dial(gateway, clock)).toEqual(refused);
    await gateway.closed;
    expect([gateway.connections(), clock.pending()]).toEqual([1, 0]);
  });

  it.each(["end", "resetAndDestroy"] as const)(
    "is refused when the gateway goes away instead, by %s",
    async (how) => {
      const gateway = await startRawGateway((socket) => void socket[how]());
      expect(await dial(gateway)).toEqual(invalid("the connection ended before an answer"));
    },
  );
});

describe("a gateway that cannot be reached", () => {
  it("is unavailable when nobody listens", async () => {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    expect(await dial({ url: `http://127.0.0.1:${port}` })).toEqual(unavailable("ECONNREFUSED"));
  });

  it("is unavailable when its certificate is not the pinned one, and never reads the assertion", async () => {
    const [shown, pinned] = await Promise.all([selfSigned(), selfSigned()]);
    const far = await startTlsGateway(shown);
    const upstream = await upstreamOf(far.url, { tls: { fingerprint: pinned.fingerprint } });
    const failed = await dialUpstream(upstream, "/", outgoingOf(HEADERS), LIMITS, createManualClock(NOW))
      .done;
    expect(failed).toEqual(unavailable(expect.stringMatching(/^certificate is not the pinned one: /)));
    expect(far.received).toEqual([]);
  });

  it("says nothing about a gateway when the process has no files left to reach it with", async () => {
    const gateway = await startRawGateway(() => {});
    const shortage = Object.assign(new Error("too many open files"), { code: "EMFILE" });
    const spy = vi.spyOn(net, "connect").mockImplementation(() => {
      const socket = new net.Socket();
      setImmediate(() => socket.destroy(shortage));
      return socket;
    });
    syncBuiltinESMExports();
    onTestFinished(() => {
      spy.mockRestore();
      syncBuiltinESMExports();
    });
    expect(await dial(gateway)).toEqual(failure({ code: "overloaded", what: "connections to gateways" }));
  });

  it("is unavailable when it takes longer than the limit to connect", async () => {
    const gateway = await startRawGateway(() => {});
    const clock = createManualClock(NOW);
    const upstream = await upstreamOf(gateway.url);
    const { done } = dialUpstream(upstream, "/", outgoingOf(HEADERS), LIMITS, clock);
    // No connection can be there yet: the event loop has not turned.
    clock.advance(LIMITS.connectTimeoutMs);
    expect(await done).toEqual(unavailable("no connection in time"));
    expect([gateway.connections(), clock.pending()]).toEqual([0, 0]);
  });

  it("has answered nothing when it takes longer than the limit to answer", async () => {
    const gateway = await startRawGateway(() => {});
    const clock = createManualClock(NOW);
    const dialled = dial(gateway, clock);
    await gateway.head;
    clock.advance(LIMITS.answerTimeoutMs - 1);
    clock.advance(1);
    expect(await dialled).toEqual(invalid("no answer in time"));
    await gateway.closed;
  });
});

describe("a dial that nobody waits for any more", () => {
  it("is given up while the gateway thinks about its answer", async () => {
    const gateway = await startRawGateway(() => {});
    const clock = createManualClock(NOW);
    const { done, abort } = await startDial(gateway, clock);
    await gateway.head;
    abort();
    expect(await done).toEqual(failure({ code: "client_gone" }));
    await gateway.closed;
    expect(clock.pending()).toBe(0);
  });

  it("is given up before there is a connection, and does not count as a gateway that is down", async () => {
    const gateway = await startRawGateway(() => {});
    const clock = createManualClock(NOW);
    const { done, abort } = await startDial(gateway, clock);
    abort();
    expect(await done).toEqual(failure({ code: "client_gone" }));
    expect([gateway.connections(), clock.pending()]).toEqual([0, 0]);
  });
});
