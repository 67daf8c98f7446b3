import { describe, expect, it, test } from "vitest";
import { addressRangeOf } from "../../../config/field-values.ts";
import type { Denial } from "../../../core/denial.ts";
import {
  type Arrival,
  parseRepeated,
  parseRequest,
  type RequestRules,
} from "../../../proxy/request/parse-request.ts";
import type { ParsedRequest } from "../../../proxy/request/parsed-request.ts";
import {
  COOKIE,
  COOKIE_NAME,
  HANDLE,
  HANDSHAKE,
  type HeaderLine,
  HOST,
  incomingOf,
  ORIGIN,
  PUBLIC_URL,
  type Sent,
} from "../request-fixture.ts";

const RULES: RequestRules = {
  publicUrl: PUBLIC_URL,
  cookieName: COOKIE_NAME,
  headerCount: 12,
  trustedProxies: addressRangeOf(["10.0.0.0/8"]),
};
const REQUEST_ID = /^r_[A-Za-z0-9_-]{22}$/;
const UPGRADE: Arrival = { kind: "upgrade", bytesBehind: 0 };

function parse(sent: Sent, arrival: Arrival = { kind: "request" }, rules: Partial<RequestRules> = {}) {
  return parseRequest(incomingOf(sent), arrival, { ...RULES, ...rules });
}

function withHeaders(...lines: readonly HeaderLine[]) {
  return parse({ headers: [HOST, ...lines] });
}

function denialOf(parsed: ReturnType<typeof parse>): Denial | undefined {
  return parsed.ok ? undefined : parsed.error.denial;
}

function headersOf(parsed: ReturnType<typeof parse>): Record<string, string> | undefined {
  return parsed.ok ? Object.fromEntries(parsed.value.headers) : undefined;
}

describe("a request", () => {
  it("is read whole", () => {
    const headers: HeaderLine[] = [HOST, COOKIE, ["Accept", "text/html"], ["X-Forwarded-For", "203.0.113.9"]];
    const sent = { target: "/chat/%63oder?a=1", remoteAddress: "::ffff:10.0.0.1", headers };
    expect(parse(sent)).toEqual({
      ok: true,
      value: {
        id: expect.stringMatching(REQUEST_ID),
        method: "GET",
        path: "/chat/coder",
        segments: ["chat", "coder"],
        query: "?a=1",
        kind: "navigation",
        credential: { kind: "session", handle: HANDLE },
        peer: "203.0.113.9",
        headers: new Map([
          ["host", "agents.example.com"],
          ["cookie", `${COOKIE_NAME}=${HANDLE}`],
          ["accept", "text/html"],
          ["x-forwarded-for", "203.0.113.9"],
        ]),
        isRepeated: false,
      },
    });
  });

  it("is refused whole: whoever asked is known even then", () => {
    expect(parse({ method: "POST", target: "/a/../b", headers: [HOST] })).toEqual({
      ok: false,
      error: {
        denial: { code: "request_malformed", what: "path has a dot segment" },
        id: expect.stringMatching(REQUEST_ID),
        peer: "198.51.100.7",
        kind: "api",
        method: "POST",
        path: null,
      },
    });
  });

  it("is refused with its path once that has been read", () => {
    const refused = parse({ target: "/api/me", headers: [["Host", "evil.example"]] });
    expect(refused).toMatchObject({
      error: { denial: { code: "host_unknown", host: "evil.example" }, path: "/api/me" },
    });
  });

  it("has another id each time", () => {
    const ids = [parse({}), parse({})].map((parsed) => (parsed.ok ? parsed.value.id : ""));
    expect(new Set(ids).size).toBe(2);
  });

  test.each(["1.0", "0.9", "2.0"])("is refused in HTTP/%s", (httpVersion) => {
    expect(denialOf(parse({ httpVersion }))).toEqual({
      code: "request_malformed",
      what: "only HTTP/1.1 is served",
    });
  });
});

