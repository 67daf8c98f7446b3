// What RFC 9110 and 9112 ask of whoever stands between a client and an origin, byte for byte.
import { once } from "node:events";
import type { Socket } from "node:net";
import { describe, expect, it, onTestFinished, test } from "vitest";
import { err, ok } from "../../../core/result.ts";
import { head, rawConnect, rawExchange } from "../../support/raw-client.ts";
import { startDoor } from "./http-door.ts";
import { answerOf, startRawGateway } from "./raw-gateway.ts";
import { collect } from "./socket-pair.ts";

const get = (...lines: string[]) => head("GET / HTTP/1.1", "Host: door.example", ...lines);

/** One exchange with a gateway that answers with these bytes, until the door closes the connection. */
async function answerTo(request: string, answer: string) {
  const gateway = await startRawGateway((socket) => void socket.write(answer));
  const door = await startDoor(gateway.url);
  const received = await rawExchange(door.port, request, () => false);
  return { received, door, gateway };
}

/** An answer's head line and body; of its headers only these. */
function shape(text: string, ...names: string[]) {
  const [top = "", ...body] = text.split("\r\n\r\n");
  const [line, ...lines] = top.split("\r\n");
  const headers = lines.filter((each) => names.includes(each.slice(0, each.indexOf(":")).toLowerCase()));
  return { line, headers, body: body.join("\r\n\r\n") };
}

const FRAMING = ["content-length", "transfer-encoding", "trailer", "upgrade", "connection"];
const CLOSE = "Connection: close";

describe("answers without a body", () => {
  it("to HEAD say the length that GET would have, and end with their head", async () => {
    const request = head("HEAD / HTTP/1.1", "Host: door.example", CLOSE);
    const { received, door } = await answerTo(request, answerOf("200 OK", "Content-Length: 5"));
    expect(shape(received.text, ...FRAMING)).toEqual({
      line: "HTTP/1.1 200 OK",
      headers: ["content-length: 5", CLOSE],
      body: "",
    });
    expect([await door.outcome(), door.response().writableFinished]).toEqual([ok(undefined), true]);
  });

  it("of 304 may say the length of what is stored", async () => {
    const { received, door } = await answerTo(get(CLOSE), answerOf("304 Not Modified", "Content-Length: 5"));
    expect(shape(received.text, ...FRAMING)).toEqual({
      line: "HTTP/1.1 304 Not Modified",
      headers: ["content-length: 5", CLOSE],
      body: "",
    });
    expect([await door.outcome(), door.response().writableFinished]).toEqual([ok(undefined), true]);
  });

  test.each([
    ["a length of nothing", answerOf("204 No Content", "Content-Length: 0")],
    ["a length", `${answerOf("204 No Content", "Content-Length: 5")}hello`],
    ["chunks", `${answerOf("204 No Content", "Transfer-Encoding: chunked")}0\r\n\r\n`],
  ])("of 204 end with their head, though the gateway sends %s", async (_what, answer) => {
    const { received, door } = await answerTo(get(CLOSE), answer);
    expect(shape(received.text, ...FRAMING)).toEqual({
      line: "HTTP/1.1 204 No Content",
      headers: [CLOSE],
      body: "",
    });
    expect([await door.outcome(), door.response().writableFinished]).toEqual([ok(undefined), true]);
  });
});

