import { createServer, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { describe, expect, it, test } from "vitest";
import type { ClientAnswer } from "../../../proxy/client-answer.ts";
import { SimpleAnswer } from "../../../proxy/simple/simple-answer.ts";
import { head } from "../../support/raw-client.ts";

const KEEP_ALIVE_SECONDS = 7;
const DATE = "Thu, 26 Nov 2026 10:00:00 GMT";

/** A client's connection, as the server has it. With `holds` nothing is read at the other end until `read` is called. */
function clientSocket({ holds = false } = {}) {
  const written: Buffer[] = [];
  const waiting: (() => void)[] = [];
  const socket = new Duplex({
    highWaterMark: 1_024,
    read() {},
    write(chunk: Buffer, _encoding, done) {
      written.push(chunk);
      if (holds) waiting.push(done);
      else done();
    },
  });
  return {
    socket: socket as Socket,
    text: () => Buffer.concat(written).toString("latin1"),
    read() {
      for (const done of waiting.splice(0)) done();
    },
  };
}

/** An answer on a connection of its own, and what its carrier is told. */
function simpleAnswer({ method = "GET", holds = false } = {}) {
  const client = clientSocket({ holds });
  const told: (string | number)[] = [];
  const carrier = {
    socket: client.socket,
    date: () => DATE,
    keepAliveSeconds: KEEP_ALIVE_SECONDS,
    allowSilence: (durationMs: number) => void told.push(durationMs),
    answered() {
      told.push("answered");
      answer.close();
    },
  };
  const answer = new SimpleAnswer(carrier, method === "HEAD");
  answer.on("close", () => told.push("closed"));
  return { ...client, answer, told };
}

type Script = (answer: ClientAnswer) => void;

async function bySimple(method: string, script: Script): Promise<string> {
  const { answer, text } = simpleAnswer({ method });
  const closed = new Promise<void>((resolve) => answer.on("close", resolve));
  script(answer);
  await closed;
  return text();
}

/** What Node's server writes, with the date of the other. */
async function byNode(method: string, script: Script): Promise<string> {
  const { socket, text } = clientSocket();
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_SECONDS * 1_000 });
  const asked = new Promise<ServerResponse>((resolve) =>
    server.on("request", (_, response) => resolve(response)),
  );
  server.emit("connection", socket);
  socket.push(head(`${method} / HTTP/1.1`, "Host: door"));
  const response = await asked;
  const closed = new Promise((resolve) => response.on("close", resolve));
  script(response);
  await closed;
  socket.destroy();
  return text().replace(/\r\nDate: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\n/, `\r\nDate: ${DATE}\r\n`);
}

const LENGTH = ["content-length", "10"];
const BODIES: readonly (readonly [string, readonly string[], Script])[] = [
  ["nothing", [], (answer) => answer.end()],
  ["nothing, and says so", ["content-length", "0"], (answer) => answer.end()],
  ["an empty text", [], (answer) => answer.end("")],
  ["an empty buffer", [], (answer) => answer.end(Buffer.alloc(0))],
  ["text", [], (answer) => answer.end("caf\u00e9 \u20ac")],
  ["text of a length", ["content-length", "9"], (answer) => answer.end("caf\u00e9 \u20ac")],
  ["bytes as text", [], (answer) => answer.end("0123\u00ff\u0080\r\n89", "latin1")],
  ["bytes as text, of a length", LENGTH, (answer) => answer.end("0123\u00ff\u0080\r\n89", "latin1")],
  ["bytes", [], (answer) => answer.end(Buffer.from("0123456789"))],
  ["bytes of a length", LENGTH, (answer) => answer.end(Buffer.from("0123456789"))],
  [
    "bytes in parts, one of them empty",
    [],
    (answer) => {
      for (const part of ["012", "", "3456789abcdef0123"]) answer.write(Buffer.from(part));
      answer.end();
    },
  ],
  [
    "bytes of a length in parts, the last with the end",
    LENGTH,
    (answer) => {
      answer.write(Buffer.from("012"));
      answer.write(Buffer.from("3456"));
      answer.end(Buffer.from("789"));
    },
  ],
  [
    "a head alone first",
    [],
    (answer) => {
      answer.flushHeaders();
      answer.write(Buffer.from("event"));
      answer.end("last", "latin1");
    },
  ],
  [
    "trailers behind it",
    [],
    (answer) => {
      answer.write(Buffer.from("body"));
      answer.addTrailers([
        ["x-sum", "1"],
        ["x-more", "caf\u00e9"],
      ]);
      answer.end();
    },
  ],
  [
    "trailers behind a length, which are not sent",
    LENGTH,
    (answer) => {
      answer.addTrailers([["x-sum", "1"]]);
      answer.end("0123456789");
    },
  ],
];
const HEADERS: readonly (readonly [string, readonly string[]])[] = [
  ["no headers", []],
  ["headers in their order, some twice", ["x-b", "2", "x-a", "a\tb", "x-b", "1", "x-empty", ""]],
  ["a date", ["date", "Mon, 01 Jan 2024 00:00:00 GMT"]],
  ["the end of the connection", ["connection", "close"]],
  ["the going on of the connection", ["connection", "keep-alive"]],
];

