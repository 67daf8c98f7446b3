// Attacks by the mechanics of upgrades: handshakes that only look like one, bytes that come too early, gateways
// that answer something else, pages of other sites (rows S99 to S119 as far as they concern upgrades).
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ALICE, type FrontDoorFixture, startTestFrontDoor } from "../support/front-door-fixture.ts";
import {
  handshake,
  head,
  type RawAnswer,
  rawConnect,
  rawExchange,
  untilClosed,
} from "../support/raw-client.ts";
import {
  type RecordedRequest,
  type RecorderGateway,
  startRecorder,
  switching,
} from "../support/recorder-gateway.ts";

const PATH = "/agents/coder/ws";

let gateway: RecorderGateway;
let door: FrontDoorFixture;
let cookie: string;
let sent: number;

beforeAll(async () => {
  gateway = await startRecorder();
  door = await startTestFrontDoor({ gateways: { cloud: { endpoints: { "cloud-1": gateway.url } } } });
  cookie = await door.signIn(ALICE);
});
beforeEach(() => {
  sent = gateway.requests.length;
});
afterEach(() => gateway.answerWith(undefined));
afterAll(async () => {
  await door.close();
  await gateway.close();
});

const own = () => [`Origin: ${door.publicUrl}`, `Cookie: ${cookie}`];
const valid = (...lines: string[]) => handshake(PATH, door.host, ...own(), ...lines);
const newRequests = () => gateway.requests.slice(sent);

/** The valid handshake with each line replaced whose name is given; an empty value leaves the line out. */
function changed(changes: Readonly<Record<string, string>>, ...more: string[]): string {
  const lines = valid().flatMap((line) => {
    const change = changes[line.slice(0, line.indexOf(":"))];
    return change === undefined ? [line] : change === "" ? [] : [change];
  });
  return head(...lines, ...more);
}

/** Everything until the door ends the connection: it must, and nothing may follow its one answer. */
async function refusal(bytes: string): Promise<RawAnswer> {
  const answer = await rawExchange(door.port, bytes, () => false);
  expect(answer.text.match(/HTTP\/1\.1 /g)).toHaveLength(1);
  expect(answer.headers.get("connection")).toBe("close");
  expect(answer.headers.has("location")).toBe(false);
  return answer;
}

