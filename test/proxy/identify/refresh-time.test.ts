import { describe, expect, it } from "vitest";
import { graceEnd, nextRefreshTime, refreshTime } from "../../../proxy/identify/refresh-time.ts";

const NOW = 1_795_248_000_000;
const inSeconds = (seconds: number) => NOW / 1000 + seconds;

describe("tokens", () => {
  it.each([
    ["a minute before they expire", "r", inSeconds(3600), NOW + 3_540_000],
    ["in the past when they live shorter than that", "r", inSeconds(30), NOW - 30_000],
    ["never without a refresh token", null, inSeconds(3600), null],
    ["never when nothing says when they expire", "r", null, null],
  ])("are refreshed %s", (_what, refreshToken, expiresAt, expected) => {
    expect(refreshTime(refreshToken, expiresAt)).toBe(expected);
  });

  it.each([
    ["like the first ones", inSeconds(3600), NOW + 3_540_000],
    ["after a pause when they live short", inSeconds(30), NOW + 30_000],
    ["never when nothing says when they expire", null, null],
  ])("that were refreshed are refreshed again %s", (_what, expiresAt, expected) => {
    expect(nextRefreshTime("r", expiresAt, NOW)).toBe(expected);
  });

  it("are borne for the grace past their expiry, not past the time to refresh them", () => {
    expect(graceEnd(NOW, 600_000)).toBe(NOW + 660_000);
  });
});
