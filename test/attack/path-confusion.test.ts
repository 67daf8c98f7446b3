// Attacks by targets that two readers could take differently: paths, hosts, forms of the request line. Nothing is
// public but the pages listed here, and no spelling of a path gets another decision than its plain form (S26 to S41).
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ALICE, BOB, type FrontDoorFixture, startTestFrontDoor } from "../support/front-door-fixture.ts";
import { handshake, head, type RawAnswer, rawExchange } from "../support/raw-client.ts";
import { type RecorderGateway, startRecorder } from "../support/recorder-gateway.ts";

let gateway: RecorderGateway;
let other: RecorderGateway;
let door: FrontDoorFixture;
let alice: string;
let bob: string;

beforeAll(async () => {
  gateway = await startRecorder();
  other = await startRecorder();
  door = await startTestFrontDoor({
    gateways: {
      cloud: { endpoints: { "cloud-1": gateway.url } },
      berlin: { endpoints: { "berlin-1": other.url } },
    },
    routes: [{ agents: ["analyst"], to: "berlin" }, { to: "cloud" }],
  });
  alice = await door.signIn(ALICE);
  bob = await door.signIn(BOB);
});
afterAll(async () => {
  await door.close();
  await gateway.close();
  await other.close();
});

function get(target: string, ...lines: readonly string[]): Promise<RawAnswer> {
  return rawExchange(door.port, head(`GET ${target} HTTP/1.1`, `Host: ${door.host}`, ...lines));
}

async function contacts<T>(action: () => Promise<T>): Promise<{ result: T; targets: string[] }> {
  const before = [gateway.requests.length, other.requests.length] as const;
  const result = await action();
  const seen = [...gateway.requests.slice(before[0]), ...other.requests.slice(before[1])];
  return { result, targets: seen.map(({ target }) => target) };
}

const PUBLIC: Readonly<Record<string, number>> = {
  "/auth/login": 503,
  "/auth/callback": 503,
  "/signed-out": 200,
  "/.well-known/jwks.json": 200,
  "/healthz": 200,
  "/readyz": 503,
  "/assets/pages.css": 200,
};

describe("what is public", () => {
  it.each(Object.entries(PUBLIC))(
    "%s answers %i without a session (its provider is down here)",
    async (path, status) => {
      expect((await get(path)).status).toBe(status);
    },
  );

  it.each([
    "/",
    "/chat/coder",
    "/api/me",
    "/api/token",
    "/agents/coder/files",
    "/agents/coder/healthz",
    "/agents/coder/assets/pages.css",
    "/agents/coder/auth/login",
    "/agents/coder/.well-known/jwks.json",
    "/agents/coder/signed-out",
  ])("%s answers 401 without a session, whatever else comes along", async (path) => {
    const attempts = [
      [path],
      [`${path}?/healthz`],
      [`${path}?/auth/login`],
      [`${path}?x=/signed-out`],
      [path, "User-Agent: GoogleHC/1.0"],
      [path, "User-Agent: kube-probe/1.31"],
      [path, "User-Agent: ELB-HealthChecker/2.0"],
      [path, "X-Forwarded-Uri: /healthz", "X-Original-URL: /healthz", "X-Rewrite-URL: /healthz"],
      [path, "X-Forwarded-Method: OPTIONS", "X-HTTP-Method-Override: OPTIONS"],
      [path, "X-Forwarded-Proto: http"],
      [path, "X-Forwarded-Proto: https", "X-Forwarded-Host: localhost"],
      [path, "X-Forwarded-For: 127.0.0.1"],
      [path, "Referer: /healthz"],
    ];
    const { result, targets } = await contacts(async () => {
      const statuses: number[] = [];
      for (const [target = "", ...lines] of attempts) statuses.push((await get(target, ...lines)).status);
      return statuses;
    });
    // S26 (query), S28 (X-Forwarded-Uri), S29 (User-Agent), S31 (X-Forwarded-Proto)
    expect(result).toEqual(attempts.map(() => 401));
    expect(targets).toEqual([]);
  });

  it("S26, S28, S29, S31: an upgrade without a session is 401, whatever else comes along", async () => {
    const attempts = [
      ["/agents/coder/ws?/healthz"],
      ["/agents/coder/ws?x=/signed-out"],
      ["/ws?/auth/login"],
      ["/agents/coder/ws", "User-Agent: GoogleHC/1.0"],
      ["/agents/coder/ws", "User-Agent: kube-probe/1.31"],
      [
        "/agents/coder/ws",
        "X-Forwarded-Uri: /healthz",
        "X-Original-URL: /healthz",
        "X-Rewrite-URL: /healthz",
      ],
      ["/agents/coder/ws", "X-Forwarded-Method: OPTIONS", "X-HTTP-Method-Override: OPTIONS"],
      ["/agents/coder/ws", "X-Forwarded-Proto: https", "X-Forwarded-Host: localhost"],
      ["/agents/coder/ws", "X-Forwarded-For: 127.0.0.1"],
    ];
    const { result, targets } = await contacts(async () => {
      const statuses: number[] = [];
      for (const [target = "", ...lines] of attempts) {
        const bytes = head(...handshake(target, door.host, `Origin: ${door.publicUrl}`, ...lines));
        statuses.push((await rawExchange(door.port, bytes)).status);
      }
      return statuses;
    });
    expect([result, targets]).toEqual([attempts.map(() => 401), []]);
  });

  it("S60: a navigation without a session is sent to the login, with nothing of a gateway in the answer", async () => {
    const { result, targets } = await contacts(() => get("/chat/coder?x=1", "Accept: text/html"));
    expect([result.status, result.headers.get("location"), targets]).toEqual([
      302,
      "/auth/login?return_to=%2Fchat%2Fcoder%3Fx%3D1",
      [],
    ]);
    expect(result.body).not.toContain("ok");
  });
});