describe("a handshake that is none", () => {
  it.each([
    ["S107: version 777", () => changed({ "Sec-WebSocket-Version": "Sec-WebSocket-Version: 777" }), 400],
    ["S107: version 12", () => changed({ "Sec-WebSocket-Version": "Sec-WebSocket-Version: 12" }), 400],
    [
      "S107: version 13 and 8",
      () => changed({ "Sec-WebSocket-Version": "Sec-WebSocket-Version: 13, 8" }),
      400,
    ],
    ["S107: version 013", () => changed({ "Sec-WebSocket-Version": "Sec-WebSocket-Version: 013" }), 400],
    ["S107: no version", () => changed({ "Sec-WebSocket-Version": "" }), 400],
    ["S107: two versions", () => changed({}, "Sec-WebSocket-Version: 8"), 400],
    ["no key", () => changed({ "Sec-WebSocket-Key": "" }), 400],
    [
      "a key of 15 bytes",
      () => changed({ "Sec-WebSocket-Key": "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAA" }),
      400,
    ],
    [
      "a key that is no base64",
      () => changed({ "Sec-WebSocket-Key": "Sec-WebSocket-Key: !!!!!!!!!!!!!!!!!!!!!!==" }),
      400,
    ],
    ["two keys", () => changed({}, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="), 400],
    [
      "S108: Upgrade: h2c",
      () => changed({ Upgrade: "Upgrade: h2c" }, "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA"),
      400,
    ],
    [
      "S108: h2c with its Connection",
      () =>
        changed(
          { Upgrade: "Upgrade: h2c", Connection: "Connection: Upgrade, HTTP2-Settings" },
          "HTTP2-Settings: AAMAAABk",
        ),
      400,
    ],
    ["S108: websocket and h2c", () => changed({ Upgrade: "Upgrade: websocket, h2c" }), 400],
    ["S108: HTTP2-Settings beside websocket", () => changed({}, "HTTP2-Settings: AAMAAABk"), 400],
    ["S108: TLS/1.0", () => changed({ Upgrade: "Upgrade: TLS/1.0" }), 400],
    ["two Upgrade lines", () => changed({}, "Upgrade: h2c"), 400],
    ["S110: a body with a length", () => `${changed({}, "Content-Length: 5")}hello`, 400],
    ["S110: a length of 0", () => changed({}, "Content-Length: 0"), 400],
    [
      "S110: a chunked body",
      () => `${changed({}, "Transfer-Encoding: chunked")}5\r\nhello\r\n0\r\n\r\n`,
      400,
    ],
    ["POST", () => changed({}).replace("GET ", "POST "), 405],
    ["HEAD", () => changed({}).replace("GET ", "HEAD "), 405],
    ["OPTIONS", () => changed({}).replace("GET ", "OPTIONS "), 405],
    ["S105: CONNECT", () => changed({}).replace("GET /agents/coder/ws", "CONNECT x:80"), 405],
    ["HTTP/1.0", () => changed({}).replace("HTTP/1.1", "HTTP/1.0"), 400],
  ])("%s: refused, and the connection ends", async (_name, bytes, status) => {
    expect((await refusal(bytes())).status).toBe(status);
    expect(newRequests()).toEqual([]);
  });

  it("without Connection: Upgrade is an ordinary request, and there is nothing of that at this path", async () => {
    const answer = await rawExchange(door.port, changed({ Connection: "Connection: keep-alive" }));
    expect([answer.status, newRequests()]).toEqual([404, []]);
  });

  it("S105: a body behind CONNECT is nobody's next request", async () => {
    const next = head("GET /agents/coder/x HTTP/1.1", `Host: ${door.host}`, `Cookie: ${cookie}`);
    const answer = await refusal(`${head("CONNECT x:80 HTTP/1.1", `Host: ${door.host}`)}${next}`);
    expect([answer.status, newRequests()]).toEqual([405, []]);
  });
});

describe("a handshake that two readers could cut differently", () => {
  const smuggled = () =>
    head("GET /agents/coder/smuggled HTTP/1.1", `Host: ${door.host}`, `Cookie: ${cookie}`);

  it.each<readonly [string, () => string]>([
    ["S99: lines that end in LF", () => changed({}).replaceAll("\r\n", "\n")],
    ["S99: one line that ends in LF", () => changed({}).replace("\r\nUpgrade", "\nUpgrade")],
    ["S99: one line that ends in CR", () => changed({}).replace("\r\nUpgrade", "\rUpgrade")],
    ["S99: a head that ends in LF LF", () => changed({}).replace("\r\n\r\n", "\n\n")],
    ["S99: a head that ends in CRLF CR", () => changed({}).replace("\r\n\r\n", "\r\n\rX")],
    ["S99: a folded line", () => changed({}, "X-A: b", " Upgrade: h2c")],
    ["S99: a folded Upgrade", () => changed({ Upgrade: "Upgrade:\r\n websocket" })],
    ["S99: a blank before the colon", () => changed({ Upgrade: "Upgrade : websocket" })],
    ["S99: a vertical tab before the value", () => changed({ Upgrade: "Upgrade: \vwebsocket" })],
    ["S14: a NUL in a value", () => changed({}, "X-A: b\0c")],
    ["S99: length and chunked", () => changed({}, "Content-Length: 4", "Transfer-Encoding: chunked")],
    ["S99: chunked, but spelled oddly", () => changed({}, "Transfer-Encoding: xchunked")],
    ["S103: one length twice", () => changed({}, "Content-Length: 0", "content-length: 0")],
    ["two Host lines", () => changed({}, "Host: evil.example")],
    ["two Origin lines", () => changed({}, "Origin: https://evil.example")],
    ["HTTP/1.2", () => changed({}).replace("HTTP/1.1", "HTTP/1.2")],
    ["HTTP/2.0", () => changed({}).replace("HTTP/1.1", "HTTP/2.0")],
    ["no version", () => changed({}).replace(" HTTP/1.1", "")],
    ["S108: h2c with prior knowledge", () => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
  ])("%s: refused, the connection ends, and nothing behind is a request", async (_name, bytes) => {
    const before = gateway.received().length;
    const answer = await rawExchange(
      door.port,
      Buffer.from(`${bytes()}${smuggled()}`, "latin1"),
      () => false,
    );
    expect([answer.status, answer.text.match(/HTTP\/1\.1 \d/g)]).toEqual([400, ["HTTP/1.1 4"]]);
    expect([newRequests(), gateway.received().length]).toEqual([[], before]);
  });

  it("S102: a length behind the last header that is counted is never overlooked", async () => {
    const fill = (count: number) => Array.from({ length: count }, (_, index) => `X-A${index}: b`);
    const room = 100 - valid().length + 1;
    expect((await rawExchange(door.port, head(...valid(...fill(room))))).status).toBe(101);
    for (const count of [room - 1, room, 200, 1_500]) {
      const answer = await rawExchange(
        door.port,
        `${head(...valid(...fill(count), "Content-Length: 5"))}hello${smuggled()}`,
        () => false,
      );
      expect([count, answer.status]).toEqual([count, count < room ? 400 : 431]);
    }
    expect(newRequests()).toHaveLength(1);
  });
});

describe("bytes behind a handshake", () => {
  const smuggled = () =>
    head("GET /agents/coder/internal HTTP/1.1", `Host: ${door.host}`, `Cookie: ${cookie}`);

  it.each([
    ["S109: without a session", () => head(...handshake(PATH, door.host)), 400],
    [
      "S107: of a wrong version",
      () => changed({ "Sec-WebSocket-Version": "Sec-WebSocket-Version: 777" }),
      400,
    ],
    ["S109: of a correct one", () => head(...valid()), 400],
  ])("%s are neither forwarded nor read as a request", async (_name, bytes, status) => {
    const before = gateway.received().length;
    const answer = await refusal(`${bytes()}${smuggled()}`);
    expect([answer.status, newRequests(), gateway.received().length]).toEqual([status, [], before]);
  });

  it.each([
    ["401: no session", () => head(...handshake(PATH, door.host)), 401],
    ["403: a foreign origin", () => changed({ Origin: "Origin: https://evil.example" }), 403],
    ["403: not their agent", () => head(...valid()).replace(PATH, "/agents/analyst/ws"), 403],
    ["404: no such path", () => head(...valid()).replace(PATH, "/ws/x"), 404],
  ])("S109: sent after the answer %s are neither", async (_name, bytes, status) => {
    const before = gateway.received().length;
    const socket = await rawConnect(door.port, bytes());
    const text = await new Promise<string>((resolve) => {
      let received = "";
      socket.on("data", (chunk) => {
        if (received === "") socket.write(smuggled());
        received += chunk.toString("latin1");
      });
      socket.on("error", () => {});
      socket.on("close", () => resolve(received));
    });
    expect([text.match(/HTTP\/1\.1 (\d+)/g), newRequests(), gateway.received().length]).toEqual([
      [`HTTP/1.1 ${status}`],
      [],
      before,
    ]);
  });
});

describe("who asks from where", () => {
  const asking = (...lines: string[]) => head(...handshake(PATH, door.host, ...lines));

  it("S114: without a session is 401 in JSON, never a redirect", async () => {
    const answer = await refusal(asking(`Origin: ${door.publicUrl}`, "Accept: text/html"));
    expect([answer.status, answer.headers.get("content-type"), JSON.parse(answer.body).error.code]).toEqual([
      401,
      "application/json; charset=utf-8",
      "session_missing",
    ]);
    expect(answer.headers.get("www-authenticate")).toBe("Bearer");
  });

  it.each([
    "https://evil.example",
    "null",
    "OWN/",
    "OWN.evil.example",
    "OWN:80",
    "OWN, https://evil.example",
    "https://evil.example OWN",
    "SCHEMELESS",
    "UPPER",
    "file://",
    "chrome-extension://abc",
    "",
  ])("S111: the cookie with the Origin `%s` is 403, with no contact to a gateway", async (origin) => {
    const value = origin
      .replace("OWN", door.publicUrl)
      .replace("SCHEMELESS", door.host)
      .replace("UPPER", door.publicUrl.toUpperCase());
    const answer = await refusal(asking(`Origin: ${value}`, `Cookie: ${cookie}`));
    expect([answer.status, newRequests()]).toEqual([403, []]);
  });

  it("S111: the cookie without an Origin is 403; even a cookie that opens nothing", async () => {
    const good = await refusal(asking(`Cookie: ${cookie}`));
    const bad = await refusal(asking("Cookie: gatehouse=x"));
    expect([good, bad].map(({ status, body }) => [status, JSON.parse(body).error.code])).toEqual([
      [403, "origin_missing"],
      [403, "origin_missing"],
    ]);
    expect(newRequests()).toEqual([]);
  });

  it("a bearer with a foreign Origin is 403: no other site's page speaks with it", async () => {
    const answer = await refusal(asking("Authorization: Bearer a.b.c", "Origin: https://evil.example"));
    expect([answer.status, JSON.parse(answer.body).error.code]).toEqual([403, "origin_foreign"]);
  });

  it("S80: any bearer without an Origin is looked at, and a wrong one is 401", async () => {
    const answer = await refusal(asking("Authorization: Bearer a.b.c"));
    expect([answer.status, answer.headers.get("www-authenticate")]).toEqual([
      401,
      'Bearer error="invalid_token"',
    ]);
  });

  it("cookie and bearer together are 400, whichever is good", async () => {
    for (const session of [cookie, "gatehouse=x"]) {
      const answer = await refusal(
        asking(`Origin: ${door.publicUrl}`, `Cookie: ${session}`, "Authorization: Bearer a.b.c"),
      );
      expect([answer.status, JSON.parse(answer.body).error.code]).toEqual([400, "credentials_ambiguous"]);
    }
    expect(newRequests()).toEqual([]);
  });

  it("a token in the address is nobody's credential, and is not forwarded", async () => {
    const answer = await refusal(head(...handshake(`${PATH}?token=secret&access_token=secret`, door.host)));
    expect([answer.status, newRequests()]).toEqual([401, []]);
  });
});

describe("headers in bulk", () => {
  it.each([
    [
      "S115: 2,000 headers",
      () => head(...valid(...Array.from({ length: 2_000 }, (_, i) => `X-A${i}: b`))),
      431,
    ],
    [
      "S115: 2,000 headers without a value",
      () => head(...valid(...Array.from({ length: 2_000 }, (_, i) => `a${i}:`))),
      431,
    ],
    [
      "S115: one more than allowed",
      () => head(...valid(...Array.from({ length: 94 }, (_, i) => `X-A${i}: b`))),
      431,
    ],
    [
      "S116: 16 KiB of blanks in Sec-WebSocket-Protocol",
      () => head(...valid(`Sec-WebSocket-Protocol: a${" ".repeat(16_384)}b`)),
      431,
    ],
    [
      "S59: a cookie of 16 KiB",
      () => head(...handshake(PATH, door.host, ...own(), `Cookie: a=${"b".repeat(16_384)}`)),
      431,
    ],
  ])("%s: %i, and the door lives", async (_name, bytes, status) => {
    const answer = await rawExchange(door.port, bytes(), () => false);
    expect([answer.status, newRequests()]).toEqual([status, []]);
    expect((await rawExchange(door.port, head(...valid()))).status).toBe(101);
  });

  it("S116: 8 KiB of blanks are forwarded as they are, without anybody choking on them", async () => {
    const value = `a,${" ".repeat(8_192)},b`;
    const answer = await rawExchange(door.port, head(...valid(`Sec-WebSocket-Protocol: ${value}`)));
    expect(answer.status).toBe(101);
    const [request] = newRequests();
    expect(request?.headers.find(([name]) => name === "sec-websocket-protocol")).toEqual([
      "sec-websocket-protocol",
      value,
    ]);
  });
});

describe("a gateway's answer to an upgrade", () => {
  const ok = (request: RecordedRequest) => switching(request);
  const without = (line: RegExp) => (request: RecordedRequest) => ok(request).replace(line, "");
  const withLine = (line: string) => (request: RecordedRequest) =>
    ok(request).replace("\r\n\r\n", `\r\n${line}\r\n\r\n`);
  const offering = [
    "Sec-WebSocket-Protocol: chat, v4",
    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
  ];

  it.each<readonly [string, (request: RecordedRequest) => string, number]>([
    ["S106: 200 with Upgrade", (r) => ok(r).replace("101 Switching Protocols", "200 OK"), 502],
    ["S106: 204 with Upgrade", (r) => ok(r).replace("101 Switching Protocols", "204 No Content"), 502],
    [
      "S106: 302",
      () => "HTTP/1.1 302 Found\r\nLocation: http://evil.example/\r\nContent-Length: 0\r\n\r\n",
      502,
    ],
    ["S106: 401 of its own", () => "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", 502],
    [
      "S107: 426",
      () => "HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 8\r\nContent-Length: 0\r\n\r\n",
      502,
    ],
    ["101 without Upgrade", without(/Upgrade: websocket\r\n/), 502],
    ["101 without Connection", without(/Connection: Upgrade\r\n/), 502],
    ["101 to h2c", (r) => ok(r).replace("Upgrade: websocket", "Upgrade: h2c"), 502],
    ["101 without an accept", without(/Sec-WebSocket-Accept: [^\r]*\r\n/), 502],
    ["101 with a wrong accept", (r) => ok(r).replace(/Accept: ./, "Accept: !"), 502],
    ["101 with two accepts", (r) => withLine("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")(r), 502],
    ["a subprotocol nobody offered", withLine("Sec-WebSocket-Protocol: admin"), 502],
    ["two subprotocols", withLine("Sec-WebSocket-Protocol: chat, v4"), 502],
    ["an extension nobody offered", withLine("Sec-WebSocket-Extensions: bbf-usp-protocol"), 502],
    [
      "S118: one offered and one not",
      withLine("Sec-WebSocket-Extensions: permessage-deflate, x-webkit-deflate-frame"),
      502,
    ],
    ["headers past 16 KiB", withLine(`X-Long: ${"a".repeat(17_000)}`), 502],
    ["5,000 headers", withLine(Array.from({ length: 5_000 }, (_, i) => `X${i}: b`).join("\r\n")), 502],
    ["no HTTP", () => "SSH-2.0-OpenSSH_9.9\r\n\r\n", 502],
    ["half a head", () => "HTTP/1.1 101 Switching", 502],
    ["503", () => "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", 503],
  ])("%s: the client gets no tunnel, and its bytes reach nobody", async (_name, answer, status) => {
    gateway.answerWith((request) => {
      // What is said in half is then left in the air.
      if (answer(request) === "HTTP/1.1 101 Switching") {
        setImmediate(() => {
          for (const socket of gateway.sockets) socket.end();
        });
      }
      return answer(request);
    });
    const before = gateway.received().length;
    const socket = await rawConnect(door.port, head(...valid(...offering)));
    const text = await untilClosed(socket, (received) => {
      if (received.includes("\r\n\r\n")) socket.write("GET /internal HTTP/1.1\r\n\r\n");
    });
    expect(text).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(text).not.toContain("evil.example");
    expect(gateway.received().length).toBe(before);
  });

  it("a correct one opens the tunnel, with what was chosen of what was offered", async () => {
    gateway.answerWith((request) =>
      ok(request).replace(
        "\r\n\r\n",
        "\r\nSec-WebSocket-Protocol: v4\r\nSec-WebSocket-Extensions: permessage-deflate\r\nSet-Cookie: gatehouse=x\r\nX-Secret: y\r\n\r\n",
      ),
    );
    const answer = await rawExchange(door.port, head(...valid(...offering)));
    expect([...answer.headers]).toEqual([
      ["upgrade", "websocket"],
      ["connection", "Upgrade"],
      ["sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="],
      ["x-request-id", expect.stringMatching(/^r_/)],
      ["sec-websocket-protocol", "v4"],
      ["sec-websocket-extensions", "permessage-deflate"],
    ]);
  });
});

describe("an open tunnel", () => {
  it("S117: passes two hundred thousand fragments of one byte, in order and unread", async () => {
    const before = gateway.received().length;
    const socket = await rawConnect(door.port, head(...valid()));
    await new Promise((resolve) => socket.once("data", resolve));
    // A text fragment of one byte, then continuations that never come to an end.
    const fragment = (opcode: number, byte: number) => [opcode, 0x81, 0, 0, 0, 0, byte];
    const frames = Buffer.from([
      ...fragment(0x01, 0),
      ...Array.from({ length: 199_999 }, (_, i) => fragment(0x00, i % 256)).flat(),
    ]);
    const arrived = new Promise<void>((resolve) => {
      const look = () => {
        if (gateway.received().length - before >= frames.length) resolve();
      };
      for (const upstream of gateway.sockets) upstream.on("data", look);
    });
    socket.write(frames);
    await arrived;
    expect(gateway.received().subarray(before).equals(frames)).toBe(true);
    socket.destroy();
  });
});
