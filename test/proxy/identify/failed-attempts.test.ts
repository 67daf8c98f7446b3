import { describe, expect, it } from "vitest";
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

  it("of one IPv6 network are one caller's, of two addresses two", async () => {
    expect((await codesOf(1, ["2001:db8::1", "2001:db8::ffff:1"]))[1]).toBe("too_many_attempts");
    expect((await codesOf(1, ["198.51.100.7", "198.51.100.8"]))[1]).toBe("bearer_invalid");
  });
});
