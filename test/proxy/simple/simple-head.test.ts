import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import { Duplex } from "node:stream";
import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { readSimpleHead, type SimpleHead } from "../../../proxy/simple/simple-head.ts";
import { head } from "../../support/raw-client.ts";

const LIMITS = { headerBytes: 1_024, headerCount: 8 };

function read(text: string, before?: SimpleHead["fields"]): SimpleHead | undefined {
  return readSimpleHead(Buffer.from(text, "latin1"), LIMITS, before);
}

/** What both readers say of a head. */
type Seen = Pick<SimpleHead, "method" | "url"> & Pick<SimpleHead["fields"], "rawHeaders" | "isUpgrade">;

function seen(text: string): Seen | undefined {
  const simple = read(text);
  if (simple === undefined) return undefined;
  const { method, url, fields } = simple;
  return { method, url, rawHeaders: fields.rawHeaders, isUpgrade: fields.isUpgrade };
}

const get = (...lines: readonly string[]) => head("GET /a?b HTTP/1.1", "Host: door", ...lines);
const UPGRADE = ["Connection: Upgrade", "Upgrade: websocket"];

describe("a simple request", () => {
  test.each<readonly [string, string, Partial<Seen>]>([
    ["in as few words as may be", get(), { rawHeaders: ["host", "door"] }],
    ["for a head alone", get().replace("GET", "HEAD"), { method: "HEAD", rawHeaders: ["host", "door"] }],
    ["for the root", get().replace("/a?b", "/"), { url: "/", rawHeaders: ["host", "door"] }],
    [
      "with blanks around a value, and within",
      get("A: \t b c \t", "B:d"),
      { rawHeaders: ["host", "door", "a", "b c", "b", "d"] },
    ],
    ["with a value of nothing", get("A:", "B: "), { rawHeaders: ["host", "door", "a", "", "b", ""] }],
    [
      "with a value beyond ASCII, that ends in the byte A0",
      get("A: caf\xe9\xa0"),
      { rawHeaders: ["host", "door", "a", "caf\xe9\xa0"] },
    ],
    ["with one name twice", get("A: b", "a: c"), { rawHeaders: ["host", "door", "a", "b", "a", "c"] }],
    [
      "with every sign that a name may have",
      get("!#$%&'*+-.^_`|~09azAZ: b"),
      { rawHeaders: ["host", "door", "!#$%&'*+-.^_`|~09azaz", "b"] },
    ],
    [
      "that keeps its connection",
      get("Connection: Keep-Alive"),
      { rawHeaders: ["host", "door", "connection", "Keep-Alive"] },
    ],
    ["with as many fields as may be", get(...Array.from({ length: 7 }, () => "A: b")), {}],
    ["as long as may be", get(`A: ${"b".repeat(LIMITS.headerBytes - get("A: ").length)}`), {}],
  ])("%s is recognised", (_what, text, expected) => {
    expect(seen(text)).toMatchObject({ method: "GET", url: "/a?b", isUpgrade: false, ...expected });
  });

  test.each(["Upgrade", "upgrade", "keep-alive, Upgrade", "Keep-Alive,upgrade"])(
    "with Connection: %s is one for another protocol",
    (value) => {
      const rawHeaders = ["host", "door", "connection", value, "upgrade", "websocket"];
      const expected = { method: "GET", url: "/a?b", rawHeaders, isUpgrade: true };
      expect(seen(get(`Connection: ${value}`, "Upgrade: websocket"))).toEqual(expected);
    },
  );
});