describe.each(["GET", "HEAD"])("to %s", (method) => {
  describe.each([200, 204, 206, 304, 404, 503, 599])("with %d", (status) => {
    test.each(HEADERS)("and %s, Node's server writes the same", async (_what, headers) => {
      for (const [what, framing, body] of BODIES) {
        // RFC 9110 §8.6: what is forwarded has no length in a 204 (answer-headers.ts).
        if (status === 204 && framing.length > 0) continue;
        const script: Script = (answer) => {
          answer.writeHead(status, [...headers, ...framing]);
          body(answer);
        };
        expect([what, await bySimple(method, script)]).toEqual([what, await byNode(method, script)]);
      }
    });
  });

  // Node's server writes them in UTF-8 before a text that is, and before a head that is sent alone.
  test("with bytes beyond ASCII in its headers, Node's server writes the same", async () => {
    for (const body of [Buffer.from("0123456789"), "0123456789"]) {
      const script: Script = (answer) => {
        answer.writeHead(200, ["x-a", "caf\u00e9 \u0080\u00ff", ...LENGTH]);
        answer.end(body, "latin1");
      };
      expect(await bySimple(method, script)).toBe(await byNode(method, script));
    }
  });

  test("on a connection that is not to go on, Node's server writes the same", async () => {
    for (const [what, framing, body] of BODIES) {
      const script: Script = (answer) => {
        answer.shouldKeepAlive = false;
        answer.writeHead(200, [...framing]);
        body(answer);
      };
      expect([what, await bySimple(method, script)]).toEqual([what, await byNode(method, script)]);
    }
  });
});

describe("an answer", () => {
  it("is over when it is all on its way, and no sooner", async () => {
    const { answer, told, text, read } = simpleAnswer({ holds: true });
    answer.writeHead(200, ["content-length", "4"]);
    expect([answer.headersSent, text()]).toEqual([true, ""]);
    answer.end("body", "latin1");
    expect(told).toEqual([]);
    while (told.length === 0) {
      read();
      await new Promise(setImmediate);
    }
    expect([told, text().endsWith("\r\n\r\nbody")]).toEqual([["answered", "closed"], true]);
  });

  it("is over at once where nothing waits", () => {
    const { answer, told } = simpleAnswer();
    answer.writeHead(204, []);
    answer.end();
    expect(told).toEqual(["answered", "closed"]);
  });

  it("is ended once", () => {
    const { answer, told, text } = simpleAnswer();
    answer.writeHead(200, ["content-length", "1"]);
    answer.end("a");
    answer.end("b");
    expect([told, text().endsWith("\r\n\r\na")]).toEqual([["answered", "closed"], true]);
  });

  it("says when its client does not read, and when it does again", async () => {
    const { answer, read } = simpleAnswer({ holds: true });
    answer.writeHead(200, []);
    const drained = new Promise<void>((resolve) => answer.once("drain", resolve));
    expect([answer.write(Buffer.alloc(100)), answer.write(Buffer.alloc(2_000))]).toEqual([true, false]);
    let isDrained = false;
    void drained.then(() => {
      isDrained = true;
    });
    while (!isDrained) {
      read();
      await new Promise(setImmediate);
    }
    expect(answer.write(Buffer.alloc(100))).toBe(true);
  });

  it("that has no body is never waited for", () => {
    const { answer, text } = simpleAnswer({ method: "HEAD", holds: true });
    answer.writeHead(200, ["content-length", "2000"]);
    expect(answer.write(Buffer.alloc(2_000))).toBe(true);
    expect(text().endsWith("\r\n\r\n")).toBe(true);
  });

  it("takes its connection with it when it is cut, and writes no more", () => {
    const { answer, socket, told, text } = simpleAnswer();
    answer.writeHead(200, []);
    answer.write(Buffer.from("begun"));
    const begun = text();
    answer.destroy();
    answer.end("more");
    expect([answer.destroyed, socket.destroyed, told, text()]).toEqual([true, true, [], begun]);
  });

  it("that is over leaves its connection alone", () => {
    const { answer, socket, told } = simpleAnswer();
    answer.writeHead(204, []);
    answer.end();
    answer.destroy();
    answer.setTimeout(5);
    expect([socket.destroyed, told]).toEqual([false, ["answered", "closed"]]);
  });

  it("hands on how long its client may be silent", () => {
    const { answer, told } = simpleAnswer();
    answer.setTimeout(1_234);
    expect(told).toEqual([1_234]);
  });

  test.each(["a\r\nb", "a\nb", "a\rb", "a\0b", "a\x7fb", "\u010a", "\u20ac"])(
    "has no header and no trailer of the value %j",
    (value) => {
      const { answer, text } = simpleAnswer();
      expect(() => answer.writeHead(200, ["x-a", value])).toThrow(TypeError);
      expect(() => answer.addTrailers([["x-a", value]])).toThrow(TypeError);
      expect(text()).toBe("");
    },
  );
});
