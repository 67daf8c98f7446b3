import { describe, expect, it } from "vitest";
import { randomId } from "../../core/random-id.ts";

describe("a random id", () => {
  it("has as many random bytes as asked for, in the form asked for", () => {
    expect(randomId(16, "base64url")).toMatch(/^[A-Za-z0-9_-]{22}$/);
    expect(randomId(8, "hex")).toMatch(/^[0-9a-f]{16}$/);
  });

  it("is never given out twice, also when its bytes are drawn anew", () => {
    const ids = Array.from({ length: 2_000 }, (_, index) => randomId(index % 2 === 0 ? 16 : 9, "hex"));
    expect(new Set(ids).size).toBe(2_000);
  });
});
