// Attacks that bring an identity along: a client's own identity headers in every spelling, and names that make a
// proxy lose the ones it added. What reaches the gateway is compared as a whole list (rows S1 to S20, S24, S25, S97).
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { userIdOf } from "../../core/ids.ts";
import {
  ALICE,
  BOB,
  type FrontDoorFixture,
  ISSUER,
  startTestFrontDoor,
} from "../support/front-door-fixture.ts";
import { shapeOf } from "../support/outgoing-shape.ts";
import { handshake, head, type RawAnswer, rawConnect, rawExchange } from "../support/raw-client.ts";
import { type RecordedRequest, type RecorderGateway, startRecorder } from "../support/recorder-gateway.ts";

const ALICE_ID = userIdOf(ISSUER, ALICE.subject);

let gateway: RecorderGateway;
let door: FrontDoorFixture;
let cookie: string;

beforeAll(async () => {
  gateway = await startRecorder();
  door = await startTestFrontDoor({
    gateways: {
      cloud: { endpoints: { "cloud-1": gateway.url }, userHeader: "x-corp-LOGIN" },
      grouped: { endpoints: { "grouped-1": gateway.url }, sendGroups: true },
    },
    routes: [{ agents: ["analyst"], to: "grouped" }, { to: "cloud" }],
  });
});
beforeEach(async () => {
  cookie = await door.signIn(ALICE);
});
afterAll(async () => {
  await door.close();
  await gateway.close();
});

type Way = {
  readonly name: string;
  readonly send: (lines: readonly string[]) => Promise<RawAnswer>;
  readonly accepted: number;
  readonly expected: () => readonly (readonly [string, string])[];
};

const forwarding = (): [string, string][] => [
  ["x-forwarded-for", "127.0.0.1"],
  ["x-forwarded-proto", "http"],
  ["x-forwarded-host", door.host],
];

const identity = (): [string, string][] => [
  ["x-user-id", ALICE_ID],
  ["x-user-email", "alice@example.com"],
  ["x-user-name", "Alice Archer"],
  ["x-corp-login", ALICE_ID],
  ["x-gateway-assertion", `<assertion of ${ALICE_ID}>`],
];

/** Of the request alone, behind what several may share. */
const own: [string, string][] = [
  ["x-request-id", "<x-request-id>"],
  ["traceparent", "<traceparent>"],
];

const gatewayHost = () => new URL(gateway.url).host;

const WAYS: readonly Way[] = [
  {
    name: "GET",
    send: (lines) => ask("GET /agents/coder/files", `Cookie: ${cookie}`, ...lines),
    accepted: 200,
    expected: () => [["host", gatewayHost()], ...forwarding(), ...identity(), ...own],
  },
  {
    name: "OPTIONS",
    send: (lines) =>
      ask("OPTIONS /agents/coder/files", `Cookie: ${cookie}`, `Origin: ${door.publicUrl}`, ...lines),
    accepted: 200,
    expected: () => [
      ["host", gatewayHost()],
      ["origin", door.publicUrl],
      ...forwarding(),
      ...identity(),
      ...own,
    ],
  },
  {
    name: "POST with a body",
    send: (lines) =>
      rawExchange(
        door.port,
        `${head(
          "POST /agents/coder/files HTTP/1.1",
          `Host: ${door.host}`,
          `Origin: ${door.publicUrl}`,
          `Cookie: ${cookie}`,
          "Content-Length: 2",
          ...lines,
        )}hi`,
      ),
    accepted: 200,
    expected: () => [
      ["host", gatewayHost()],
      ["origin", door.publicUrl],
      ...forwarding(),
      ...identity(),
      ...own,
      ["content-length", "2"],
    ],
  },
  {
    name: "a WebSocket upgrade",
    send: (lines) => upgrade("/agents/coder/ws", `Cookie: ${cookie}`, ...lines),
    accepted: 101,
    expected: () => [
      ["host", gatewayHost()],
      ["connection", "Upgrade"],
      ["upgrade", "websocket"],
      ["origin", door.publicUrl],
      ["sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="],
      ["sec-websocket-version", "13"],
      ...forwarding(),
      ...identity(),
      ...own,
    ],
  },
];

function ask(target: string, ...lines: readonly string[]): Promise<RawAnswer> {
  return rawExchange(door.port, head(`${target} HTTP/1.1`, `Host: ${door.host}`, ...lines));
}

function upgrade(path: string, ...lines: readonly string[]): Promise<RawAnswer> {
  return rawExchange(door.port, head(...handshake(path, door.host, `Origin: ${door.publicUrl}`, ...lines)));
}

/** Sends it this way; the gateway must see exactly what it sees without these lines. */
async function expectClean(way: Way, lines: readonly string[]): Promise<void> {
  const before = gateway.requests.length;
  const answer = await way.send(lines);
  const seen = gateway.requests.slice(before);
  expect([answer.status, seen.map(shapeOf)]).toEqual([way.accepted, [way.expected()]]);
}