describe("Node's parser has to judge", () => {
  test.each<readonly [string, string]>([
    ["nothing", ""],
    ["a head that goes on", get().slice(0, -2)],
    ["a head without its last byte", get().slice(0, -1)],
    ["a request line alone", "GET / HTTP/1.1\r\n"],
    ["a request without any field", "GET / HTTP/1.1\r\n\r\n"],
    ["a byte behind the head", `${get()}x`],
    ["another request behind the head", get() + get()],
    ["an empty line behind the head", `${get()}\r\n`],
    ["an empty line before the head", `\r\n${get()}`],
    ["a line feed before the head", `\n${get()}`],
    ["a blank before the head", ` ${get()}`],
    ["a method with a body", get().replace("GET", "POST")],
    ["a method in lower case", get().replace("GET", "get")],
    ["a method that goes on", get().replace("GET", "GETS")],
    ["OPTIONS", get().replace("GET", "OPTIONS")],
    ["HTTP/1.0", get().replace("HTTP/1.1", "HTTP/1.0")],
    ["HTTP/1.2", get().replace("HTTP/1.1", "HTTP/1.2")],
    ["a version in lower case", get().replace("HTTP", "http")],
    ["no version", get().replace(" HTTP/1.1", "")],
    ["two blanks in the request line", get().replace("GET ", "GET  ")],
    ["a tab in the request line", get().replace("GET ", "GET\t")],
    ["a blank behind the request line", get().replace("1.1", "1.1 ")],
    ["an absolute target", get().replace("/a", "http://door/a")],
    ["an asterisk for a target", get().replace("/a?b", "*")],
    ["an authority for a target", get().replace("/a?b", "door:443")],
    ["a target that begins with none of these", get().replace("/a", "a")],
    ["no target", get().replace("/a?b ", "")],
    ["a control character in the target", get().replace("/a", "/\x7f")],
    ["a target beyond ASCII", get().replace("/a", "/\xe9")],
    ["a request line that ends in LF", get().replace("1.1\r\n", "1.1\n")],
    ["a line that ends in LF", get("A: b").replace("door\r\n", "door\n")],
    ["a line that ends in CR", get("A: b").replace("door\r\n", "door\r")],
    ["a head that ends in LF LF", get().replace("\r\n\r\n", "\n\n")],
    ["a head that ends in CRLF LF", get().replace("\r\n\r\n", "\r\n\n")],
    ["a CR in a value", get("A: b\rc")],
    ["a NUL in a value", get("A: b\0c")],
    ["a DEL in a value", get("A: b\x7fc")],
    ["a line that goes on from the one before", get("A: b", " c")],
    ["a first line that goes on from the request line", head("GET / HTTP/1.1", " Host: door")],
    ["a blank before the colon", get("A : b")],
    ["a tab before the colon", get("A\t: b")],
    ["a name with a blank", get("A B: c")],
    ["a name beyond ASCII", get("\xc4: b")],
    ["an empty name", get(": b")],
    ["a line without a colon", get("A")],
    ["a length, also of nothing", get("Content-Length: 0")],
    ["a length in odd spelling", get("cONTENT-lENGTH: 5")],
    ["chunks", get("Transfer-Encoding: chunked")],
    ["an expectation", get("Expect: 100-continue")],
    ["trailers to come", get("Trailer: A")],
    ["a connection to be closed", get("Connection: close")],
    ["a connection that names a field", get("Connection: A", "A: b")],
    ["a connection that names two", get("Connection: keep-alive, A", "A: b")],
    ["a connection that says nothing", get("Connection:")],
    ["a connection said twice", get("Connection: keep-alive", "Connection: keep-alive")],
    ["rules for keeping the connection", get("Keep-Alive: timeout=5")],
    ["a connection of proxies", get("Proxy-Connection: keep-alive")],
    ["an upgrade that is not named", get("Upgrade: websocket")],
    ["an upgrade on a connection that is kept", get("Connection: keep-alive", "Upgrade: websocket")],
    ["an upgrade named alone", get("Connection: Upgrade")],
    ["an upgrade to nothing", get("Connection: Upgrade", "Upgrade:")],
    ["an upgrade with HTTP/2 settings", get(...UPGRADE, "HTTP2-Settings: AAAA")],
    ["an upgrade with a body", get(...UPGRADE, "Content-Length: 5")],
    ["one field too many", get(...Array.from({ length: 8 }, () => "A: b"))],
    ["a byte too many", get(`A: ${"b".repeat(LIMITS.headerBytes - get("A: ").length + 1)}`)],
  ])("%s", (_what, text) => {
    expect(read(text)).toBeUndefined();
  });
});

