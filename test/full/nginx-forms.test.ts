// Both forms of nginx as they are shipped, with a real front door and a real gateway behind: what gets through, what
// does not, and what the gateway is told.
import { connect as connectHttp2 } from "node:http2";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type BehindNginx, startBehindNginx } from "../support/behind-nginx.ts";
import { openChat, refusalOf } from "../support/chat-socket.ts";
import { freePort } from "../support/free-port.ts";
import { ALICE, BOB } from "../support/front-door-fixture.ts";
import { hasNginx } from "../support/nginx.ts";
import { handshake, head, type RawAnswer, rawExchange, tlsExchange } from "../support/raw-client.ts";

/** Names under which a gateway could be told who somebody is, or where from, in spellings that readers fold. */
const FORGED = [
  "X-User-Id",
  "x-user-id",
  "X_User_Id",
  "X-USER-EMAIL",
  "X_USER_EMAIL",
  "X-User_Name",
  "X-User-Groups",
  "X_User-Groups",
  "X-Forwarded-User",
  "X_Forwarded_User",
  "Remote-User",
  "Remote_User",
  "X-Gateway-Assertion",
  "X_Gateway_Assertion",
  "x-gateway-ASSERTION",
  "X-Gateway-Control",
  "X-Gatehouse-Upstream",
  "X-Openclaw-Scopes",
  "X-Forwarded-For",
  "X-Forwarded-Host",
  "X-Forwarded-Proto",
  "X-Real-IP",
  "Forwarded",
  "X-Accel-Redirect",
];