const CONFUSING = [
  ["S27: an encoded fragment sign", "/agents/coder/secret%23/bar", 200],
  ["S27: a raw fragment sign", "/agents/coder/x#/healthz", 400],
  ["S30: dot segments", "/healthz/../agents/coder/x", 400],
  ["S30: dot segments behind a page", "/signed-out/../api/me", 400],
  ["S30: dot segments between agents", "/agents/coder/../analyst/x", 400],
  ["S30: a dot segment at the end", "/agents/coder/x/..", 400],
  ["S32: encoded dots", "/healthz/%2e%2e/agents/coder/x", 400],
  ["S32: half encoded dots", "/agents/coder/.%2E/analyst/x", 400],
  ["S32: encoded slashes", "/healthz%2f..%2fagents/coder/x", 400],
  ["S32: an encoded slash in the agent", "/agents/coder%2Fanalyst/x", 400],
  ["S32: encoded twice", "/agents/coder/%252e%252e/analyst/x", 400],
  ["S32: a path parameter behind the dots", "/agents/coder/..;/analyst/x", 400],
  ["S32: a path parameter behind the dots, with a value", "/agents/coder/..;a=b/analyst", 400],
  ["S32: a path parameter behind one dot", "/agents/coder/.;/x", 400],
  ["S32: encoded letters of an agent", "/agents/%63oder/x", 200],
  ["S32: encoded letters of a word of ours", "/%61gents/coder/x", 200],
  ["S33: two slashes first", "//agents/coder/x", 400],
  ["S33: two slashes inside", "/agents//coder/x", 400],
  ["S33: an encoded backslash", "/healthz%5c..%5cagents/coder/x", 400],
  ["S33: a raw backslash", "/healthz\\..\\agents/coder/x", 400],
  ["S34: an authority in disguise", "//localhost/agents/coder/x", 400],
  ["S35: one dot", "/healthz/./../agents/coder/x", 400],
  ["S36: upper case", "/AGENTS/coder/x", 404],
  ["S36: upper case in the agent", "/agents/CODER/x", 403],
  ["S41: overlong UTF-8", "/%C0%AFagents/coder/x", 400],
  ["S41: UTF-8 cut short", "/agents/coder/%E2%82", 400],
  ["an encoded NUL", "/agents/coder/x%00.css", 400],
  ["an encoded line end", "/agents/coder/x%0d%0aX-User-Id:%20root", 400],
  ["half an encoding", "/agents/coder/%4", 400],
  ["an encoding of no number", "/agents/coder/%zz", 400],
  ["S38: absolute form with a foreign host", "http://tenant2.example/agents/coder/x", 400],
  ["S38: absolute form with the own host", "http://localhost/agents/coder/x", 400],
  ["no path at all", "*", 400],
  ["a name without a slash", "agents/coder/x", 400],
] as const;

