// Attacks by trying credentials until one fits: counted by the client's address, whatever kind they are and however
// the request is dressed (rows S21 to S23).
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ACCESS, ALICE, type FrontDoorFixture, startTestFrontDoor } from "../support/front-door-fixture.ts";
import { handshake, head, rawExchange } from "../support/raw-client.ts";
import { type RecorderGateway, startRecorder } from "../support/recorder-gateway.ts";

let gateway: RecorderGateway;
beforeAll(async () => {
  gateway = await startRecorder();
});
afterAll(() => gateway.close());

describe("guessing credentials", () => {
  const LIMIT = 3;
  const HANDLE = "A".repeat(43);

  async function limitedDoor(trustedProxies: string[] = []) {
    return startTestFrontDoor({
      gateways: { cloud: { endpoints: { "cloud-1": gateway.url } } },
      access: ACCESS,
      config: { limits: { failedAttemptsPerMinute: LIMIT }, trustedProxies },
    });
  }

  async function statuses(
    limited: FrontDoorFixture,
    guesses: readonly (readonly string[])[],
  ): Promise<number[]> {
    const all: number[] = [];
    for (const lines of guesses) {
      const [first = "", ...rest] = lines;
      const answer = await rawExchange(
        limited.port,
        head(`${first} HTTP/1.1`, `Host: ${limited.host}`, ...rest),
      );
      all.push(answer.status);
    }
    return all;
  }

  it("S22: an IPv4 address and its IPv6 form are one bucket", async () => {
    const limited = await limitedDoor(["127.0.0.1"]);
    const guess = (address: string) => [
      "GET /api/me",
      "Authorization: Bearer x",
      `X-Forwarded-For: ${address}`,
    ];
    const result = await statuses(limited, [
      guess("192.0.2.1"),
      guess("::ffff:192.0.2.1"),
      guess("::FFFF:192.0.2.1"),
      guess("192.0.2.1"),
      guess("::ffff:192.0.2.1"),
      guess("192.0.2.2"),
    ]);
    expect(result).toEqual([401, 401, 401, 429, 429, 401]);
    await limited.close();
  });

  it("S21, S22: a client nobody vouches for has its socket's address, whatever it says", async () => {
    const limited = await limitedDoor();
    const guess = (address: string) => [
      "GET /agents/coder/x",
      "Authorization: Bearer x",
      `X-Forwarded-For: ${address}`,
    ];
    expect(await statuses(limited, ["1.1.1.1", "a", "127.0.0.1", "::1"].map(guess))).toEqual([
      401, 401, 401, 429,
    ]);
    const lines = (await limited.closeAndReadAudit()).filter(({ kind }) => kind === "decision");
    expect(lines.map(({ peer, code }) => [peer, code])).toEqual([
      ["127.0.0.1", "bearer_invalid"],
      ["127.0.0.1", "bearer_invalid"],
      ["127.0.0.1", "bearer_invalid"],
      ["127.0.0.1", "too_many_attempts"],
    ]);
  });

  it("S23: cookies, bearers, pages and upgrades count in one bucket, and both at once are refused", async () => {
    const limited = await limitedDoor();
    const badCookie = `Cookie: gatehouse=${HANDLE}`;
    const badBearer = "Authorization: Bearer a.b.c";
    const result = await statuses(limited, [
      ["GET /api/me", badCookie],
      ["GET /api/me", badBearer, "Accept: text/html"],
      handshake("/agents/coder/ws", limited.host, `Origin: ${limited.publicUrl}`, badCookie)
        .filter((line) => !line.startsWith("Host"))
        .map((line) => line.replace(" HTTP/1.1", "")),
      ["GET /api/me", badBearer, "Sec-Fetch-Mode: navigate"],
      ["GET /api/token", badBearer],
      ["GET /agents/coder/files", badCookie],
      ["GET /agents/coder/files", badCookie, badBearer],
    ]);
    expect(result).toEqual([401, 401, 401, 429, 429, 429, 400]);
    await limited.close();
  });

  it("S23: says when to come back, and still lets in who proves something", async () => {
    const limited = await limitedDoor();
    await statuses(limited, new Array(LIMIT).fill(["GET /api/me", "Authorization: Bearer x"]));
    const refused = await rawExchange(
      limited.port,
      head("GET /api/me HTTP/1.1", `Host: ${limited.host}`, "Authorization: Bearer x"),
    );
    expect(refused.headers.get("retry-after")).toMatch(/^([1-9]|[1-5]\d|60)$/);
    const good = await limited.signIn(ALICE);
    expect(await statuses(limited, [["GET /api/me", `Cookie: ${good}`]])).toEqual([200]);
    await limited.close();
  });
});
