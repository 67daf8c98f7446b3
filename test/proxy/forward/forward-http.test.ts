import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { describe, expect, it, onTestFinished, test } from "vitest";
import { err, ok } from "../../../core/result.ts";
import { AccessWatch } from "../../../proxy/forward/access-watch.ts";
import { head, rawConnect, rawExchange } from "../../support/raw-client.ts";
import { REQUEST_ID } from "../request-fixture.ts";
import { BODY_LIMIT, startDoor } from "./http-door.ts";
import { answerOf, startRawGateway } from "./raw-gateway.ts";
import { collect } from "./socket-pair.ts";

const GET = head("GET /agents/coder/x HTTP/1.1", "Host: door.example", "X-User-Id: root");
const OURS = [
  "cache-control: no-store",
  "content-security-policy: sandbox; default-src 'none'; frame-ancestors 'none'",
  "x-content-type-options: nosniff",
  `x-request-id: ${REQUEST_ID}`,
];

describe("forwarding a request", () => {
  it("sends what was signed and nothing else, and answers with what the gateway said", async () => {
    const gateway = await startRawGateway((socket) => {
      socket.write(
        `${answerOf("201 Made", "Content-Length: 2", "Content-Type: text/plain", "Set-Cookie: a=b")}ok`,
      );
    });
    const door = await startDoor(gateway.url);
    const answer = await rawExchange(door.port, GET);
    expect(answer.status).toBe(201);
    expect(answer.body).toBe("ok");
    const lines = answer.text.split("\r\n\r\n")[0]?.split("\r\n").slice(1);
    expect(lines?.filter((line) => !/^(Date|Connection|Keep-Alive):/.test(line))).toEqual([
      "content-length: 2",
      "content-type: text/plain",
      ...OURS,
    ]);
    const [line, ...headers] = (await gateway.head).trimEnd().split("\r\n");
    expect(line).toBe("GET /agents/coder/x?a=1 HTTP/1.1");
    expect(headers.filter((header) => !/^connection:/i.test(header))).toEqual([
      "host: gateway.example",
      "x-user-id: u_alice",
    ]);
    expect(await door.outcome()).toEqual(ok(undefined));
    expect(door.health.reported).toEqual(["cloud-1 up"]);
  });

  it("streams: the client has the first part before the gateway sends the second", async () => {
    let gatewaySocket: Socket | undefined;
    const gateway = await startRawGateway((socket) => {
      gatewaySocket = socket;
      socket.write(`${answerOf("200 OK", "Content-Length: 8")}half`);
    });
    const door = await startDoor(gateway.url);
    const closing = head("GET /agents/coder/x HTTP/1.1", "Host: door.example", "Connection: close");
    const client = await rawConnect(door.port, closing);
    onTestFinished(() => void client.destroy());
    const arrived = collect(client);
    while (!arrived.bytes().includes("half")) await arrived.atLeast(arrived.bytes().length + 1);
    gatewaySocket?.write("tail");
    expect(await door.outcome()).toEqual(ok(undefined));
    expect(await arrived.over).toBe("end");
    expect(arrived.bytes().toString()).toMatch(/\r\n\r\nhalftail$/);
  });

  it("never ends cleanly what the gateway cut short", async () => {
    const gateway = await startRawGateway((socket) => {
      socket.end(`${answerOf("200 OK", "Transfer-Encoding: chunked")}4\r\nhalf\r\n`);
    });
    const door = await startDoor(gateway.url);
    const answer = await rawExchange(door.port, GET);
    expect(answer.text).toContain("half");
    expect(answer.text.endsWith("0\r\n\r\n")).toBe(false);
  });
});