describe("fields that came before", () => {
  const before = read(get("Cookie: a=1"))?.fields;

  it("are the very same object when they come again to the byte, whatever is asked for", () => {
    const again = [get("Cookie: a=1"), get("Cookie: a=1").replace("GET /a?b", "HEAD /c")];
    expect(again.map((text) => read(text, before)?.fields === before)).toEqual([true, true]);
    expect(read(again[1] ?? "", before)).toMatchObject({ method: "HEAD", url: "/c" });
  });

  test.each([
    ["another value", get("Cookie: a=2")],
    ["another case", get("cookie: a=1")],
    ["a blank more", get("Cookie: a=1 ")],
    ["a field more", get("Cookie: a=1", "A: b")],
    ["a field less", get()],
    ["another order", head("GET /a?b HTTP/1.1", "Cookie: a=1", "Host: door")],
  ])("are not when there is %s", (_what, text) => {
    const fields = read(text, before)?.fields;
    expect([fields === undefined, fields === before]).toEqual([false, false]);
  });

  it("make nothing simple that is not", () => {
    for (const text of [`${get("Cookie: a=1")}x`, get("Cookie: a=1").replace("1.1", "1.0")]) {
      expect(read(text, before)).toBeUndefined();
    }
  });

  it("are taken for others after a change of any one byte", () => {
    const bytes = Buffer.from(get("Cookie: a=1"), "latin1");
    const from = bytes.indexOf("\n") + 1;
    fc.assert(
      fc.property(
        fc.integer({ min: from, max: bytes.length - 1 }),
        fc.integer({ min: 1, max: 255 }),
        (at, by) => {
          const other = Buffer.from(bytes);
          other[at] = (bytes[at] ?? 0) ^ by;
          expect(readSimpleHead(other, LIMITS, before)?.fields === before).toBe(false);
        },
      ),
    );
  });
});