describe("targets that two readers could take differently", () => {
  it.each(CONFUSING)("%s: %s answers %i", async (_what, target, status) => {
    const { result, targets } = await contacts(() => get(target, `Cookie: ${alice}`));
    expect(result.status).toBe(status);
    // Whatever is forwarded is under the agent that was decided on.
    expect(targets.map((each) => each.startsWith("/agents/coder/"))).toEqual(status === 200 ? [true] : []);
  });

  it.each(CONFUSING)("%s: %s without a session reaches nobody", async (_what, target) => {
    const { result, targets } = await contacts(() => get(target));
    expect([400, 401, 404]).toContain(result.status);
    expect(targets).toEqual([]);
  });

  it.each(CONFUSING)("%s: %s as an upgrade opens nothing", async (_what, target) => {
    const { result, targets } = await contacts(() =>
      rawExchange(
        door.port,
        head(...handshake(target, door.host, `Origin: ${door.publicUrl}`, `Cookie: ${alice}`)),
      ),
    );
    expect([400, 404]).toContain(result.status);
    expect(targets).toEqual([]);
  });

  it("forwards the plain form of a path, so that the gateway reads what the door decided", async () => {
    const { targets } = await contacts(() =>
      get("/%61gents/%63oder/a%7eb%2d/%c3%a9?x=%2e%2e/", `Cookie: ${alice}`),
    );
    expect(targets).toEqual(["/agents/coder/a~b-/%C3%A9?x=%2e%2e/"]);
  });

  it("never reaches an agent of another gateway by any mix of separators and encodings", async () => {
    const piece = fc.constantFrom(
      "..",
      ".",
      "/",
      "//",
      "%2e",
      "%2E%2e",
      "%2f",
      "%5c",
      "\\",
      ";",
      "..;",
      "%252e",
      "%00",
      "coder",
      "analyst",
      "agents",
      "?",
      "#",
      "%61",
      "@",
      ":",
      "http:",
      "localhost",
      "%c0%ae",
      "x",
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 8 }), async (pieces) => {
        const before = other.requests.length;
        const { result, targets } = await contacts(() =>
          get(`/agents/coder/${pieces.join("")}`, `Cookie: ${alice}`),
        );
        expect(other.requests.length - before).toBe(0);
        for (const target of targets) {
          expect([
            result.status,
            new URL(target, "http://gateway").pathname.startsWith("/agents/coder"),
          ]).toEqual([200, true]);
        }
      }),
      { numRuns: 200 },
    );
  });

  it("decides for each person: what bob may, alice may not, in every spelling", async () => {
    const spellings = ["/agents/analyst/x", "/agents/%61nalyst/x", "/%61gents/an%61lyst/x"];
    for (const path of spellings) {
      expect((await get(path, `Cookie: ${alice}`)).status).toBe(403);
      expect((await get(path, `Cookie: ${bob}`)).status).toBe(200);
    }
  });
});

describe("hosts", () => {
  const hosts = () => [
    [`evil${door.host}`, 421],
    [`${door.host}.evil.example`, 421],
    [`localhost.evil.example:${door.port}`, 421],
    [`localhost:${door.port + 1}`, 421],
    ["localhost", 421],
    [`127.0.0.1:${door.port}`, 421],
    [`localhost.:${door.port}`, 421],
    [`user@localhost:${door.port}`, 421],
    [`localhost:${door.port}@evil.example`, 421],
    [`localhost:${door.port}/x`, 421],
    [`localhost:${door.port}?x`, 421],
    [`localhost:${door.port}#x`, 421],
    [`localhost:${door.port},evil.example`, 421],
    [`loc%61lhost:${door.port}`, 421],
    [`ｌｏｃａｌｈｏｓｔ:${door.port}`, 421],
    ["", 421],
    [`LOCALHOST:${door.port}`, 200],
  ];

  it("S36, S37: answers its own host in any case, and no other, over HTTP and on an upgrade", async () => {
    for (const [host, status] of hosts()) {
      const { result, targets } = await contacts(async () => {
        const lines = [`Host: ${host}`, `Cookie: ${alice}`];
        const plain = await rawExchange(door.port, head("GET /agents/coder/x HTTP/1.1", ...lines));
        const socket = await rawExchange(
          door.port,
          head(
            ...handshake("/agents/coder/ws", String(host), `Origin: ${door.publicUrl}`, `Cookie: ${alice}`),
          ),
        );
        return [plain.status, socket.status];
      });
      const ours = status === 200;
      expect([host, result, targets.length]).toEqual([host, ours ? [200, 101] : [421, 421], ours ? 2 : 0]);
    }
  });

  it.each([
    ["no Host at all", ["GET /agents/coder/x HTTP/1.1"]],
    ["two Host lines, ours first", ["GET /agents/coder/x HTTP/1.1", "Host: OURS", "Host: evil.example"]],
    ["two Host lines, ours last", ["GET /agents/coder/x HTTP/1.1", "Host: evil.example", "Host: OURS"]],
    ["HTTP/1.0", ["GET /agents/coder/x HTTP/1.0", "Host: OURS"]],
    ["S38: another authority in the request line", ["GET http://tenant2.example/x HTTP/1.1", "Host: OURS"]],
  ])("refuses %s with 400", async (_what, lines) => {
    const bytes = head(...lines.map((line) => line.replace("OURS", door.host)), `Cookie: ${alice}`);
    const { result, targets } = await contacts(() => rawExchange(door.port, bytes));
    expect([result.status, targets]).toEqual([400, []]);
  });

  it("S39: an upgrade in absolute form opens no connection, here or elsewhere", async () => {
    const trap = await startRecorder();
    const { result, targets } = await contacts(() =>
      rawExchange(
        door.port,
        head(
          ...handshake(
            `${trap.url}/agents/coder/ws`,
            door.host,
            `Origin: ${door.publicUrl}`,
            `Cookie: ${alice}`,
          ),
        ),
      ),
    );
    expect([result.status, targets, trap.requests, trap.sockets.size]).toEqual([400, [], [], 0]);
    await trap.close();
  });
});