describe("Host", () => {
  test.each(["agents.example.com", "AGENTS.Example.COM", "agents.example.com:443"])("may be %j", (host) => {
    expect(parse({ headers: [["Host", host]] }).ok).toBe(true);
  });

  test.each([
    "",
    "evil.example",
    "agents.example.com.evil.example",
    "evilagents.example.com",
    "agents.example.com.",
    "agents.example.com:80",
    "agents.example.com:8443",
    "agents.example.com:",
    "agents.example.com:99999",
    "agents.example.com/",
    "agents.example.com?",
    "agents.example.com#",
    "alice@agents.example.com",
    "agents.example.com\\",
    "agents.example.com, evil.example",
    " agents.example.com",
    "[::1]",
    "%61gents.example.com",
  ])("may not be %j", (host) => {
    expect(denialOf(parse({ headers: [["Host", host]] }))).toEqual({ code: "host_unknown", host });
  });

  it("is refused when it is missing or comes twice", () => {
    expect(denialOf(parse({ headers: [] }))).toEqual({ code: "host_unknown", host: "" });
    expect(denialOf(parse({ headers: [HOST, HOST] }))).toEqual({
      code: "request_malformed",
      what: 'header "host" sent twice',
    });
  });

  it("is not taken from what a proxy or client forwards", () => {
    const headers: HeaderLine[] = [
      ["Host", "evil.example"],
      ["X-Forwarded-Host", "agents.example.com"],
    ];
    expect(denialOf(parse({ remoteAddress: "10.0.0.1", headers }))).toEqual({
      code: "host_unknown",
      host: "evil.example",
    });
  });

  it("has its port when the door's own address has one", () => {
    const rules = { publicUrl: "http://localhost:8080", cookieName: "gatehouse" };
    const hosts = ["localhost:8080", "localhost", "127.0.0.1:8080"];
    const accepted = hosts.map((host) => parse({ headers: [["Host", host]] }, undefined, rules).ok);
    expect(accepted).toEqual([true, false, false]);
  });
});

describe("headers", () => {
  it("that are lists are joined, in order", () => {
    const parsed = withHeaders(
      ["Accept", "text/html"],
      ["aCCept", "*/*"],
      ["Cookie", "a=1"],
      ["cookie", "b=2"],
    );
    expect(headersOf(parsed)).toEqual({
      host: "agents.example.com",
      accept: "text/html, */*",
      cookie: "a=1; b=2",
    });
  });

  test.each([
    "Authorization",
    "Content-Length",
    "Transfer-Encoding",
    "Origin",
    "Sec-WebSocket-Key",
    "Range",
    "Traceparent",
    "constructor",
  ])("named %s may not come twice, in whatever case", (name) => {
    const parsed = withHeaders([name, "1"], [name.toUpperCase(), "1"]);
    expect(denialOf(parsed)).toEqual({
      code: "request_malformed",
      what: `header ${JSON.stringify(name.toLowerCase())} sent twice`,
    });
  });

  test.each(["X-User-Id", "X_User_Id", "X-Tenant", "remote_groups"])(
    "named %s may: no stage reads them",
    (name) => {
      expect(withHeaders([name, "root"], [name, "alice"]).ok).toBe(true);
    },
  );

  it("named like members of an object are only headers", () => {
    const parsed = withHeaders(["__proto__", "x"], ["constructor", "y"]);
    expect(parsed.ok ? [...parsed.value.headers] : []).toEqual([
      ["host", "agents.example.com"],
      ["__proto__", "x"],
      ["constructor", "y"],
    ]);
  });

  it("may be as many as the limit and no more", () => {
    const lines = (count: number) =>
      Array.from({ length: count }, (_, index): HeaderLine => [`X-${index}`, "1"]);
    expect(withHeaders(...lines(11)).ok).toBe(true);
    expect(denialOf(withHeaders(...lines(12)))).toEqual({
      code: "headers_too_large",
      what: "more than 12 headers",
    });
  });
});

describe("the credential", () => {
  const bearer: HeaderLine = ["Authorization", "Bearer abc.def"];

  test.each([
    ["a cookie", [COOKIE], { kind: "session", handle: HANDLE }],
    ["two session cookies in two lines", [COOKIE, COOKIE], { kind: "unreadable-session" }],
    ["a bearer", [bearer], { kind: "bearer", token: "abc.def" }],
    ["a bearer in lower case", [["authorization", "bearer abc"]], { kind: "bearer", token: "abc" }],
    [
      "a bearer beside other cookies",
      [bearer, ["Cookie", "theme=dark"]],
      { kind: "bearer", token: "abc.def" },
    ],
    ["basic", [["Authorization", "Basic YTpi"]], { kind: "other-scheme" }],
    ["a bearer without a token", [["Authorization", "Bearer "]], { kind: "other-scheme" }],
    ["a bearer with two words", [["Authorization", "Bearer a b"]], { kind: "other-scheme" }],
    ["an empty header", [["Authorization", ""]], { kind: "other-scheme" }],
    ["nothing", [], { kind: "none" }],
  ] as const)("is read from %s", (_what, lines, credential) => {
    expect(withHeaders(...lines)).toMatchObject({ ok: true, value: { credential } });
  });

  test.each([
    ["a session cookie", COOKIE],
    ["an unreadable session cookie", ["Cookie", `${COOKIE_NAME}=%%%`] as const],
  ])("is refused when %s comes together with an Authorization", (_what, cookie) => {
    for (const authorization of [bearer, ["Authorization", "Basic YTpi"] as const]) {
      expect(denialOf(withHeaders(cookie, authorization))).toEqual({
        code: "credentials_ambiguous",
        what: "session cookie and authorization header",
      });
    }
  });
});

