// Attacks by the address to come back to after signing in: wherever a browser would end up, it is this origin
// (rows S43 to S50; checklist 8).
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { returnPath } from "../../proxy/pages/return-path.ts";
import { type DemoFixture, startTestDemo } from "../support/demo-fixture.ts";
import { ALICE, type FrontDoorFixture, startTestFrontDoor } from "../support/front-door-fixture.ts";
import { navigate } from "../support/login-walk.ts";
import { head, rawExchange } from "../support/raw-client.ts";
import { signIn } from "../support/sign-in.ts";

const ORIGIN = "https://agents.example.com";

const HOSTILE = [
  "https://evil.example",
  "http://evil.example/",
  "https:evil.example",
  "https:/evil.example",
  "https:///evil.example",
  "//evil.example",
  "///evil.example",
  "////evil.example",
  "/\\evil.example",
  "\\/evil.example",
  "\\\\evil.example",
  "/\\/evil.example",
  "/%09/evil.example",
  "/\t/evil.example",
  "/\n/evil.example",
  "/\r\n/evil.example",
  "\t//evil.example",
  " //evil.example",
  "/%5cevil.example",
  "/%5Cevil.example",
  "/%2fevil.example",
  "/%2F/evil.example",
  "/%0d%0aLocation:%20https://evil.example",
  "/.//evil.example",
  "/..//evil.example",
  "/a/..//evil.example",
  "/a/../..//evil.example",
  "/%2e%2e//evil.example",
  "/.%2e//evil.example",
  "/./\\evil.example",
  "//evil.example/%2f..",
  "//evil.example/%2e%2e",
  "javascript:alert(1)",
  "javascript://agents.example.com/%0aalert(1)",
  "data:text/html,x",
  "blob:https://agents.example.com/x",
  "@evil.example",
  ":evil.example",
  ".evil.example",
  "evil.example",
  `${ORIGIN}.evil.example`,
  `${ORIGIN}@evil.example`,
  `${ORIGIN}:443@evil.example/`,
  "https://evilagents.example.com",
  "https://a.agents.example.com.evil",
  ORIGIN,
  `${ORIGIN}/chat/coder`,
  "%%%",
  "/%%%",
  "/%",
  "http://",
  "",
  "?x",
  "#x",
  "/\u0000",
  "/ｅｖｉｌ",
  "/auth/logout",
  "/auth/login?return_to=//evil.example",
  "/AUTH/../auth/login",
  "/%61uth/login",
  `/${"a".repeat(2_048)}`,
];

describe("a return address", () => {
  it.each(HOSTILE)("S43, S44, S46, S50: `%s` is the start page", (wanted) => {
    expect(returnPath(wanted, ORIGIN)).toBe("/");
  });

  it.each([
    ["/", "/"],
    ["/chat/coder", "/chat/coder"],
    ["/chat/coder?x=1&y=//z", "/chat/coder?x=1&y=//z"],
    ["/chat/coder#top", "/chat/coder"],
    ["/chat/coder?next=https://evil.example", "/chat/coder?next=https://evil.example"],
    ["/@evil.example", "/@evil.example"],
    ["/:80/x", "/:80/x"],
    ["/authors", "/authors"],
  ])("of the own origin stays: `%s` → `%s`", (wanted, path) => {
    expect(returnPath(wanted, ORIGIN)).toBe(path);
  });

  it("never leaves the origin, however a browser reads it", () => {
    const piece = fc.constantFrom(
      ...[
        "/",
        "\\",
        "//",
        ".",
        "..",
        "%2e",
        "%2f",
        "%5c",
        "%09",
        "%0a",
        "\t",
        "\n",
        "\r",
        " ",
        "@",
        ":",
        "?",
        "#",
      ],
      ...[
        "evil.example",
        "https:",
        "http:",
        "javascript:",
        "auth",
        "a",
        "%",
        "%25",
        "[",
        "]",
        "ｅ",
        "\u2044",
        "\u2100",
      ],
    );
    const wanted = fc.oneof(
      fc.array(piece, { maxLength: 10 }).map((pieces) => pieces.join("")),
      fc.array(piece, { maxLength: 10 }).map((pieces) => `/${pieces.join("")}`),
      fc.string({ unit: "binary", maxLength: 40 }),
      fc.webUrl({ withFragments: true, withQueryParameters: true }),
    );
    for (const origin of [ORIGIN, "http://localhost:8080"]) {
      fc.assert(
        fc.property(wanted, (text) => {
          const path = returnPath(text, origin);
          expect(path.startsWith("/")).toBe(true);
          expect(new URL(path, origin).origin).toBe(origin);
          expect(new URL(`${origin}${path}`).origin).toBe(origin);
          // As browsers read a Location: without tabs and line ends, a backslash for a slash (WHATWG URL §4.4).
          const read = path.replace(/[\t\r\n]/g, "").replaceAll("\\", "/");
          expect(read.startsWith("//")).toBe(false);
          expect(new URL(read, `${origin}/some/where`).origin).toBe(origin);
          // What it gives is what it takes: a second reading changes nothing.
          expect(returnPath(path, origin)).toBe(path);
        }),
        { numRuns: 3_000 },
      );
    }
  });
});