describe("upgrades of what is no agent's socket", () => {
  it.each([
    "/agents/coder/files",
    "/agents/coder/ws/",
    "/agents/coder/ws/x",
    "/agents/coder/WS",
    "/agents/coder/",
    "/agents/ws",
    "/WS",
    "/ws/",
    "/",
    "/api/me",
    "/healthz",
    "/auth/callback",
    "/assets/pages.css",
  ])("%s opens nothing, with everything else as it should be", async (target) => {
    const { result, targets } = await contacts(() =>
      rawExchange(
        door.port,
        head(...handshake(target, door.host, `Origin: ${door.publicUrl}`, `Cookie: ${alice}`)),
        () => false,
      ),
    );
    expect([result.status, result.headers.get("connection"), targets]).toEqual([404, "close", []]);
  });

  it("S32, S36: an encoded spelling of it is decided, and forwarded, in its plain form", async () => {
    const { result, targets } = await contacts(async () => {
      const statuses: number[] = [];
      for (const cookie of [alice, bob]) {
        const lines = handshake(
          "/%61gents/c%6Fder/%77s",
          door.host,
          `Origin: ${door.publicUrl}`,
          `Cookie: ${cookie}`,
        );
        statuses.push((await rawExchange(door.port, head(...lines))).status);
      }
      return statuses;
    });
    expect([result, targets]).toEqual([[101, 403], ["/agents/coder/ws"]]);
  });
});

describe("methods", () => {
  it.each(["TRACE", "PURGE", "PROPFIND", "LOCK", "M-SEARCH", "REPORT"])(
    "%s reaches no gateway: it could show an assertion to whoever asks",
    async (method) => {
      const { result, targets } = await contacts(() =>
        rawExchange(
          door.port,
          head(
            `${method} /agents/coder/x HTTP/1.1`,
            `Host: ${door.host}`,
            `Origin: ${door.publicUrl}`,
            `Cookie: ${alice}`,
          ),
        ),
      );
      expect([result.status, result.headers.get("allow"), targets]).toEqual([
        405,
        "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
        [],
      ]);
    },
  );

  it.each(["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])(
    "S112: %s with the cookie needs the own Origin",
    async (method) => {
      const { result, targets } = await contacts(async () => {
        const statuses: number[] = [];
        for (const origin of [
          [],
          ["Origin: null"],
          ["Origin: https://evil.example"],
          [`Origin: ${door.publicUrl}.evil.example`],
          [`Origin: ${door.publicUrl}/`],
          [`Origin: ${door.publicUrl.toUpperCase()}`],
        ]) {
          const lines = [
            `${method} /agents/coder/x HTTP/1.1`,
            `Host: ${door.host}`,
            `Cookie: ${alice}`,
            ...origin,
          ];
          statuses.push((await rawExchange(door.port, head(...lines))).status);
        }
        return statuses;
      });
      expect([result, targets]).toEqual([[403, 403, 403, 403, 403, 403], []]);
    },
  );
});