describe("informational answers", () => {
  test.each(["100 Continue", "102 Processing", "103 Early Hints", "104 Upload Resumption Supported"])(
    "of %s are for the door alone",
    async (line) => {
      const hint = answerOf(line, "Link: </x>; rel=preload");
      const { received } = await answerTo(
        get(CLOSE),
        `${hint}${hint}${answerOf("200 OK", "Content-Length: 2")}ok`,
      );
      expect(shape(received.text, "link", ...FRAMING)).toEqual({
        line: "HTTP/1.1 200 OK",
        headers: ["content-length: 2", CLOSE],
        body: "ok",
      });
    },
  );

  it("of 101, for which the door did not ask, are no answer", async () => {
    const { door, gateway } = await answerTo(
      get(),
      answerOf("101 Switching Protocols", "Upgrade: h2c", "Connection: Upgrade"),
    );
    await gateway.closed;
    expect(await door.outcome()).toEqual(
      err({ code: "gateway_answer_invalid", gateway: "cloud", what: "status 101 to a request" }),
    );
  });

  it("upgrades that are only offered are not passed on", async () => {
    const answer = `${answerOf("426 Upgrade Required", "Upgrade: h2c", "Connection: Upgrade", "Content-Length: 0")}`;
    const { received } = await answerTo(get(CLOSE), answer);
    expect(shape(received.text, ...FRAMING)).toEqual({
      line: "HTTP/1.1 426 Upgrade Required",
      headers: ["content-length: 0", CLOSE],
      body: "",
    });
  });
});

describe("trailers", () => {
  const answer = `${answerOf("200 OK", "Transfer-Encoding: chunked", "Trailer: X-Sum")}2\r\nok\r\n0\r\nX-Sum: 1\r\nSet-Cookie: a=b\r\n\r\n`;

  test.each(["trailers", "gzip, trailers", "Trailers ,deflate"])(
    "of an answer reach who sends TE: %s, without what no trailer may say",
    async (te) => {
      const { received } = await answerTo(get(CLOSE, `TE: ${te}`), answer);
      expect(shape(received.text, ...FRAMING)).toEqual({
        line: "HTTP/1.1 200 OK",
        headers: [CLOSE, "Transfer-Encoding: chunked"],
        body: "2\r\nok\r\n0\r\nx-sum: 1\r\n\r\n",
      });
    },
  );

  test.each([[], ["TE: gzip"], ["TE: trailers-later"]])("are dropped for who sends %j", async (...lines) => {
    const { received } = await answerTo(get(CLOSE, ...lines), answer);
    expect(received.text.endsWith("\r\n\r\n2\r\nok\r\n0\r\n\r\n")).toBe(true);
  });
});