const valuesOf = (wanted: string) => (request: RecordedRequest) =>
  request.headers.filter(([name]) => name.toLowerCase() === wanted).map(([, value]) => value);

// Every name that some proxy or gateway has taken for an identity, and every name that the door itself writes.
const IDENTITY_NAMES = [
  "x-user-id",
  "x-user-email",
  "x-user-name",
  "x-user-groups",
  "x-corp-login",
  "x-gateway-assertion",
  "x-request-id",
  "x-forwarded-user",
  "x-forwarded-email",
  "x-forwarded-groups",
  "x-forwarded-preferred-username",
  "x-forwarded-access-token",
  "x-forwarded-for",
  "x-forwarded-proto",
  "x-forwarded-host",
  "x-forwarded-port",
  "x-forwarded-prefix",
  "x-forwarded-uri",
  "x-forwarded-client-cert",
  "forwarded",
  "x-real-ip",
  "x-auth-request-user",
  "x-remote-user",
  "remote-user",
  "remote-groups",
  "x-webauth-user",
  "x-ssl-client-s-dn",
  "ssl-client-s-dn",
  "tailscale-user-login",
  "x-openclaw-scopes",
  "x-openclaw-user",
  "x-gatehouse-internal",
  "x-middleware-subrequest",
  "x-http-method-override",
  "x-original-url",
  "x-tenant",
] as const;

/** The name with each letter's case and each separator chosen anew; bit i of `mask` says how. */
function spelled(name: string, mask: number): string {
  return [...name]
    .map((character, index) => {
      const flip = ((mask >>> (index % 31)) & 1) === 1;
      if (character === "-") return flip ? "_" : "-";
      return flip ? character.toUpperCase() : character;
    })
    .join("");
}

