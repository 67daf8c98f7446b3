// What an attacker could read: logs, audit lines, pages, error answers, ports. A whole day of a person's use leaves
// no secret in any of them (rows S24, S98, S126 to S129).
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createLog } from "../../core/log.ts";
import { openChat } from "../support/chat-socket.ts";
import { type DemoFixture, startTestDemo } from "../support/demo-fixture.ts";
import { ALICE, type FrontDoorFixture, startTestFrontDoor } from "../support/front-door-fixture.ts";
import { navigate } from "../support/login-walk.ts";
import { handshake, head, rawExchange } from "../support/raw-client.ts";
import { startRecorder } from "../support/recorder-gateway.ts";
import { createScriptedBrowser, redirectOf } from "../support/scripted-browser.ts";
import { providerTokensFor, signIn } from "../support/sign-in.ts";

const JWT = /eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\./;

describe("a day of use, logged in full", () => {
  const logged: string[] = [];
  const secrets = new Map<string, string>();
  let demo: DemoFixture;
  let written: readonly { readonly file: string; readonly text: string }[];

  beforeAll(async () => {
    demo = await startTestDemo((part) =>
      createLog(part, "debug", { write: (line) => void logged.push(line) }),
    );
    await use();
    // Closing writes down what is still on its way.
    await demo.demo.close();
    written = [{ file: "log", text: logged.join("") }, ...auditFiles(demo.data)];
  });
  afterAll(() => demo.close());

  /** Everything a person and a script do, and everything that goes wrong; what is secret is noted on the way. */
  async function use(): Promise<void> {
    const origin = demo.demo.publicUrl;
    const note = (name: string, value: string | null | undefined) => {
      if (value !== null && value !== undefined && value !== "") secrets.set(name, value);
    };
    const stopAt = (next: URL) => next.pathname === "/auth/callback";
    const { browser, page } = await signIn(`${origin}/auth/login`, "alice@example.com", { stopAt });
    const callback = redirectOf(page);
    note("code", callback?.searchParams.get("code"));
    note("state", callback?.searchParams.get("state"));
    for (const cookie of browser.jar.all()) note(`cookie ${cookie.name} before`, cookie.value);
    await browser.open(String(callback));
    for (const cookie of browser.jar.all()) note(`cookie ${cookie.name}`, cookie.value);

    const cookie = browser.jar.header(new URL(origin));
    const socketUrl = `${origin.replace("http", "ws")}/agents/coder/ws`;
    const chat = await openChat(socketUrl, { origin, cookie });
    await chat.ask("whoami, and my secret is PRIVATE-WORDS-OF-ALICE");
    note("what was said", "PRIVATE-WORDS-OF-ALICE");
    await browser.send(`${origin}/api/me`);
    await browser.send(`${origin}/agents/coder/status?token=QUERY-SECRET-TOKEN`);
    note("a query", "QUERY-SECRET-TOKEN");
    const signedOut = await browser.send(`${origin}/auth/logout`, { method: "POST", from: new URL(origin) });
    note("id token", new URL(String(signedOut.headers.location)).searchParams.get("id_token_hint"));
    await chat.closed;

    const tokens = await providerTokensFor(demo.demo.issuer, "bob@example.com");
    for (const [name, token] of Object.entries(tokens)) note(`bob's ${name}`, token);
    const script = createScriptedBrowser();
    const bearer = (token: string) => ({
      headers: { authorization: `Bearer ${token}`, accept: "application/json" },
    });
    const exchanged = await script.send(`${origin}/api/token`, bearer(tokens.accessToken));
    const { accessToken } = JSON.parse(exchanged.body);
    note("access token", accessToken);
    (
      await openChat(`${origin.replace("http", "ws")}/agents/assistant/ws`, {
        authorization: `Bearer ${accessToken}`,
      })
    ).close();

    // And everything that goes wrong with a secret in it.
    await script.send(`${origin}/api/token`, bearer(tokens.idToken));
    await script.send(`${origin}/api/token`, bearer(`${tokens.accessToken}x`));
    await script.send(`${origin}/agents/assistant/x`, bearer(`${accessToken.slice(0, -2)}AA`));
    await script.send(`${origin}/agents/nobody/x`, bearer(accessToken));
    await browser.send(String(callback));
    await script.send(
      `${origin}/auth/callback?error=server_error&error_description=DESCRIPTION-SECRET&code=CODE-SECRET`,
    );
    note("an error's code", "CODE-SECRET");
    await script.send(`${origin}/agents/coder/x`, {
      headers: { cookie: "gatehouse=COOKIE-SECRET; other=OTHER-SECRET" },
    });
    note("a bad cookie", "COOKIE-SECRET");
    note("another site's cookie", "OTHER-SECRET");
    await script.send(`${origin}/api/me`, { headers: { authorization: "Basic QkFTSUMtU0VDUkVU" } });
    note("basic credentials", "QkFTSUMtU0VDUkVU");
    note("client secret", readFileSync(join(demo.data, "secrets", "client-secret"), "utf8").trim());
    note("encryption key", readFileSync(join(demo.data, "secrets", "encryption-key"), "utf8").trim());
  }

  it("was a day in which all of it happened", () => {
    expect([...secrets.keys()].sort()).toEqual(
      expect.arrayContaining([
        "access token",
        "bob's accessToken",
        "bob's idToken",
        "bob's refreshToken",
        "client secret",
        "code",
        "cookie gatehouse",
        "cookie gatehouse-login before",
        "encryption key",
        "id token",
        "state",
      ]),
    );
    const kinds = auditLines(written).map(({ kind, outcome }) => `${kind} ${outcome}`);
    expect([...new Set(kinds)].sort()).toEqual(
      expect.arrayContaining([
        "connection_closed allowed",
        "decision allowed",
        "decision denied",
        "login allowed",
        "logout allowed",
        "token_issued allowed",
        "token_issued denied",
      ]),
    );
    expect(logged.length).toBeGreaterThan(0);
  });

  it("S128: no log line and no audit line holds a secret, nor what was said", () => {
    const found = [...secrets].flatMap(([name, value]) =>
      written.filter(({ text }) => text.includes(value)).map(({ file }) => `${name} in ${file}`),
    );
    expect(found).toEqual([]);
  });

  it("S128: nor one in another coat: encoded, hashed, or cut", () => {
    const found = [...secrets]
      .filter(([, value]) => value.length >= 16)
      .flatMap(([name, value]) => {
        const coats = [
          encodeURIComponent(value),
          Buffer.from(value).toString("base64"),
          Buffer.from(value).toString("base64url"),
          Buffer.from(value).toString("hex"),
          createHash("sha256").update(value).digest("hex"),
          value.slice(0, 24),
          value.slice(-24),
        ];
        // A token's beginning says only which kind it is; its end is its signature.
        const telling = coats.filter((coat) => coat.length >= 16 && !/^eyJ[\w-]{0,21}$/.test(coat));
        return written
          .filter(({ text }) => telling.some((coat) => text.includes(coat)))
          .map(({ file }) => `${name} in ${file}`);
      });
    expect(found).toEqual([]);
  });

  it("S128: nothing that looks like a token or a cookie is in any of them", () => {
    const found = written.filter(({ text }) => JWT.test(text) || /gatehouse(-login)?=/.test(text));
    expect(found.map(({ file }) => file)).toEqual([]);
  });

  it("S98: each line is one JSON object", () => {
    for (const { text } of written) {
      for (const line of text.split("\n").filter((each) => each !== "")) {
        expect(typeof JSON.parse(line)).toBe("object");
      }
    }
  });
});