describe.skipIf(!hasNginx).each(["in-front", "data-plane"] as const)("nginx %s", (form) => {
  let stack: BehindNginx;
  beforeAll(async () => {
    stack = await startBehindNginx({ form });
  });
  afterAll(() => stack.close());

  function exchange(...lines: readonly string[]): Promise<RawAnswer> {
    return tlsExchange(stack.tlsPort, stack.ca.cert, head(...lines));
  }

  function ask(line: string, ...lines: readonly string[]): Promise<RawAnswer> {
    return exchange(`${line} HTTP/1.1`, `Host: ${stack.door.host}`, "Connection: close", ...lines);
  }

  function chat(cookie: string, path = "/agents/coder/ws") {
    const url = `wss://localhost:${stack.tlsPort}${path}`;
    return openChat(url, { cookie, origin: stack.door.publicUrl }, { ca: stack.ca.cert });
  }

  function codeOf({ body }: { readonly body: string }): string {
    return JSON.parse(body).error.code;
  }

  it("sends whoever comes without TLS to where there is", async () => {
    const { status, headers } = await rawExchange(
      stack.nginx.plainPort,
      head("GET /agents/coder/whoami?a=b HTTP/1.1", "Host: evil.example", "Connection: close"),
    );
    expect([status, headers.get("location")]).toEqual([301, "https://localhost/agents/coder/whoami?a=b"]);
  });

  it("gives pages over HTTP/2", async () => {
    const session = connectHttp2(`https://localhost:${stack.tlsPort}`, { ca: stack.ca.cert });
    const status = await new Promise((resolve, reject) => {
      session.on("error", reject);
      session.request({ ":path": "/healthz" }).on("response", (headers) => resolve(headers[":status"]));
    });
    session.close();
    expect(status).toBe(200);
  });

  it("forwards a WebSocket, on the path of one agent and on that of all", async () => {
    const cookie = await stack.door.signIn(ALICE);
    for (const path of ["/agents/coder/ws", "/ws"]) {
      const socket = await chat(cookie, path);
      expect(await socket.ask("whoami")).toContain("alice@example.com");
      socket.close();
    }
  });

  it("forwards plain HTTP, and what the gateway says may not act as a page of this origin", async () => {
    const answer = await ask("GET /agents/coder/whoami", `Cookie: ${await stack.door.signIn(ALICE)}`);
    expect(JSON.parse(answer.body)).toMatchObject({ email: "alice@example.com", agents: ["coder"] });
    expect({ status: answer.status, headers: Object.fromEntries(answer.headers) }).toMatchObject({
      status: 200,
      headers: {
        "cache-control": "no-store",
        "content-security-policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
        "x-content-type-options": "nosniff",
        "x-request-id": expect.stringMatching(/^r_/),
      },
    });
  });

  it("shows the same request id to the client and in the audit lines of front door and gateway", async () => {
    const answer = await ask("GET /agents/coder/whoami", `Cookie: ${await stack.door.signIn(ALICE)}`);
    const requestId = answer.headers.get("x-request-id");
    await expect
      .poll(async () =>
        (await stack.gatewayAudit("admission")).filter((line) => line.requestId === requestId),
      )
      .toMatchObject([{ kind: "admission", outcome: "allowed", email: "alice@example.com" }]);
    await expect
      .poll(async () => (await stack.door.auditLines()).filter((line) => line.requestId === requestId))
      .toMatchObject([{ kind: "decision", outcome: "allowed", peer: "127.0.0.1", agent: "coder" }]);
  });

  it.each(FORGED)("lets no %s of a client through, over HTTP or on an upgrade", async (name) => {
    const cookie = `Cookie: ${await stack.door.signIn(ALICE)}`;
    const forged = `${name}: forged-by-the-client`;
    const named = `Connection: close, ${name}`;
    const before = stack.between.heads().length;
    await ask("GET /agents/coder/whoami", cookie, forged);
    await exchange("GET /agents/coder/whoami HTTP/1.1", `Host: ${stack.door.host}`, named, cookie, forged);
    const lines = [`Origin: ${stack.door.publicUrl}`, cookie, forged];
    await exchange(...handshake("/agents/coder/ws", stack.door.host, ...lines));
    const heads = stack.between.heads().slice(before);
    expect(heads).toHaveLength(3);
    for (const received of heads) {
      expect(received).not.toContain("forged-by-the-client");
      expect(received.match(/^x-user-id: u_\w{26}\r$/gim)).toHaveLength(1);
      expect(received.match(/^x-gateway-assertion: ey/gim)).toHaveLength(1);
      expect(received.match(/^x-forwarded-for: 127\.0\.0\.1\r$/gim)).toHaveLength(1);
    }
  });

  it("takes neither cookie nor token to the gateway", async () => {
    const cookie = await stack.door.signIn(ALICE);
    const before = stack.between.heads().length;
    await ask("GET /agents/coder/whoami", `Cookie: other=1; ${cookie}`);
    (await chat(cookie)).close();
    const heads = stack.between.heads().slice(before);
    expect(heads).toHaveLength(2);
    for (const received of heads) expect(received).not.toMatch(/^(cookie|authorization):/im);
  });

  it.each([
    ["X-Forwarded-Uri: /agents/coder/whoami"],
    ["X-Original-URI: /agents/coder/whoami"],
    ["X-Original-URL: /agents/coder/whoami"],
    ["X-Rewrite-Url: /agents/coder/whoami"],
    ["X-Forwarded-Method: GET"],
    ["X-Forwarded-Host: evil.example"],
    ["X-Gatehouse-Status: 200"],
  ])("decides about the request that was sent, whatever %s says", async (line) => {
    const cookie = `Cookie: ${await stack.door.signIn(BOB)}`;
    const before = stack.between.heads().length;
    const refused = await ask("GET /agents/coder/whoami", cookie, line.replace("coder", "assistant"));
    expect([refused.status, codeOf(refused)]).toEqual([403, "agent_not_allowed"]);
    expect(stack.between.heads()).toHaveLength(before);
    const allowed = await ask("GET /agents/assistant/whoami", cookie, line);
    expect(JSON.parse(allowed.body)).toMatchObject({ email: "bob@example.com", agents: ["assistant"] });
  });

  it("refuses with the front door's status, code and words", async () => {
    const cookie = `Cookie: ${await stack.door.signIn(ALICE)}`;
    const refusals = [
      await ask("GET /agents/coder/whoami"),
      await ask("GET /agents/coder/whoami", "Authorization: Bearer not-a-token"),
      await ask("GET /agents/analyst/whoami", cookie),
      await ask("GET /agents/ghost/whoami", cookie),
      await ask("TRACE /agents/coder/whoami", cookie),
      await ask("GET /agents/coder/%2e%2e/whoami", cookie),
      await ask("GET /agents/coder//whoami", cookie),
      await ask("GET /agents/coder/whoami", cookie, "Authorization: Bearer x"),
      await exchange("GET /agents/coder/whoami HTTP/1.1", "Host: evil.example", "Connection: close", cookie),
    ];
    const told = refusals.map((refused) => [refused.status, refused.headers.get("www-authenticate")]);
    expect(told).toEqual([
      [401, "Bearer"],
      [401, 'Bearer error="invalid_token"'],
      [403, undefined],
      [403, undefined],
      // nginx itself.
      [405, undefined],
      [400, undefined],
      [400, undefined],
      [400, undefined],
      [421, undefined],
    ]);
    const ours = refusals.filter(({ status }) => status !== 405);
    expect(ours.map(codeOf)).toEqual([
      "session_missing",
      "bearer_invalid",
      "agent_not_allowed",
      "agent_unknown",
      "request_malformed",
      "request_malformed",
      "credentials_ambiguous",
      "host_unknown",
    ]);
    expect(JSON.parse(refusals[2]?.body ?? "").error).toEqual({
      code: "agent_not_allowed",
      message: 'You may not use the agent "Analyst". None of your groups grants it. Groups that do: finance.',
      requestId: refusals[2]?.headers.get("x-request-id"),
      contact: "it@example.com",
      grantedBy: ["finance"],
    });
    for (const { headers } of ours) expect(headers.get("cache-control")).toBe("no-store");
  });

  it.each([
    ["that a browser says it is", ["Sec-Fetch-Mode: navigate", "Accept: text/html"]],
    ["of an older browser", ["Accept: text/html,application/xhtml+xml,*/*;q=0.8"]],
  ])("refuses a navigation %s with the front door's own page", async (_, navigation) => {
    const cookie = `Cookie: ${await stack.door.signIn(ALICE)}`;
    const before = stack.between.heads().length;
    const pages = [
      await ask("GET /agents/coder/whoami", ...navigation),
      await ask("GET /agents/analyst/report?code=abc", cookie, ...navigation),
      await ask("GET /agents/ghost/whoami", cookie, ...navigation),
      await ask("GET /agents/coder/%2e%2e/whoami", cookie, ...navigation),
    ];
    expect(stack.between.heads()).toHaveLength(before);
    const shown = pages.map(({ status, headers, body }) => [
      status,
      headers.get("content-type"),
      /<h1>(.*)<\/h1>/.exec(body)?.[1],
    ]);
    const type = "text/html; charset=utf-8";
    expect(shown).toEqual([
      [401, type, "You are not signed in"],
      [403, type, "You may not use the agent &quot;Analyst&quot;"],
      [403, type, "You may not use that agent"],
      [400, type, "The request was not understood"],
    ]);
    const [signIn, analyst] = pages;
    expect(signIn?.text.match(/^www-authenticate: .*$/gim)).toEqual([expect.stringMatching(/: Bearer\r?$/)]);
    expect(signIn?.body).toContain('href="/auth/login?return_to=%2Fagents%2Fcoder%2Fwhoami"');
    expect(analyst?.body).toContain("Groups that do: finance.");
    expect(analyst?.headers.get("cache-control")).toBe("no-store");
    expect(analyst?.headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
    const requestId = analyst?.headers.get("x-request-id");
    expect(analyst?.body).toContain(`<dd><bdi>${requestId}</bdi></dd>`);
    await expect
      .poll(async () => (await stack.door.auditLines()).filter((line) => line.requestId === requestId))
      .toMatchObject([{ kind: "decision", outcome: "denied", code: "agent_not_allowed", peer: "127.0.0.1" }]);
  });

  it("keeps JSON for what a page's script asks, whatever it accepts", async () => {
    const cookie = `Cookie: ${await stack.door.signIn(ALICE)}`;
    const answers = [
      await ask("GET /agents/analyst/whoami", cookie, "Sec-Fetch-Mode: cors", "Accept: text/html"),
      await ask("GET /agents/analyst/whoami", cookie, "Accept: application/json"),
    ];
    expect(answers.map((answer) => [answer.status, codeOf(answer)])).toEqual([
      [403, "agent_not_allowed"],
      [403, "agent_not_allowed"],
    ]);
  });

  it("refuses an upgrade from another site's page before the gateway hears of it", async () => {
    const cookie = await stack.door.signIn(ALICE);
    const before = stack.between.heads().length;
    const url = `wss://localhost:${stack.tlsPort}/agents/coder/ws`;
    const { ca } = { ca: stack.ca.cert };
    const foreign = await refusalOf(url, { cookie, origin: "https://evil.example" }, { ca });
    const absent = await refusalOf(url, { cookie }, { ca });
    expect([foreign, absent].map((refused) => [refused.status, codeOf(refused)])).toEqual([
      [403, "origin_foreign"],
      [403, "origin_missing"],
    ]);
    expect(stack.between.heads()).toHaveLength(before);
  });

  it("passes no upgrade but a WebSocket's", async () => {
    const cookie = `Cookie: ${await stack.door.signIn(ALICE)}`;
    const before = stack.between.heads().length;
    const odd = (...lines: readonly string[]) =>
      exchange("GET /agents/coder/whoami HTTP/1.1", `Host: ${stack.door.host}`, cookie, ...lines);
    const h2c = await odd(
      "Connection: Upgrade, HTTP2-Settings, close",
      "Upgrade: h2c",
      "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA",
    );
    const keyless = await odd("Connection: Upgrade, close", "Upgrade: websocket");
    const key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
    const withKey = await odd("Connection: Upgrade, close", "Upgrade: h2c, websocket", key);
    const none = await ask("GET /agents/coder/ws", cookie);
    const answers = [h2c, keyless, withKey, none].map(({ status }) => status);
    if (form === "in-front") {
      // The front door gets no `Upgrade` of the first and the third, and judges the second itself.
      expect(answers).toEqual([200, 400, 200, 404]);
    } else {
      expect(answers).toEqual([400, 400, 400, 404]);
      for (const { headers, body } of [h2c, keyless, withKey])
        expect([headers.get("content-type"), JSON.parse(body).error.code]).toEqual([
          "application/json",
          "upgrade_invalid",
        ]);
    }
    // nginx would make a tunnel of a gateway's 101 for any of them, whatever it sent there.
    expect(stack.between.heads().slice(before).join()).not.toMatch(/^(upgrade|http2-settings):/im);
    expect(stack.between.heads().length - before).toBe(form === "in-front" ? 2 : 0);
  });

  it("leaves the path as it was sent", async () => {
    const cookie = `Cookie: ${await stack.door.signIn(ALICE)}`;
    await ask("GET /agents/coder/files/a%20b/c?q=%2F&q=1", cookie);
    expect(stack.between.heads().at(-1)).toMatch(/^GET \/agents\/coder\/files\/a%20b\/c\?q=%2F&q=1 HTTP/);
  });
});

describe.skipIf(!hasNginx)("limits of nginx", () => {
  it("answer 429, and say when to come back", async () => {
    const changes = { "rate=200r/s": "rate=1r/m", "burst=400": "burst=1" };
    const stack = await startBehindNginx({ form: "in-front", changes });
    try {
      const lines = ["GET /healthz HTTP/1.1", `Host: ${stack.door.host}`, "Connection: close"];
      const answers: RawAnswer[] = [];
      for (let count = 0; count < 3; count += 1)
        answers.push(await tlsExchange(stack.tlsPort, stack.ca.cert, head(...lines)));
      expect(answers.map(({ status, headers }) => [status, headers.get("retry-after")])).toEqual([
        [200, undefined],
        [200, undefined],
        [429, "5"],
      ]);
      expect(JSON.parse(answers[2]?.body ?? "").error.code).toBe("too_many_attempts");
    } finally {
      await stack.close();
    }
  });

  it("answer 503 above the connections of one address, and say when to come back", async () => {
    const changes = { "gatehouse_connections 4000": "gatehouse_connections 1" };
    const stack = await startBehindNginx({ form: "in-front", changes });
    try {
      const { ca, door, tlsPort } = { ca: stack.ca.cert, door: stack.door, tlsPort: stack.tlsPort };
      const headers = { cookie: await door.signIn(ALICE), origin: door.publicUrl };
      const chat = await openChat(`wss://localhost:${tlsPort}/ws`, headers, { ca });
      const second = await refusalOf(`wss://localhost:${tlsPort}/ws`, headers, { ca });
      expect([second.status, second.headers["retry-after"]]).toEqual([503, "5"]);
      expect(JSON.parse(second.body).error.code).toBe("overloaded");
      chat.close();
    } finally {
      await stack.close();
    }
  });

  it("answer 413 to a body above the front door's limit", async () => {
    const stack = await startBehindNginx({ form: "data-plane", changes: { "100m": "1k" } });
    try {
      const answer = await tlsExchange(
        stack.tlsPort,
        stack.ca.cert,
        `${head(
          "POST /agents/coder/whoami HTTP/1.1",
          `Host: ${stack.door.host}`,
          "Connection: close",
          "Content-Length: 1025",
        )}${"x".repeat(1025)}`,
      );
      expect(answer.status).toBe(413);
      expect(stack.between.heads()).toEqual([]);
    } finally {
      await stack.close();
    }
  });
});

describe.skipIf(!hasNginx)("a front door that is gone", () => {
  it.each(["in-front", "data-plane"] as const)("is told of as such by nginx %s", async (form) => {
    const stack = await startBehindNginx({ form });
    try {
      await stack.door.running.close();
      const lines = ["GET /agents/coder/whoami HTTP/1.1", `Host: ${stack.door.host}`, "Connection: close"];
      const answer = await tlsExchange(stack.tlsPort, stack.ca.cert, head(...lines));
      expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "5"]);
      expect(JSON.parse(answer.body).error.code).toBe("stopping");
      const navigation = ["GET / HTTP/1.1", `Host: ${stack.door.host}`, "Sec-Fetch-Mode: navigate"];
      const page = await tlsExchange(stack.tlsPort, stack.ca.cert, head(...navigation, "Connection: close"));
      expect([page.status, page.headers.get("content-type"), page.headers.get("refresh")]).toEqual([
        503,
        "text/html",
        "5",
      ]);
      expect(page.body).toContain("<h1>The front door is not answering</h1>");
      const agent = ["GET /agents/coder/whoami HTTP/1.1", ...navigation.slice(1), "Connection: close"];
      const away = await tlsExchange(stack.tlsPort, stack.ca.cert, head(...agent));
      expect(away.body).toContain("<h1>The front door is not answering</h1>");
    } finally {
      await stack.close();
    }
  });
});

