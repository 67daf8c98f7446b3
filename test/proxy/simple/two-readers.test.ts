// Node's server with the door's own reader in front of it, beside the same server without one: whatever a client says, and
// in however many pieces, both answer the same.
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { readSimpleRequests } from "../../../proxy/simple/read-simple-requests.ts";
import { createManualClock } from "../../support/manual-clock.ts";
import { handshake, head } from "../../support/raw-client.ts";

const LIMITS = { headerBytes: 16 * 1024, headerCount: 100, headersTimeout: 60_000, keepAliveTimeout: 60_000 };

/** What was understood of a request, as the answer to it. */
function said(method: string, url: string, rawHeaders: readonly string[], body: string): string {
  const fields = rawHeaders.map((text, index) => (index % 2 === 0 ? text.toLowerCase() : text));
  return JSON.stringify({ method, url, fields, body });
}

let taken = 0;

function answering(isBehindReader: boolean): Server {
  const server = createServer({ keepAliveTimeout: LIMITS.keepAliveTimeout, requireHostHeader: false });
  if (isBehindReader) {
    readSimpleRequests<object>(
      server,
      "connection",
      {
        request({ method, url, fields }, _socket, answer) {
          if (url.startsWith("/page")) return undefined;
          taken += 1;
          const text = said(method, url, fields.rawHeaders, "");
          answer.writeHead(200, ["content-length", String(text.length)]);
          answer.end(text, "latin1");
          return fields;
        },
        upgrade({ method, url, fields }, socket) {
          if (url.startsWith("/page")) return false;
          taken += 1;
          socket.end(`upgrade:${said(method, url, fields.rawHeaders, "")}`, "latin1");
          return true;
        },
      },
      { limits: LIMITS, clock: createManualClock(0), onFault: (error) => expect.fail(String(error)) },
    );
  }
  server.on("request", (incoming, response) => {
    let body = "";
    incoming.setEncoding("latin1").on("data", (chunk) => {
      body += chunk;
    });
    incoming.on("end", () => {
      const text = said(incoming.method ?? "", incoming.url ?? "", incoming.rawHeaders, body);
      response.writeHead(200, ["content-length", String(text.length)]).end(text, "latin1");
    });
  });
  server.on("upgrade", ({ method = "", url = "", rawHeaders }, socket, behind: Buffer) => {
    socket.end(`upgrade:${said(method, url, rawHeaders, "")}${behind.toString("latin1")}`, "latin1");
  });
  return server;
}

const servers = [answering(true), answering(false)] as const;
beforeAll(async () => {
  for (const server of servers) {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
  }
});
afterAll(() => {
  for (const server of servers) server.close();
});

/** Says one message after another, each in its pieces and when there is an answer to the one before; and all that was answered. */
async function conversation(server: Server, messages: readonly (readonly string[])[]): Promise<string> {
  const accepted = once(server, "connection") as Promise<[Socket]>;
  const client = connect((server.address() as AddressInfo).port, "127.0.0.1");
  let text = "";
  let isOver = false;
  client.on("data", (chunk) => {
    text += chunk.toString("latin1");
  });
  client.on("error", () => {});
  client.on("close", () => {
    isOver = true;
  });
  const [socket] = await accepted;
  const until = async (isSo: () => boolean) => {
    while (!isOver && !isSo()) await new Promise(setImmediate);
  };
  let sent = 0;
  for (const pieces of messages) {
    const before = text.length;
    for (const piece of pieces) {
      client.write(piece, "latin1");
      sent += piece.length;
      await until(() => socket.bytesRead >= sent);
    }
    await until(() => isWhole(text.slice(before)));
  }
  client.destroy();
  await until(() => false);
  return text.replaceAll(/Date: [^\r]+\r\n/g, "");
}

function isWhole(text: string): boolean {
  const [, length] = /content-length: (\d+)\r\n/.exec(text) ?? [];
  return length !== undefined && text.length >= text.indexOf("\r\n\r\n") + 4 + Number(length);
}

const get = (target: string, ...lines: readonly string[]) =>
  head(`GET ${target} HTTP/1.1`, "Host: a", ...lines);
const post = (...lines: readonly string[]) => head("POST /a HTTP/1.1", "Host: a", ...lines);
const message = fc.oneof(
  {
    arbitrary: fc.constantFrom(
      get("/a"),
      get("/b?c"),
      get("/a", "A: \xe9\xa0", "a: ", "Connection: Keep-Alive"),
    ),
    weight: 4,
  },
  fc.constantFrom(
    ...[
      get("/page"),
      get("/a", "Content-Length: 0"),
      get("/a", "Expect: 100-continue"),
      get("/a", "TE: trailers"),
    ],
    ...[
      `${post("Content-Length: 3")}a\r\n`,
      `${post("Transfer-Encoding: chunked")}3\r\na\r\n\r\n0\r\nB: c\r\n\r\n`,
    ],
    ...[
      `\r\n\r\n${get("/a")}`,
      `${get("/a", "Content-Length: 2")}xy`,
      get("/a", "Connection: keep-alive, A"),
    ],
    ...[get("/a", "Connection: close"), get("/a").replace("1.1", "1.0"), get("/a", " b"), get("/a", "A : b")],
    ...[
      get("/a", "A: b\0"),
      get("/a").replaceAll("\r\n", "\n"),
      head("GET / HTTP/1.1"),
      get("http://a/"),
      "\x16\x03\x01",
    ],
    ...[get("/a", "Content-Length: 1", "Transfer-Encoding: chunked"), get("/a", "Upgrade: h2c")],
    ...[
      head(...handshake("/a", "a")),
      head(...handshake("/page", "a")),
      `${head(...handshake("/a", "a"))}behind`,
    ],
    ...[get("/a", "Connection: upgrade", "Upgrade:"), head(...handshake("/a", "a", "Content-Length: 3"))],
  ),
);
const inPieces = fc
  .tuple(message, fc.oneof(fc.constant([]), fc.array(fc.nat(200), { maxLength: 3 })))
  .map(([text, cuts]) => {
    const places = [...new Set(cuts.map((cut) => cut % text.length))].sort((one, other) => one - other);
    return [0, ...places]
      .map((from, index) => text.slice(from, places[index]))
      .filter((piece) => piece !== "");
  });

it("one connection is answered alike, to the byte", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(inPieces, { minLength: 1, maxLength: 6 }), async (messages) => {
      const [one, other] = await Promise.all(servers.map((server) => conversation(server, messages)));
      expect(one).toBe(other);
    }),
    { numRuns: 150 },
  );
  expect(taken).toBeGreaterThan(50);
});