describe.each(WAYS)("a client's identity headers on $name", (way) => {
  it("S1, S3, S5, S18, S19: never reach a gateway in any spelling, number, or company of Connection", async () => {
    const header = fc.record({
      name: fc.constantFrom(...IDENTITY_NAMES),
      mask: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
      times: fc.integer({ min: 1, max: 3 }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(header, { minLength: 1, maxLength: 6 }),
        fc.boolean(),
        async (headers, listed) => {
          // One line of each that may come only once: the door refuses such a request as a whole, tested below.
          const lines = headers.flatMap(({ name, mask, times }) => {
            const line = `${spelled(name, mask)}: root`;
            return new Array<string>(name.startsWith("x-") ? times : 1).fill(line);
          });
          const names = headers.map(({ name, mask }) => spelled(name, mask)).join(", ");
          const before = gateway.requests.length;
          const answer = await way.send(listed ? [...lines, `Connection: Upgrade, ${names}`] : lines);
          const seen = gateway.requests.slice(before).map(shapeOf);
          if (answer.status === 400) expect(seen).toEqual([]);
          else expect([answer.status, seen]).toEqual([way.accepted, [way.expected()]]);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("S1: X_Forwarded_User alone leaves the request as it was", () =>
    expectClean(way, ["X_Forwarded_User: root", "x_USER_id: root", "X_User-Id: root"]));

  it("S3, S4: a configured header of odd case is there once, with alice's id", () =>
    expectClean(way, [
      "X-Corp-Login: root",
      "X_Corp_Login: root",
      "x_corp-LOGIN: root",
      "X-CORP-LOGIN: root",
    ]));

  it.each([
    ["S7", "x-real-ip, x-forwarded-user, x-user-id, X-Corp-Login"],
    ["S8, S9", "X-Gateway-Assertion"],
    ["S9", "x-gateway-assertion, X-User-Id, X-User-Email, x_gateway_assertion"],
    ["S10", "close, X-Forwarded-Host, X-Forwarded-For, X-Forwarded-Proto"],
  ])("%s: what the door adds survives being named in `Connection: %s`", (_row, names) =>
    expectClean(way, [`Connection: ${names}`, "X-User-Id: root"]),
  );

  it("S15, S16, S18, S19: names that other software believes are dropped", () =>
    expectClean(way, [
      "Tailscale-User-Login: root@example.com",
      "x-openclaw-scopes: operator.admin",
      "X-OpenClaw-Scopes: operator.admin",
      "X-SSL-Client-S-DN: CN=root",
      "SSL_CLIENT_S_DN: CN=root",
      "X-Forwarded-Client-Cert: By=root",
      "X-Middleware-Subrequest: middleware",
      "X-Gatehouse-Internal: 1",
    ]));

  it("S20, S21: forwarding headers of a peer that nobody trusts change nothing", () =>
    expectClean(way, [
      "X-Forwarded-For: 127.0.0.1",
      "X-Forwarded-For: a",
      "X-Forwarded-Proto: https",
      "X-Forwarded-Host: evil.example",
      "Forwarded: for=10.0.0.1;host=evil.example",
      "X-Real-IP: 10.0.0.1",
    ]));

  it("drops credentials, the session cookie and hop-by-hop headers before the gateway", () =>
    expectClean(way, [
      "Proxy-Authorization: Basic cm9vdDpyb290",
      "Keep-Alive: 9",
      "TE: trailers",
      "Via: 1.1 x",
    ]));

  it("drops every cookie, the other sites' too, in however many lines", () =>
    expectClean(way, ["Cookie: other=1; gatehouse-login=x", "Cookie: a=b", "Cookie2: $Version=1"]));

  it("drops what tells where the person comes from, and what asks for more than the request", () =>
    expectClean(way, [
      `Referer: ${door.publicUrl}/auth/callback?code=a-code`,
      "Expect-CT: x",
      "Trailer: X-User-Id",
      "Priority: u=0",
      "Sec-Fetch-Site: same-origin",
      "DNT: 1",
    ]));

  it("passes bytes beyond ASCII on as they came, so that none of them becomes a line end", async () => {
    // Whoever keeps but the last byte of each sign reads CR LF.
    const value = "\u560d\u560aX-User-Id: root";
    const before = gateway.requests.length;
    const answer = await way.send([`User-Agent: ${value}`]);
    const seen = gateway.requests.slice(before);
    expect([answer.status, seen.map(valuesOf("user-agent")), seen.map(valuesOf("x-user-id"))]).toEqual([
      way.accepted,
      [[Buffer.from(value).toString("latin1")]],
      [[ALICE_ID]],
    ]);
  });

  it.each(["X-A: b\0c", "X-\0A: b", "X-A: b\rX-User-Id: root", "X-A: b\nX-User-Id: root", "X-A: b\x01c"])(
    "S14: refuses a value that ends before it ends, and the connection with it: %j",
    async (line) => {
      const before = gateway.requests.length;
      const answer = await way.send([line]);
      expect([answer.status, answer.headers.get("connection"), gateway.requests.length - before]).toEqual([
        400,
        "close",
        0,
      ]);
    },
  );

  it.each(["Authorization: Bearer a", "Origin: http://evil.example", "User-Agent: a", "Traceparent: 00-1"])(
    "S13: refuses a header that a stage reads when it comes twice: %s",
    async (line) => {
      const before = gateway.requests.length;
      const answer = await way.send([line, line]);
      expect([answer.status, gateway.requests.length - before]).toEqual([400, 0]);
    },
  );
});

describe.each([
  { name: "a request", send: (agent: string, ...lines: string[]) => ask(`GET /agents/${agent}/x`, ...lines) },
  {
    name: "an upgrade",
    send: (agent: string, ...lines: string[]) => upgrade(`/agents/${agent}/ws`, ...lines),
  },
])("what the identity provider did not say, on $name", ({ send }) => {
  /** Of the one request that reaches a gateway. */
  async function headersMatching(pattern: RegExp, agent: string, ...lines: string[]) {
    const before = gateway.requests.length;
    await send(agent, ...lines);
    const seen = gateway.requests.slice(before);
    expect(seen).toHaveLength(1);
    return seen.flatMap(({ headers }) => headers.filter(([name]) => pattern.test(name)));
  }

  it("S6: a groups header of the client does not fill in for groups that nobody was told", async () => {
    const lines = ["X-User-Groups: admins", "X-Forwarded-Groups: admins", "Remote_Groups: admins"];
    expect(await headersMatching(/groups/i, "coder", `Cookie: ${cookie}`, ...lines)).toEqual([]);
  });

  it("S6: a gateway that is told groups gets those of the session, once", async () => {
    const bob = await door.signIn({ ...BOB, groups: ["finance", "staff,admins"] });
    const lines = ["X-User-Groups: admins", "x_user_groups: admins"];
    expect(await headersMatching(/groups/i, "analyst", `Cookie: ${bob}`, ...lines)).toEqual([
      ["x-user-groups", "finance,staff%2Cadmins"],
    ]);
  });

  it("S6: a name that the session lacks is not taken from the client, nor another e-mail", async () => {
    const nameless = await door.signIn({ ...ALICE, subject: "nameless", email: "n@example.com", name: null });
    const lines = ["X-User-Name: root", "X_User_Name: root", "X-User-Email: root@example.com"];
    expect(await headersMatching(/name|mail/i, "coder", `Cookie: ${nameless}`, ...lines)).toEqual([
      ["x-user-email", "n@example.com"],
    ]);
  });

  it("S97: a name with line ends and signs beyond ASCII is one encoded header", async () => {
    const odd = await door.signIn({ ...ALICE, name: "Zoë\r\nX-Forwarded-User: root\u560d\u560a" });
    expect(await headersMatching(/name|user/i, "coder", `Cookie: ${odd}`)).toEqual([
      ["x-user-id", ALICE_ID],
      ["x-user-email", "alice@example.com"],
      ["x-user-name", "Zo%C3%AB%0D%0AX-Forwarded-User: root%E5%98%8D%E5%98%8A"],
    ]);
  });
});

describe("without a session", () => {
  const HOSTILE = [
    "X-Forwarded-User: root",
    "X_Forwarded_Proto: https",
    "X-User-Id: root",
    "X-Corp-Login: root",
  ];

  it.each([
    "GET /agents/coder/files",
    "HEAD /agents/coder/files",
    "OPTIONS /agents/coder/files",
    "POST /agents/coder/files",
    "GET /agents/coder/",
    "OPTIONS /",
    "OPTIONS /api/me",
    "GET /healthz",
    "GET /readyz",
    "GET /signed-out",
    "GET /.well-known/jwks.json",
    "GET /assets/pages.css",
    "GET /auth/login",
    "GET /auth/callback",
    "GET /favicon.ico",
  ])("S2, S11: identity headers on `%s` never reach a gateway", async (target) => {
    const before = gateway.requests.length;
    const answer = await ask(target, ...HOSTILE, "Connection: close");
    expect(answer.status).toBeGreaterThan(0);
    expect(gateway.requests.length - before).toBe(0);
  });

  it.each([
    "/agents/coder/ws",
    "/ws",
    "/agents/coder/ws?/healthz",
    "/agents/coder/ws?token=root",
    "/agents/coder/files",
    "/healthz",
    "/signed-out",
    "/auth/login",
  ])("S2, S11: identity headers on an upgrade of `%s` never reach a gateway", async (path) => {
    const before = gateway.requests.length;
    const answer = await upgrade(path, ...HOSTILE, "Connection: Upgrade, X-Forwarded-User");
    expect([401, 404]).toContain(answer.status);
    expect([answer.headers.has("location"), gateway.requests.length - before]).toEqual([false, 0]);
  });

  it.each([
    "%%%",
    "",
    "a",
    "A".repeat(42),
    "A".repeat(44),
    `${"A".repeat(42)}%00`,
    '"'.repeat(43),
    "null",
    "[]",
  ])("S12: a session cookie of the form `%s` is no session, over HTTP and on an upgrade", async (value) => {
    const before = gateway.requests.length;
    const page = await ask("GET /", `Cookie: gatehouse=${value}`, "Accept: text/html");
    const api = await ask("GET /agents/coder/files", `Cookie: gatehouse=${value}`);
    const socket = await upgrade("/agents/coder/ws", `Cookie: gatehouse=${value}`);
    expect([page.status, page.headers.get("location"), api.status, socket.status]).toEqual([
      302,
      "/auth/login?return_to=%2F",
      401,
      401,
    ]);
    expect(gateway.requests.length - before).toBe(0);
  });

  it("S14: a NUL in a header is refused by the parser, and the connection ends", async () => {
    const before = gateway.requests.length;
    const answer = await rawExchange(
      door.port,
      head("GET /agents/coder/files HTTP/1.1", `Host: ${door.host}`, `Cookie: ${cookie}`, "X-A: b\0c"),
      () => false,
    );
    expect([answer.status, answer.headers.get("connection")]).toEqual([400, "close"]);
    expect(gateway.requests.length - before).toBe(0);
  });

  it("S25: the address of somebody with an open socket is nobody's credential", async () => {
    const socket = await rawConnect(
      door.port,
      head(...handshake("/agents/coder/ws", door.host, `Origin: ${door.publicUrl}`, `Cookie: ${cookie}`)),
    );
    await new Promise((resolve) => socket.once("data", resolve));
    const before = gateway.requests.length;
    const answers = [
      await ask("GET /agents/coder/files"),
      await upgrade("/agents/coder/ws"),
      await ask("GET /api/me"),
    ];
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401]);
    expect(gateway.requests.length - before).toBe(0);
    socket.destroy();
  });
});

describe("S24: when the gateway fails", () => {
  it("the page of the failure is the door's own: nobody else sees cookie or bearer", async () => {
    gateway.answerWith(() => "not http at all\r\n\r\n");
    const before = gateway.requests.length;
    const answer = await ask("GET /agents/coder/files", `Cookie: ${cookie}`);
    gateway.answerWith(undefined);
    expect([answer.status, JSON.parse(answer.body).error.code]).toEqual([502, "gateway_answer_invalid"]);
    const seen = gateway.requests.slice(before);
    expect(seen).toHaveLength(1);
    expect(JSON.stringify(seen)).not.toContain(cookie.slice("gatehouse=".length));
  });
});