describe.skipIf(!hasNginx)("a front door that answers questions only, as while it stops", () => {
  it("is told of to a person as one that is away", async () => {
    const changes = { "127.0.0.1:8080": `127.0.0.1:${await freePort()}` };
    const stack = await startBehindNginx({ form: "data-plane", changes });
    try {
      const lines = ["GET /agents/coder/whoami HTTP/1.1", `Host: ${stack.door.host}`, "Connection: close"];
      const program = await tlsExchange(stack.tlsPort, stack.ca.cert, head(...lines));
      expect([program.status, JSON.parse(program.body).error.code]).toEqual([401, "session_missing"]);
      const navigation = head(...lines, "Sec-Fetch-Mode: navigate");
      const page = await tlsExchange(stack.tlsPort, stack.ca.cert, navigation);
      expect([page.status, page.headers.get("refresh")]).toEqual([503, "5"]);
      expect(page.body).toContain("<h1>The front door is not answering</h1>");
    } finally {
      await stack.close();
    }
  });
});

describe.skipIf(!hasNginx)("a gateway that is gone", () => {
  it("is not taken for a front door that is", async () => {
    const stack = await startBehindNginx({ form: "data-plane" });
    try {
      const cookie = await stack.door.signIn(ALICE);
      stack.between.refuseNew();
      const lines = [`Host: ${stack.door.host}`, `Cookie: ${cookie}`, "Connection: close"];
      const whoami = head("GET /agents/coder/whoami HTTP/1.1", ...lines);
      const answer = await tlsExchange(stack.tlsPort, stack.ca.cert, whoami);
      expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "5"]);
      // The second, once the front door has noticed by itself.
      expect(["gateway_unavailable", "home_unavailable"]).toContain(JSON.parse(answer.body).error.code);
      // And over the connections that the front door has kept.
      await stack.gateway.close();
      const navigation = head("GET /agents/coder/whoami HTTP/1.1", ...lines, "Sec-Fetch-Mode: navigate");
      const page = await tlsExchange(stack.tlsPort, stack.ca.cert, navigation);
      expect([page.status, page.headers.get("content-type")]).toEqual([503, "text/html; charset=utf-8"]);
      expect(page.body).toContain("<h1>This agent is offline at the moment</h1>");
      // Only what is safe to send again is: the front door may reach what nginx did not.
      const origin = `Origin: ${stack.door.publicUrl}`;
      const form = head("POST /agents/coder/whoami HTTP/1.1", ...lines, origin, "Sec-Fetch-Mode: navigate");
      const posted = await tlsExchange(stack.tlsPort, stack.ca.cert, form);
      expect(["gateway_unavailable", "home_unavailable"]).toContain(JSON.parse(posted.body).error.code);
    } finally {
      await stack.close();
    }
  });
});