describe("hostile names", () => {
  it("S98: start no line of their own in the audit log", async () => {
    const gateway = await startRecorder();
    const door = await startTestFrontDoor({ gateways: { cloud: { endpoints: { "cloud-1": gateway.url } } } });
    const forged = '\n{"kind":"login","outcome":"allowed","email":"root@example.com"}\n';
    const cookie = await door.signIn({
      ...ALICE,
      email: `a${forged}@example.com`,
      name: forged,
      groups: ["engineering", forged],
    });
    const lines = [`Host: ${door.host}`, `Cookie: ${cookie}`];
    const escaped = encodeURIComponent(forged);
    const targets = [
      "/agents/coder/x",
      `/agents/${encodeURIComponent('x"},{"kind":"login')}/x`,
      `/agents/coder/${escaped}`,
      `/agents/coder/x?${escaped}`,
    ];
    for (const target of targets) {
      await rawExchange(door.port, head(`GET ${target} HTTP/1.1`, ...lines, 'User-Agent: a","kind":"login'));
    }
    await rawExchange(
      door.port,
      head("GET /agents/coder/x HTTP/1.1", `Host: evil"},{"kind":"login`, `Cookie: ${cookie}`),
    );
    await rawExchange(
      door.port,
      head(
        ...handshake(
          "/agents/coder/ws",
          door.host,
          `Origin: http://evil"},{"kind":"login`,
          `Cookie: ${cookie}`,
        ),
      ),
    );
    const audit = await door.closeAndReadAudit();
    const asked = audit.filter(({ kind }) => kind !== "config");
    expect(asked.map(({ kind, outcome }) => `${kind} ${outcome}`)).toEqual([
      "decision allowed",
      "decision denied",
      "decision denied",
      "decision allowed",
      "decision denied",
      "decision denied",
    ]);
    await gateway.close();
  });
});