describe("what is recognised, Node's own server reads alike", () => {
  // Host is a matter of the stage behind both (parse-request.ts).
  const server = createServer({
    maxHeaderSize: 16 * 1024,
    requireHostHeader: false,
    insecureHTTPParser: false,
  });
  server.maxHeadersCount = 1_000;

  /** Everything that Node's server makes of these bytes, on a connection of their own. */
  async function readByNode(bytes: Buffer): Promise<(Seen | string)[]> {
    const found: (Seen | string)[] = [];
    const note = (incoming: IncomingMessage, isUpgrade: boolean) => {
      const rawHeaders = incoming.rawHeaders.map((text, index) =>
        index % 2 === 0 ? text.toLowerCase() : text,
      );
      const { method = "", url = "" } = incoming;
      found.push({ method: method as Seen["method"], url, rawHeaders, isUpgrade });
    };
    const socket = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
    const listeners = {
      request(incoming: IncomingMessage) {
        note(incoming, false);
        incoming.on("data", (chunk) => found.push(`body: ${chunk}`)).on("end", () => found.push("end"));
      },
      upgrade(incoming: IncomingMessage, _socket: unknown, behind: Buffer) {
        note(incoming, true);
        found.push(behind.length === 0 ? "end" : `behind: ${behind}`);
      },
      clientError: (error: Error) => void found.push(`fault: ${error.message}`),
    };
    for (const [event, listener] of Object.entries(listeners)) server.on(event, listener);
    server.emit("connection", socket);
    socket.push(bytes);
    await new Promise(setImmediate);
    for (const [event, listener] of Object.entries(listeners)) server.off(event, listener);
    socket.destroy();
    await once(socket, "close");
    return found;
  }

  const oneOf = (...values: readonly string[]) => fc.constantFrom(...values);
  const noise = fc.string({
    unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
  });
  const often = <Value>(usual: fc.Arbitrary<Value>, odd: fc.Arbitrary<Value>) =>
    fc.oneof({ arbitrary: usual, weight: 30 }, { arbitrary: odd, weight: 1 });
  const name = often(
    oneOf("Host", "Cookie", "Accept", "X-A", "X_A", "A", "a", "__proto__", "TE", "!#$%&'*+-.^_`|~", "Origin"),
    fc.oneof(
      oneOf("Content-Length", "Transfer-Encoding", "Expect", "Trailer", "Keep-Alive", "Proxy-Connection"),
      oneOf(
        "HTTP2-Settings",
        "A ",
        " A",
        "A\t",
        "",
        "\xc4",
        "A\0",
        "Upgrade",
        "Connection",
        "Content-Length ",
      ),
      noise,
    ),
  );
  const value = often(
    oneOf(
      "door",
      "b c",
      "",
      "a=1; b=2",
      '"x, y"',
      "caf\xe9\xa0",
      "\x80\xff",
      "a:b",
      "websocket",
      "keep-alive",
    ),
    fc.oneof(
      oneOf(
        "0",
        "5",
        "chunked",
        "100-continue",
        "close",
        "Upgrade",
        "keep-alive, Upgrade",
        "b\rc",
        "b\nc",
        "b\0c",
      ),
      oneOf("b\r\n c", "b\r\n\tc", "\x7f", "\v", "x\r\n\r\nGET /smuggled HTTP/1.1"),
      noise,
    ),
  );
  const colon = often(oneOf(":", ": ", ":\t", ":  "), oneOf(" :", "", "::", ":\r\n "));
  const end = often(fc.constant("\r\n"), oneOf("\n", "\r", "\r\r\n", "\r\n\r\n", ""));
  const line = fc.tuple(name, colon, value, oneOf("", "", " ", "\t "), end).map((parts) => parts.join(""));
  const connection = oneOf(
    ...["", "", "", "Connection: keep-alive\r\n", "Connection: Keep-Alive \r\n", "Connection: close\r\n"],
    ...[
      "Connection: Upgrade\r\nUpgrade: websocket\r\n",
      "Upgrade: h2c\r\nConnection: keep-alive,  upgrade\r\n",
    ],
    ...[
      "Connection: Upgrade\r\nUpgrade:\r\n",
      "Connection:\r\n",
      "Connection: upgrade\r\n",
      "Upgrade: a\r\n",
    ],
    ...[
      "Connection: keep-alive\r\nConnection: close\r\n",
      "Connection: Upgrade\r\nUpgrade: a\r\nUpgrade:\r\n",
    ],
  );
  const target = often(
    oneOf("/", "/a", "/a?b=c", "/a#b", "/%41?#?", '/a|b\\c^`{}"<>', "/a//b/../c", "/?a?b#c#d"),
    fc.oneof(
      oneOf("*", "a", "http://door/", "door:443", "//", "?a", "#a", "", "/\x7f", "/\xe9", "/\t"),
      noise,
    ),
  );
  const requestLine = fc
    .tuple(
      often(fc.constant(""), oneOf("\r\n", "\n", "\r", " ", "\0")),
      often(oneOf("GET", "HEAD"), oneOf("POST", "get", "OPTIONS", "PRI", "GET\t", "CONNECT", "")),
      often(fc.constant(" "), oneOf("  ", "\t", "")),
      target,
      often(
        fc.constant(" HTTP/1.1"),
        oneOf(" HTTP/1.0", " HTTP/1.2", "  HTTP/1.1", " http/1.1", "", " HTTP/1.1 "),
      ),
      end,
    )
    .map((parts) => parts.join(""));
  const heads = fc
    .tuple(
      requestLine,
      fc.oneof(
        { arbitrary: fc.array(line, { maxLength: 5 }), weight: 9 },
        { arbitrary: fc.array(line, { maxLength: 120 }), weight: 1 },
      ),
      connection,
      fc.array(line, { maxLength: 2 }),
      often(
        fc.constant("\r\n"),
        oneOf("\n", "", "\r\n\r\n", "\r\nx", "\r\nGET /b HTTP/1.1\r\nHost: b\r\n\r\n"),
      ),
      // One byte is another one, one time in three.
      fc.option(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { freq: 2 }),
    )
    .map(([first, before, about, behind, last, change]) => {
      const bytes = Buffer.from([first, ...before, about, ...behind, last].join(""), "latin1");
      if (change !== null) bytes[change[0] % bytes.length] = change[1];
      return bytes;
    });

  it("as one request without a body: method, target, and every field in its place", async () => {
    const limits = { headerBytes: 16 * 1024, headerCount: 100 };
    let recognised = 0;
    await fc.assert(
      fc.asyncProperty(heads, async (bytes) => {
        const simple = readSimpleHead(bytes, limits, undefined);
        if (simple === undefined) return;
        recognised += 1;
        const { method, url, fields } = simple;
        const { rawHeaders, isUpgrade } = fields;
        expect(await readByNode(bytes)).toEqual([{ method, url, rawHeaders, isUpgrade }, "end"]);
      }),
      { numRuns: 5_000 },
    );
    // A reader that recognises nothing would be held to nothing.
    expect(recognised).toBeGreaterThan(500);
  });
});