describe("an upgrade", () => {
  it("is read with its kind", () => {
    const parsed = parse({ target: "/ws", headers: [HOST, COOKIE, ORIGIN, ...HANDSHAKE] }, UPGRADE);
    expect(parsed).toMatchObject({ ok: true, value: { kind: "upgrade", segments: ["ws"] } });
  });

  it("is refused for its handshake before its origin, and for either with its path", () => {
    const foreign: HeaderLine = ["Origin", "https://evil.example"];
    const broken = parse({ target: "/ws", headers: [HOST, COOKIE, foreign, ...HANDSHAKE.slice(1)] }, UPGRADE);
    expect(broken).toMatchObject({
      error: { kind: "upgrade", path: "/ws", denial: { code: "upgrade_invalid" } },
    });
    const whole = parse({ target: "/ws", headers: [HOST, COOKIE, foreign, ...HANDSHAKE] }, UPGRADE);
    expect(whole).toMatchObject({
      error: { kind: "upgrade", path: "/ws", denial: { code: "origin_foreign" } },
    });
    const silent = parse({ target: "/ws", headers: [HOST, COOKIE, ...HANDSHAKE] }, UPGRADE);
    expect(silent).toMatchObject({ error: { denial: { code: "origin_missing" } } });
  });

  it("is refused when bytes come behind its head", () => {
    const parsed = parse({ headers: [HOST, ...HANDSHAKE] }, { kind: "upgrade", bytesBehind: 3 });
    expect(denialOf(parsed)).toEqual({ code: "upgrade_invalid", what: "bytes before 101" });
  });
});

describe("a page or a program asks", () => {
  test.each([
    ["GET", [["Accept", "text/html,*/*"]], "navigation"],
    ["GET", [["Accept", "application/json"]], "api"],
    ["GET", [], "api"],
    [
      "GET",
      [
        ["Accept", "text/html"],
        ["Sec-Fetch-Mode", "cors"],
      ],
      "api",
    ],
    ["GET", [["Sec-Fetch-Mode", "navigate"]], "navigation"],
    ["HEAD", [["Accept", "text/html"]], "navigation"],
    ["POST", [["Accept", "text/html"], ORIGIN], "api"],
    ["POST", [["Sec-Fetch-Mode", "navigate"], ORIGIN], "navigation"],
  ] as const)("%s with %j: %s", (method, lines, kind) => {
    expect(parse({ method, headers: [HOST, ...lines] })).toMatchObject({ ok: true, value: { kind } });
  });
});

describe("a request that repeats another's fields", () => {
  const FIELDS: readonly (readonly HeaderLine[])[] = [
    [HOST],
    [HOST, COOKIE, ["Accept", "text/html"]],
    [HOST, COOKIE, ["Sec-Fetch-Mode", "cors"], ["Origin", "https://evil.example"]],
    [
      HOST,
      ["Authorization", "Bearer abc"],
      ["X-Forwarded-For", "203.0.113.9"],
      ["Sec-Fetch-Mode", "navigate"],
    ],
    [HOST, ["Cookie", `${COOKIE_NAME}=%%%`], ["X-User-Id", "root"]],
  ];

  function parsed(sent: Sent): ParsedRequest {
    const { ok, ...rest } = parse({ remoteAddress: "10.0.0.1", ...sent });
    if (!ok || !("value" in rest)) throw new Error("the request of a test is refused");
    return rest.value;
  }

  it("is read as if it were the first, whatever it asks for, but for the mark", () => {
    const asked = ["GET", "HEAD"].flatMap((method) =>
      ["/", "/agents/%63oder/x?a=1"].map((target) => ({ method, target })),
    );
    for (const headers of FIELDS) {
      for (const before of asked) {
        for (const now of asked) {
          const again = parseRepeated(
            parsed({ ...before, headers }),
            now.method as "GET" | "HEAD",
            now.target,
          );
          const first = parsed({ ...now, headers });
          expect(again).toEqual({ ...first, id: expect.stringMatching(REQUEST_ID), isRepeated: true });
        }
      }
    }
  });

  it("has the very headers of the one before, and an id of its own", () => {
    const before = parsed({});
    const again = parseRepeated(before, "GET", "/");
    expect([again?.headers === before.headers, again?.id === before.id]).toEqual([true, false]);
  });

  test.each(["/a/../b", "//a", "http://agents.example.com/", "*", "/%2f", "/a?\\", ""])(
    "is none with the target %j",
    (target) => {
      expect(parseRepeated(parsed({}), "GET", target)).toBeUndefined();
    },
  );
});