describe("a body that the client asks leave to send", () => {
  const asking = head(
    "POST / HTTP/1.1",
    "Host: door.example",
    "Expect: 100-continue",
    "Content-Length: 2",
    CLOSE,
  );

  it("is invited when the gateway is there, and not announced to it", async () => {
    const gateway = await startRawGateway(
      (socket) => void socket.write(`${answerOf("200 OK", "Content-Length: 2")}ok`),
    );
    const door = await startDoor(gateway.url);
    const client = await rawConnect(door.port, asking);
    onTestFinished(() => void client.destroy());
    const arrived = collect(client);
    const invitation = answerOf("100 Continue");
    expect((await arrived.atLeast(invitation.length)).toString()).toBe(invitation);
    client.write("hi");
    await arrived.over;
    expect(arrived.bytes().toString().slice(invitation.length)).toMatch(
      /^HTTP\/1\.1 200 OK\r\n.*\r\n\r\nok$/s,
    );
    expect((await gateway.head).toLowerCase()).not.toContain("expect");
  });

  it("is not invited when no gateway is there", async () => {
    const door = await startDoor("http://127.0.0.1:1");
    const answer = await rawExchange(door.port, asking, () => false);
    expect(answer.text.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 500"]);
    expect(await door.outcome()).toEqual(err({ code: "gateway_unavailable", gateway: "cloud" }));
  });

  it("is not invited when it is too large", async () => {
    const gateway = await startRawGateway(() => {});
    const door = await startDoor(gateway.url);
    const answer = await rawExchange(door.port, asking.replace("h: 2", "h: 11"), () => false);
    expect(answer.text.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 500"]);
    expect(gateway.connections()).toBe(0);
  });
});

describe("an answer that is not whole", () => {
  test.each([
    ["shorter than its length", `${answerOf("200 OK", "Content-Length: 8")}half`],
    ["in the middle of a chunk", `${answerOf("200 OK", "Transfer-Encoding: chunked")}8\r\nhalf`],
    ["with a chunk that is none", `${answerOf("200 OK", "Transfer-Encoding: chunked")}4\r\nhalf\r\nzz\r\n`],
  ])("is cut, never ended: %s", async (_how, bytes) => {
    const gateway = await startRawGateway((socket) => void socket.end(bytes));
    const door = await startDoor(gateway.url);
    const answer = await rawExchange(door.port, get(), () => false);
    expect(answer.text).toContain("half");
    expect(answer.text).not.toMatch(/\r\n0\r\n\r\n$/);
    expect(await door.outcome()).toEqual(ok(undefined));
  });

  test.each([
    ["a header of 17 KB", answerOf("200 OK", `X-A: ${"a".repeat(17_000)}`, "Content-Length: 0")],
    ["a control character in a header", answerOf("200 OK", "X-A: a\x01b", "Content-Length: 0")],
    ["two lengths", answerOf("200 OK", "Content-Length: 1", "Content-Length: 2")],
  ])("is none with %s: the connection to the gateway is given up", async (_what, answer) => {
    const { door, gateway } = await answerTo(get(), answer);
    await gateway.closed;
    expect(await door.outcome()).toMatchObject(err({ code: "gateway_answer_invalid", gateway: "cloud" }));
  });
});

it("an answer that comes before the request is whole ends the connection", async () => {
  const gateway = await startRawGateway(
    (socket) => void socket.write(`${answerOf("413 Too Large", "Content-Length: 2")}no`),
  );
  const door = await startDoor(gateway.url);
  const post = head("POST / HTTP/1.1", "Host: door.example", "Content-Length: 10");
  const answer = await rawExchange(door.port, `${post}begun`, () => false);
  expect(shape(answer.text, ...FRAMING)).toEqual({
    line: "HTTP/1.1 413 Payload Too Large",
    headers: ["content-length: 2", CLOSE],
    body: "no",
  });
});

it("a body of which the rest never comes is not ended at the gateway either", async () => {
  let atGateway: Socket | undefined;
  const gateway = await startRawGateway((socket) => {
    atGateway = socket;
  });
  const door = await startDoor(gateway.url);
  const post = head("POST / HTTP/1.1", "Host: door.example", "Transfer-Encoding: chunked");
  const client = await rawConnect(door.port, `${post}2\r\nhi\r\n`);
  await gateway.head;
  const received = collect(atGateway as unknown as Socket);
  client.destroy();
  await gateway.closed;
  expect(received.bytes().toString()).not.toContain("0\r\n\r\n");
  expect(await door.outcome()).toEqual(err({ code: "client_gone" }));
});

it("a body passes as it comes, before it is whole", async () => {
  let atGateway: Socket | undefined;
  const gateway = await startRawGateway((socket) => {
    atGateway = socket;
  });
  const door = await startDoor(gateway.url);
  const post = head("POST / HTTP/1.1", "Host: door.example", "Transfer-Encoding: chunked", CLOSE);
  const client = await rawConnect(door.port, `${post}2\r\nhi\r\n`);
  onTestFinished(() => void client.destroy());
  expect(await gateway.head).toMatch(/\r\ntransfer-encoding: chunked\r\n\r\n(2\r\nhi\r\n)?$/);
  client.write("2\r\nho\r\n0\r\nX-User-Id: root\r\n\r\n");
  const socket = atGateway as unknown as Socket;
  const rest = collect(socket);
  while (!rest.bytes().toString().endsWith("2\r\nho\r\n0\r\n\r\n"))
    await rest.atLeast(rest.bytes().length + 1);
  socket.write(answerOf("200 OK", "Content-Length: 0"));
  await once(client.resume(), "close");
  expect(await door.outcome()).toEqual(ok(undefined));
});
