import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { describe, expect, it, test } from "vitest";
import { err } from "../../../core/result.ts";
import type { OutgoingHeaders } from "../../../proxy/assert/outgoing-headers.ts";
import { acceptOf, dialUpstream } from "../../../proxy/forward/dial-upstream.ts";
import { createManualClock } from "../../support/manual-clock.ts";
import { NOW } from "../../support/provider-fixture.ts";
import { upstreamOf } from "../upstream-fixture.ts";
import { ACCEPT, answerOf, KEY, type RawGateway, startRawGateway, switching } from "./raw-gateway.ts";

const LIMITS = { connectTimeoutMs: 5_000, answerTimeoutMs: 30_000 };
const HEADERS: OutgoingHeaders = [
  ["host", "gateway.example"],
  ["connection", "Upgrade"],
  ["upgrade", "websocket"],
  ["sec-websocket-key", KEY],
  ["sec-websocket-version", "13"],
  ["sec-websocket-protocol", "chat, superchat"],
  ["sec-websocket-extensions", "permessage-deflate; client_max_window_bits, x-other"],
  ["x-gateway-assertion", "a.b.c"],
];

async function dial(gateway: Pick<RawGateway, "url">, clock = createManualClock(NOW), headers = HEADERS) {
  return dialUpstream(await upstreamOf(gateway.url), "/agents/coder/ws?a=1", headers, LIMITS, clock);
}

const unavailable = (reached: boolean) =>
  err({ denial: { code: "gateway_unavailable", gateway: "cloud" }, reached });
const invalid = (what: string) =>
  err({ denial: { code: "gateway_answer_invalid", gateway: "cloud", what }, reached: true });

test("the answer to a key is the one of RFC 6455 §1.3", () => {
  expect(acceptOf(KEY)).toBe(ACCEPT);
});

describe("dialling a gateway", () => {
  it("sends exactly these headers, in order, and nothing of its own", async () => {
    const gateway = await startRawGateway((socket) => void socket.write(switching()));
    const dialled = await dial(gateway);
    expect(await gateway.head).toBe(
      [
        "GET /agents/coder/ws?a=1 HTTP/1.1",
        ...HEADERS.map(([name, value]) => `${name}: ${value}`),
        "",
        "",
      ].join("\r\n"),
    );
    if (dialled.ok) dialled.value.socket.destroy();
  });

  it("hands over the socket, what was chosen, and what came behind the 101", async () => {
    const chosen = [
      "Sec-WebSocket-Protocol: superchat",
      "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover",
    ];
    const gateway = await startRawGateway((socket) => void socket.write(`${switching(...chosen)}hello`));
    const dialled = await dial(gateway);
    if (!dialled.ok) throw new Error(dialled.error.denial.code);
    const { socket, ...rest } = dialled.value;
    expect(rest).toEqual({
      firstBytes: Buffer.from("hello"),
      protocol: "superchat",
      extensions: "permessage-deflate; server_no_context_takeover",
    });
    expect(socket.destroyed).toBe(false);
    socket.destroy();
    await gateway.closed;
  });

  it("needs nothing to be chosen", async () => {
    const gateway = await startRawGateway((socket) => void socket.write(switching()));
    const dialled = await dial(gateway);
    expect(dialled).toMatchObject({ ok: true, value: { protocol: undefined, extensions: undefined } });
    if (dialled.ok) dialled.value.socket.destroy();
  });
});

describe("an answer that is no WebSocket", () => {
  test.each([
    ["200", `${answerOf("200 OK", "Content-Length: 2")}ok`, invalid("status 200 to an upgrade")],
    [
      "200 that claims to upgrade",
      answerOf("200 OK", "Connection: Upgrade", "Upgrade: websocket", "Content-Length: 0"),
      invalid("status 200 to an upgrade"),
    ],
    [
      "a redirect",
      answerOf("302 Found", "Location: http://127.0.0.1:1/", "Content-Length: 0"),
      invalid("status 302 to an upgrade"),
    ],
    ["401", answerOf("401 Unauthorized", "Content-Length: 0"), invalid("status 401 to an upgrade")],
    [
      "500 without an end",
      answerOf("500 Oops", "Content-Length: 1000000"),
      invalid("status 500 to an upgrade"),
    ],
    ["503", answerOf("503 Service Unavailable", "Content-Length: 0"), unavailable(true)],
    [
      "another protocol",
      answerOf(
        "101 Switching Protocols",
        "Upgrade: h2c",
        "Connection: Upgrade",
        `Sec-WebSocket-Accept: ${ACCEPT}`,
      ),
      invalid("101 to something other than websocket"),
    ],
    [
      "no accept",
      answerOf("101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"),
      invalid("a wrong sec-websocket-accept"),
    ],
    [
      "the accept of another key",
      answerOf(
        "101 Switching Protocols",
        "Upgrade: websocket",
        "Connection: Upgrade",
        `Sec-WebSocket-Accept: ${ACCEPT.toLowerCase()}`,
      ),
      invalid("a wrong sec-websocket-accept"),
    ],
    ["two accepts", switching(`Sec-WebSocket-Accept: ${ACCEPT}`), invalid("a wrong sec-websocket-accept")],
    [
      "a subprotocol that was not offered",
      switching("Sec-WebSocket-Protocol: other"),
      invalid("a subprotocol that was not offered"),
    ],
    [
      "two subprotocols",
      switching("Sec-WebSocket-Protocol: chat, superchat"),
      invalid("a subprotocol that was not offered"),
    ],
    [
      "an extension that was not offered",
      switching("Sec-WebSocket-Extensions: x-evil"),
      invalid("an extension that was not offered"),
    ],
    [
      "an extension that was not offered beside one that was",
      switching("Sec-WebSocket-Extensions: permessage-deflate, x-evil"),
      invalid("an extension that was not offered"),
    ],
    ["no HTTP at all", "SSH-2.0-OpenSSH_9.9\r\n\r\n", invalid("the connection ended before an answer")],
    [
      "headers without an end",
      answerOf("101 Switching Protocols", `X-Big: ${"x".repeat(17 * 1024)}`),
      invalid("the connection ended before an answer"),
    ],
  ])("is refused and the connection closed: %s", async (_what, bytes, refused) => {
    const gateway = await startRawGateway((socket) => void socket.write(bytes));
    expect(await dial(gateway)).toEqual(refused);
    await gateway.closed;
    expect(gateway.connections()).toBe(1);
  });

  it("is refused when anything is chosen though nothing was offered", async () => {
    const bare = HEADERS.filter(([name]) => !/protocol|extensions/.test(name));
    const answers = [
      switching("Sec-WebSocket-Protocol: chat"),
      switching("Sec-WebSocket-Extensions: permessage-deflate"),
    ];
    const codes = await Promise.all(
      answers.map(async (answer) => {
        const gateway = await startRawGateway((socket) => void socket.write(answer));
        return dial(gateway, undefined, bare);
      }),
    );
    expect(codes).toEqual([
      invalid("a subprotocol that was not offered"),
      invalid("an extension that was not offered"),
    ]);
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
    expect(await dial({ url: `http://127.0.0.1:${port}` })).toEqual(unavailable(false));
  });

  it("is unavailable when it takes longer than the limit to connect", async () => {
    const gateway = await startRawGateway(() => {});
    const clock = createManualClock(NOW);
    const upstream = await upstreamOf(gateway.url);
    const dialled = dialUpstream(upstream, "/", HEADERS, LIMITS, clock);
    // No connection can be there yet: the event loop has not turned.
    clock.advance(LIMITS.connectTimeoutMs);
    expect(await dialled).toEqual(unavailable(false));
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