describe("an end of access", () => {
  it("before the request is forwarded keeps it from the gateway", async () => {
    const gateway = await startRawGateway(() => {});
    const access = new AccessWatch();
    access.end();
    const door = await startDoor(gateway.url, { access });
    expect((await rawExchange(door.port, GET)).text).toContain("session_ended");
    expect(await door.outcome()).toEqual(err({ code: "session_ended", how: "ended" }));
    expect(gateway.connections()).toBe(0);
  });

  it("while the gateway is thinking is answered as such, and the gateway is let go", async () => {
    const gateway = await startRawGateway(() => {});
    const door = await startDoor(gateway.url);
    const answer = rawExchange(door.port, GET);
    await gateway.head;
    door.access.end();
    expect((await answer).text).toContain("session_ended");
    await gateway.closed;
    expect(door.health.reported).toEqual([]);
  });

  it("in the middle of an answer cuts it, at both sides", async () => {
    const gateway = await startRawGateway(
      (socket) => void socket.write(`${answerOf("200 OK", "Content-Length: 8")}half`),
    );
    const door = await startDoor(gateway.url);
    const client = await rawConnect(door.port, GET);
    const arrived = collect(client);
    while (!arrived.bytes().includes("half")) await arrived.atLeast(arrived.bytes().length + 1);
    door.access.end();
    await Promise.all([arrived.over, gateway.closed]);
    expect(arrived.bytes().toString().endsWith("half")).toBe(true);
  });

  it("in the middle of a flood stops it at once", async () => {
    const piece = Buffer.alloc(64 * 1024);
    const gateway = await startRawGateway((socket) => {
      const flood = () => {
        while (socket.write(piece));
      };
      socket.on("drain", flood).write(answerOf("200 OK"));
      flood();
    });
    const door = await startDoor(gateway.url);
    const client = await rawConnect(door.port, GET);
    const arrived = collect(client);
    await arrived.atLeast(4 * 1024 * 1024);
    door.access.end();
    await Promise.all([arrived.over, gateway.closed]);
    expect(await door.outcome()).toEqual(ok(undefined));
  });

  it("by a client that is gone before its request is forwarded keeps it from the gateway", async () => {
    const gateway = await startRawGateway(() => {});
    let arrived = () => {};
    const waiting = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    const door = await startDoor(gateway.url, {
      admit(response) {
        arrived();
        return once(response, "close");
      },
    });
    const client = await rawConnect(door.port, GET);
    await waiting;
    client.destroy();
    expect(await door.outcome()).toEqual(err({ code: "client_gone" }));
    expect(gateway.connections()).toBe(0);
  });

  it("by a client that hangs up is passed on", async () => {
    const gateway = await startRawGateway(() => {});
    const door = await startDoor(gateway.url);
    const client = await rawConnect(door.port, GET);
    await gateway.head;
    client.destroy();
    await gateway.closed;
    expect(await door.outcome()).toEqual(err({ code: "client_gone" }));
  });
});

describe("a gateway that cannot answer", () => {
  test.each([
    ["something else than HTTP", "SSH-2.0-x\r\n\r\n"],
    ["nothing at all", ""],
  ])("is told from one that is not there: %s", async (_what, bytes) => {
    const gateway = await startRawGateway((socket) => void socket.end(bytes));
    const door = await startDoor(gateway.url);
    await rawExchange(door.port, GET);
    expect(await door.outcome()).toEqual(
      err({ code: "gateway_answer_invalid", gateway: "cloud", what: expect.any(String) }),
    );
    expect(door.health.reported).toEqual([]);
  });

  it("is down when nobody listens there", async () => {
    const door = await startDoor("http://127.0.0.1:1");
    await rawExchange(door.port, GET);
    expect(await door.outcome()).toEqual(err({ code: "gateway_unavailable", gateway: "cloud" }));
    expect(door.health.reported).toEqual(["cloud-1 down"]);
  });
});

describe("a request's body", () => {
  const post = (body: string, ...lines: string[]) =>
    `${head("POST / HTTP/1.1", "Host: door.example", ...lines)}${body}`;

  /** A gateway that answers with the framing and the body that it received. */
  async function startEcho(): Promise<string> {
    const server = createServer(async (incoming, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of incoming) chunks.push(chunk as Buffer);
      const { "content-length": length, "transfer-encoding": coding } = incoming.headers;
      response.end(`${length ?? "no"} length, ${coding ?? "no"} coding: ${Buffer.concat(chunks).toString()}`);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  test.each([
    ["by its length", post("0123456789", "Content-Length: 10"), "10 length, no coding: 0123456789"],
    [
      "in chunks",
      post("4\r\n0123\r\n6\r\n456789\r\n0\r\n\r\n", "Transfer-Encoding: chunked"),
      "no length, chunked coding: 0123456789",
    ],
    [
      "by the number that Node takes it for",
      post("0123456789", "Content-Length: 0010"),
      "10 length, no coding: 0123456789",
    ],
    ["as none", post("", "Content-Length: 0"), "0 length, no coding: "],
    ["as none, said to a gateway that may wait for one", post(""), "0 length, no coding: "],
  ])("is passed on %s", async (_how, bytes, echoed) => {
    const door = await startDoor(await startEcho());
    expect((await rawExchange(door.port, bytes)).body).toBe(echoed);
  });

  test.each([
    ["by its length", post("01234567890", "Content-Length: 11")],
    ["in chunks", post("b\r\n01234567890\r\n0\r\n\r\n", "Transfer-Encoding: chunked")],
  ])("is refused past the limit, %s", async (_how, bytes) => {
    const gateway = await startRawGateway(() => {});
    const door = await startDoor(gateway.url);
    await rawExchange(door.port, bytes);
    expect(await door.outcome()).toEqual(err({ code: "body_too_large", limitBytes: BODY_LIMIT }));
  });
});
