import { describe, expect, it, test } from "vitest";
import type { Denial } from "../../../core/denial.ts";
import { createFailedAttempts } from "../../../proxy/identify/failed-attempts.ts";

const DENIAL: Denial = { code: "bearer_invalid", fault: "expired" };

/** What each of these addresses is answered when they fail one after the other. */
async function codesOf(perMinute: number, peers: readonly string[]): Promise<string[]> {
  const attempts = createFailedAttempts(perMinute);
  const codes: string[] = [];
  for (const peer of peers) codes.push((await attempts.count(peer, DENIAL)).code);
  return codes;
}

describe("failed attempts", () => {
  it("are answered as they are up to the limit, and then with the seconds to wait", async () => {
    const attempts = createFailedAttempts(2);
    expect(await attempts.count("198.51.100.7", DENIAL)).toBe(DENIAL);
    expect(await attempts.count("198.51.100.7", { code: "session_missing" })).toEqual({
      code: "session_missing",
    });
    const refused = await attempts.count("198.51.100.7", DENIAL);
    expect(refused).toEqual({ code: "too_many_attempts", retryAfterSeconds: expect.any(Number) });
    const seconds = refused.code === "too_many_attempts" ? refused.retryAfterSeconds : 0;
    expect(Number.isInteger(seconds) && seconds >= 1 && seconds <= 60).toBe(true);
  });

  test.each([
    ["two IPv4 addresses", "198.51.100.7", "198.51.100.8", false],
    ["one IPv6 network", "2001:db8::1", "2001:db8::ffff:1", true],
    ["one IPv6 network in its long form", "2001:db8::1", "2001:db8:0:0:a:b:c:d", true],
    ["one IPv6 network, shortened behind it", "2001:db8:1:2::", "2001:db8:1:2:3:4:5:6", true],
    ["two IPv6 networks", "2001:db8:0:1::1", "2001:db8:0:2::1", false],
    ["two IPv6 networks in the long form", "2001:db8:0:1:a:b:c:d", "2001:db8:0:2:a:b:c:d", false],
    ["loopback and a global address", "::1", "2001:db8::1", false],
    ["a vanished socket twice", "unknown", "unknown", true],
  ])("of %s", async (_what, one, other, shared) => {
    expect((await codesOf(1, [one, other]))[1]).toBe(shared ? "too_many_attempts" : "bearer_invalid");
  });
});