describe("at the door, signed in already", () => {
  let door: FrontDoorFixture;
  let cookie: string;
  beforeAll(async () => {
    door = await startTestFrontDoor({
      gateways: { cloud: { endpoints: { "cloud-1": "http://127.0.0.1:9" } } },
    });
    cookie = await door.signIn(ALICE);
  });
  afterAll(() => door.close());

  it.each(HOSTILE)("goes on to the start page instead of `%s`", async (wanted) => {
    const target = `/auth/login?return_to=${encodeURIComponent(wanted)}`;
    const answer = await navigate(door, target, `Cookie: ${cookie}`);
    expect([answer.status, answer.headers.get("location")]).toEqual([303, `${door.publicUrl}/`]);
  });

  it("S52: of two return addresses neither counts", async () => {
    const answer = await navigate(
      door,
      "/auth/login?return_to=/chat/coder&return_to=/chat/assistant",
      `Cookie: ${cookie}`,
    );
    expect(answer.headers.get("location")).toBe(`${door.publicUrl}/`);
  });

  it("takes none from a callback's state that nobody signed", async () => {
    const state = (returnTo: unknown) =>
      Buffer.from(JSON.stringify({ returnTo, startedAt: 0, restarts: 0, id: "x" })).toString("base64url");
    for (const returnTo of [
      "https://evil.example/",
      "//evil.example",
      `${door.publicUrl}//evil.example`,
      `${door.publicUrl}.evil.example/`,
      `${door.publicUrl}@evil.example/`,
      `${door.publicUrl}/\\evil.example`,
      7,
    ]) {
      const answer = await navigate(
        door,
        `/auth/callback?code=a&state=${state(returnTo)}`,
        `Cookie: ${cookie}`,
      );
      expect([answer.status, answer.headers.get("location")]).toEqual([303, `${door.publicUrl}/`]);
    }
  });

  it.each([
    "//evil.example/%2f..",
    "//evil.example/..",
    "/\\evil.example",
    "//evil.example",
    "/%2fevil.example",
  ])("S47, S49: a request for `%s` itself redirects nowhere", async (target) => {
    const answer = await rawExchange(
      door.port,
      head(`GET ${target} HTTP/1.1`, `Host: ${door.host}`, "Accept: text/html"),
    );
    expect([answer.status, answer.headers.get("location")]).toEqual([400, undefined]);
  });

  it("S48: forwarding headers of nobody we trust do not reach a Location", async () => {
    const answer = await navigate(
      door,
      "/chat/coder",
      "X-Forwarded-Prefix: //evil.example",
      "X-Forwarded-Host: evil.example",
      "X-Forwarded-Proto: javascript",
      "X-Original-URL: //evil.example",
      "Forwarded: host=evil.example",
    );
    expect([answer.status, answer.headers.get("location")]).toEqual([
      302,
      "/auth/login?return_to=%2Fchat%2Fcoder",
    ]);
  });

  it("a trailing slash, another case or an extension redirects nowhere", async () => {
    for (const target of ["/chat/coder/", "/Auth/Login/", "/assets", "/assets/", "/api/me/", "/index.html"]) {
      const answer = await navigate(door, target, `Cookie: ${cookie}`);
      const location = answer.headers.get("location") ?? "/";
      expect([target, new URL(location, door.publicUrl).origin]).toEqual([target, door.publicUrl]);
    }
  });
});

describe("through a real login", () => {
  let demo: DemoFixture;
  beforeAll(async () => {
    demo = await startTestDemo();
  });
  afterAll(() => demo.close());

  it.each([
    "https://evil.example",
    "//evil.example",
    "/\\evil.example",
    "/%09/evil.example",
    "/.//evil.example",
    "%%%",
  ])("S46: `%s` ends at the start page", async (wanted) => {
    const origin = demo.demo.publicUrl;
    const login = `${origin}/auth/login?return_to=${encodeURIComponent(wanted)}`;
    const { page } = await signIn(login, "alice@example.com");
    expect([page.status, page.url.href]).toEqual([200, `${origin}/`]);
  });

  it("the page that was asked for is the page that is shown", async () => {
    const origin = demo.demo.publicUrl;
    const { page } = await signIn(`${origin}/chat/coder?x=1`, "alice@example.com");
    expect([page.status, page.url.href]).toEqual([200, `${origin}/chat/coder?x=1`]);
  });

  it("signing out ends at the provider or at home, whatever the request says", async () => {
    const origin = demo.demo.publicUrl;
    const { browser } = await signIn(`${origin}/`, "alice@example.com");
    const answer = await browser.send(
      `${origin}/auth/logout?return_to=//evil.example&post_logout_redirect_uri=x`,
      {
        form: { return_to: "https://evil.example", post_logout_redirect_uri: "https://evil.example" },
        from: new URL(origin),
      },
    );
    const location = new URL(String(answer.headers.location));
    expect([answer.status, location.origin, location.searchParams.get("post_logout_redirect_uri")]).toEqual([
      303,
      demo.demo.issuer,
      `${origin}/signed-out`,
    ]);
  });
});
