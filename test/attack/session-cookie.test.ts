// Attacks on the session by its cookie: fixed, tossed, oversized, replayed, or ended by another site (rows S20, S51,
// S57 to S59, S64, S65; checklist 35, 41).
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type FaultProvider,
  idTokenClaims,
  signIdToken,
  startFaultProvider,
} from "../support/fault-provider.ts";
import {
  ALICE,
  type FrontDoorFixture,
  type FrontDoorOptions,
  startTestFrontDoor,
} from "../support/front-door-fixture.ts";
import {
  beginLogin,
  callbackQuery,
  comeBack,
  cookiesSetBy,
  navigate,
  setCookieLines,
  truthOf,
} from "../support/login-walk.ts";
import { handshake, head, rawExchange } from "../support/raw-client.ts";

const NOWHERE = { cloud: { endpoints: { "cloud-1": "http://127.0.0.1:9" } } };

let provider: FaultProvider;
beforeAll(async () => {
  provider = await startFaultProvider();
});
afterAll(() => provider.close());

function startDoor(options: Partial<FrontDoorOptions> = {}): Promise<FrontDoorFixture> {
  return startTestFrontDoor({ gateways: NOWHERE, issuer: provider.issuer, ...options });
}

describe("sessions and their cookie", () => {
  it("S51: a handle that was there before the login stays dead, and the login has another", async () => {
    const door = await startDoor();
    const preset = "A".repeat(43);
    const begun = await beginLogin(door, "/auth/login", `Cookie: gatehouse=${preset}`);
    provider.give(truthOf(provider, begun));
    const answer = await comeBack(door, callbackQuery(begun), `${begun.cookie}; gatehouse=${preset}`);
    const fresh = cookiesSetBy(answer).get("gatehouse");
    expect(fresh).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(fresh).not.toBe(preset);
    const ask = (handle: string | undefined) =>
      rawExchange(
        door.port,
        head("GET /api/me HTTP/1.1", `Host: ${door.host}`, `Cookie: gatehouse=${handle}`),
      );
    expect([(await ask(preset)).status, (await ask(fresh)).status]).toEqual([401, 200]);
    await door.close();
  });

  it("S51: signing in anew gives another handle, and the one signed out stays dead", async () => {
    const door = await startDoor();
    const handles = new Set<string | undefined>();
    for (let round = 0; round < 3; round += 1) {
      const begun = await beginLogin(door);
      provider.give(truthOf(provider, begun));
      handles.add(cookiesSetBy(await comeBack(door, callbackQuery(begun), begun.cookie)).get("gatehouse"));
    }
    expect(handles.size).toBe(3);
    await door.close();
  });

  it("S57: beginning a login with a stale cookie deletes that cookie", async () => {
    const door = await startDoor();
    const begun = await beginLogin(door, "/auth/login", `Cookie: gatehouse=${"A".repeat(43)}`);
    const deleted = setCookieLines(begun.answer).find((line) => line.startsWith("gatehouse=;"));
    expect(deleted).toMatch(/^gatehouse=; Path=\/; Expires=Thu, 01 Jan 1970/);
    await door.close();
  });

  it("S58: after signing out the cookie opens nothing, over HTTP and on an upgrade", async () => {
    const door = await startDoor();
    const cookie = await door.signIn(ALICE);
    const lines = [`Host: ${door.host}`, `Origin: ${door.publicUrl}`, `Cookie: ${cookie}`];
    const logout = await rawExchange(
      door.port,
      head("POST /auth/logout HTTP/1.1", ...lines, "Content-Length: 0"),
    );
    expect(logout.status).toBe(200);
    const api = await rawExchange(door.port, head("GET /api/me HTTP/1.1", ...lines));
    const forwarded = await rawExchange(door.port, head("GET /agents/coder/x HTTP/1.1", ...lines));
    const page = await navigate(door, "/", `Cookie: ${cookie}`);
    const socket = await rawExchange(
      door.port,
      head(...handshake("/agents/coder/ws", door.host, `Origin: ${door.publicUrl}`, `Cookie: ${cookie}`)),
    );
    expect([api.status, forwarded.status, page.status, socket.status]).toEqual([401, 401, 302, 401]);
    await door.close();
  });

  it("signing out needs a POST from the own pages: nobody else can do it to a person", async () => {
    const door = await startDoor();
    const cookie = await door.signIn(ALICE);
    const logout = (method: string, ...lines: string[]) =>
      rawExchange(
        door.port,
        head(
          `${method} /auth/logout HTTP/1.1`,
          `Host: ${door.host}`,
          `Cookie: ${cookie}`,
          "Content-Length: 0",
          ...lines,
        ),
      );
    const statuses = [
      await logout("GET"),
      await logout("POST"),
      await logout("POST", "Origin: https://evil.example"),
      await logout("POST", "Origin: null"),
    ].map(({ status }) => status);
    expect(statuses).toEqual([405, 403, 403, 403]);
    const me = await rawExchange(
      door.port,
      head("GET /api/me HTTP/1.1", `Host: ${door.host}`, `Cookie: ${cookie}`),
    );
    expect(me.status).toBe(200);
    await door.close();
  });

  it("S59: a cookie that claims to be many chunks is answered as signed out", async () => {
    const door = await startDoor();
    const claims = [
      "gatehouse.0=a; gatehouse.1=b",
      "gatehouse.99999999=a",
      "gatehouse_chunks=99999999",
      "gatehouse.__proto__=a",
    ];
    for (const claim of claims) {
      const answer = await navigate(door, "/auth/login", `Cookie: ${claim}`);
      expect([answer.status, cookiesSetBy(answer).has("gatehouse-login")]).toEqual([302, true]);
      expect((await navigate(door, "/", `Cookie: ${claim}`)).status).toBe(302);
    }
    await door.close();
  });

  it("S64: two session cookies count as none, whichever is good", async () => {
    const door = await startDoor();
    const good = await door.signIn(ALICE);
    const bad = `gatehouse=${"A".repeat(43)}`;
    for (const cookie of [`${good}; ${bad}`, `${bad}; ${good}`, `${good}; ${good}`, `${good}; gatehouse=`]) {
      const one = await rawExchange(
        door.port,
        head("GET /api/me HTTP/1.1", `Host: ${door.host}`, `Cookie: ${cookie}`),
      );
      expect([cookie, one.status]).toEqual([cookie, 401]);
    }
    const lines = [`Cookie: ${good}`, `Cookie: ${bad}`];
    const two = await rawExchange(door.port, head("GET /api/me HTTP/1.1", `Host: ${door.host}`, ...lines));
    expect(two.status).toBe(401);
    await door.close();
  });

  it("S64: on https the cookie is __Host-, secure, for the whole host, and no other name counts", async () => {
    const origin = "https://agents.example.com";
    const door = await startDoor({ config: { publicUrl: origin } });
    const host = "agents.example.com";
    const at = (target: string, ...lines: string[]) =>
      rawExchange(door.port, head(`GET ${target} HTTP/1.1`, `Host: ${host}`, "Accept: text/html", ...lines));
    const started = await at("/auth/login");
    const record = setCookieLines(started).find((line) => line.startsWith("__Host-gatehouse-login="));
    expect(record).toMatch(/; Path=\/; HttpOnly; Secure; SameSite=Lax$/);
    expect(started.headers.get("strict-transport-security")).toBe("max-age=31536000");
    const asked = new URL(started.headers.get("location") ?? "").searchParams;
    provider.give(signIdToken(provider.key, idTokenClaims(provider.issuer, asked.get("nonce"))));
    const query = new URLSearchParams({ code: "a-code", state: asked.get("state") ?? "" });
    const back = await at(`/auth/callback?${query}`, `Cookie: ${record?.split(";")[0]}`);
    const session = setCookieLines(back).find((line) => line.startsWith("__Host-gatehouse="));
    expect(session).toMatch(
      /^__Host-gatehouse=[A-Za-z0-9_-]{43}; Path=\/; Expires=[^;]+ GMT; HttpOnly; Secure; SameSite=Lax$/,
    );
    const handle = cookiesSetBy(back).get("__Host-gatehouse") ?? "";
    const statuses: number[] = [];
    for (const cookie of [
      `__Host-gatehouse=${handle}`,
      `gatehouse=${handle}`,
      `__host-gatehouse=${handle}`,
      `__Secure-gatehouse=${handle}`,
    ]) {
      statuses.push((await at("/api/me", `Cookie: ${cookie}`, "Sec-Fetch-Mode: cors")).status);
    }
    expect(statuses).toEqual([200, 401, 401, 401]);
    await door.close();
  });

  it("S65: the longest way back fits into what browsers keep", async () => {
    const door = await startDoor();
    const longest = `/${"a".repeat(2_047)}`;
    const begun = await beginLogin(door, `/auth/login?return_to=${longest}`);
    const [line = ""] = setCookieLines(begun.answer);
    expect(line.length).toBeLessThanOrEqual(4_096);
    provider.give(truthOf(provider, begun));
    const answer = await comeBack(door, callbackQuery(begun), begun.cookie);
    expect(answer.headers.get("location")).toBe(`${door.publicUrl}${longest}`);
    await door.close();
  });

  it("S20: forwarding headers of nobody we trust change neither callback nor cookie", async () => {
    const door = await startDoor();
    const lies = [
      "X-Forwarded-Proto: https",
      "X-Forwarded-Host: evil.example:99999",
      "X-Forwarded-Port: evil",
      "X-Forwarded-Prefix: //evil.example",
      "Forwarded: host=evil.example;proto=https",
    ];
    const begun = await beginLogin(door, "/auth/login", ...lies);
    expect(begun.asked.get("redirect_uri")).toBe(`${door.publicUrl}/auth/callback`);
    provider.give(truthOf(provider, begun));
    const answer = await navigate(
      door,
      `/auth/callback?${callbackQuery(begun)}`,
      `Cookie: ${begun.cookie}`,
      ...lies,
    );
    expect([answer.status, answer.headers.get("location")]).toEqual([302, `${door.publicUrl}/`]);
    const session = setCookieLines(answer).find((line) => line.startsWith("gatehouse="));
    expect(session).toMatch(/; HttpOnly; SameSite=Lax$/);
    await door.close();
  });
});