describe("what the public port shows", () => {
  let door: FrontDoorFixture;
  let cookie: string;
  beforeAll(async () => {
    door = await startTestFrontDoor({
      gateways: { cloud: { endpoints: { "cloud-1": "http://127.0.0.1:9" } } },
    });
    cookie = await door.signIn(ALICE);
  });
  afterAll(() => door.close());

  it.each([
    "/metrics",
    "/config",
    "/debug",
    "/debug/pprof",
    "/debug/vars",
    "/auth/verify",
    "/admin",
    "/status",
    "/server-status",
    "/actuator/env",
    "/.git/config",
    "/.env",
    "/.gatehouse",
    "/package.json",
    "/audit.jsonl",
    "/key-set.jwt",
    "/store",
    "/portal.html",
    "/assets/portal.html",
    "/assets/chat.html",
    "/assets/../portal.html",
    "/assets/.vite/manifest.json",
    "/assets/x.js.map",
    "/json/version",
    "/.front/userinfo",
    "/.pomerium",
    "/oauth2/userinfo",
    "/swagger.json",
    "/.well-known/security.txt",
  ])("S127: %s is not there, signed in or not", async (path) => {
    const expected = path.includes("..") ? 400 : 404;
    const outside = await rawExchange(door.port, head(`GET ${path} HTTP/1.1`, `Host: ${door.host}`));
    const inside = await rawExchange(
      door.port,
      head(`GET ${path} HTTP/1.1`, `Host: ${door.host}`, `Cookie: ${cookie}`),
    );
    expect([outside.status, inside.status]).toEqual([expected, expected]);
  });

  it("S126: no page and no answer to a person holds a token or their cookie", async () => {
    const handle = cookie.slice("gatehouse=".length);
    for (const path of [
      "/",
      "/chat/coder",
      "/api/me",
      "/signed-out",
      "/healthz",
      "/readyz",
      "/nothing",
      "/api/token",
    ]) {
      const answer = await navigate(door, path, `Cookie: ${cookie}`);
      expect([path, JWT.test(answer.text), answer.text.includes(handle)]).toEqual([path, false, false]);
    }
  });

  it("the published keys are public ones only", async () => {
    const answer = await rawExchange(
      door.port,
      head("GET /.well-known/jwks.json HTTP/1.1", `Host: ${door.host}`),
    );
    const { keys } = JSON.parse(answer.body);
    expect(keys.map((key: object) => Object.keys(key).sort())).toEqual(
      keys.map(() => ["alg", "crv", "kid", "kty", "use", "x", "y"]),
    );
  });

  it("no answer names the software or its version", async () => {
    for (const path of ["/", "/api/me", "/nothing", "/agents/coder/x", "/auth/login"]) {
      const answer = await navigate(door, path);
      expect([answer.headers.has("server"), answer.headers.has("x-powered-by")]).toEqual([false, false]);
      expect(answer.text).not.toMatch(/express|node\.js|undici|v\d+\.\d+\.\d+/i);
    }
  });

  it("what fails inside says so without saying what", async () => {
    const broken = await startTestFrontDoor({
      gateways: { cloud: { endpoints: { "cloud-1": "http://127.0.0.1:9" } } },
    });
    const session = await broken.signIn(ALICE);
    broken.store.fail();
    for (const path of ["/", "/api/me", "/agents/coder/x", "/chat/coder", "/auth/login"]) {
      for (const kind of ["text/html", "application/json"]) {
        const answer = await rawExchange(
          broken.port,
          head(`GET ${path} HTTP/1.1`, `Host: ${broken.host}`, `Accept: ${kind}`, `Cookie: ${session}`),
        );
        expect([path, answer.status]).toEqual([path, 503]);
        expect(answer.body).not.toMatch(/node_modules|\.ts:|\n\s+at |made to fail/);
      }
    }
    // Here nobody expected the failure: it reaches the last resort.
    const logout = await rawExchange(
      broken.port,
      head(
        "POST /auth/logout HTTP/1.1",
        `Host: ${broken.host}`,
        `Origin: ${broken.publicUrl}`,
        `Cookie: ${session}`,
        "Content-Length: 0",
      ),
    );
    expect([logout.status, JSON.parse(logout.body).error.code]).toEqual([503, "store_unavailable"]);
    await broken.close();
  });
});

describe("the private port", () => {
  it("S129: answers nobody who came by a name, and nothing but GET", async () => {
    const door = await startTestFrontDoor({
      gateways: { cloud: { endpoints: { "cloud-1": "http://127.0.0.1:9" } } },
    });
    const ask = (method: string, host: string, path = "/healthz") =>
      new Promise<number>((resolve, reject) => {
        const asking = httpRequest(
          { host: "127.0.0.1", port: door.running.privatePort, method, path, headers: { host } },
          (answer) => {
            answer.resume();
            resolve(answer.statusCode ?? 0);
          },
        );
        asking.on("error", reject);
        asking.end();
      });
    expect([
      await ask("GET", "127.0.0.1"),
      await ask("GET", "evil.example"),
      await ask("GET", "localhost.evil.example"),
      await ask("GET", "127.0.0.1.evil.example"),
      await ask("POST", "127.0.0.1"),
      await ask("GET", "127.0.0.1", "/config"),
    ]).toEqual([200, 403, 403, 403, 405, 404]);
    await door.close();
  });
});

function auditFiles(folder: string): { file: string; text: string }[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith("audit.jsonl"))
    .map((path) => ({ file: path, text: readFileSync(join(folder, path), "utf8") }));
}

function auditLines(written: readonly { file: string; text: string }[]): { kind: string; outcome: string }[] {
  return written
    .filter(({ file }) => file !== "log")
    .flatMap(({ text }) => text.split("\n"))
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}
