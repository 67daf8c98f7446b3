import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { createSeal } from "../../token-exchange/seal.ts";

const KEY = randomBytes(32);

describe("a seal", () => {
  it("opens what it sealed, at the same place", () => {
    const seal = createSeal(KEY, "test");
    expect(seal.open("a/1", seal.seal("a/1", "Zoë's secret"))).toBe("Zoë's secret");
  });

  it("seals the same text differently each time, and never shows it", () => {
    const seal = createSeal(KEY, "test");
    const [one, other] = [seal.seal("a/1", "secret"), seal.seal("a/1", "secret")];
    expect(one).not.toBe(other);
    expect(Buffer.from(one, "base64url").includes("secret")).toBe(false);
  });

  it("does not open at another place, with another key, or for another purpose", () => {
    const sealed = createSeal(KEY, "test").seal("a/1", "secret");
    expect(createSeal(KEY, "test").open("a/2", sealed)).toBeUndefined();
    expect(createSeal(randomBytes(32), "test").open("a/1", sealed)).toBeUndefined();
    expect(createSeal(KEY, "other").open("a/1", sealed)).toBeUndefined();
  });

  it("does not open when any one byte was changed or the end is missing", () => {
    const seal = createSeal(KEY, "test");
    const bytes = Buffer.from(seal.seal("a/1", "secret"), "base64url");
    for (let index = 0; index < bytes.length; index += 1) {
      const changed = Buffer.from(bytes);
      changed.writeUInt8(changed.readUInt8(index) ^ 1, index);
      expect(seal.open("a/1", changed.toString("base64url"))).toBeUndefined();
      expect(seal.open("a/1", bytes.subarray(0, index).toString("base64url"))).toBeUndefined();
    }
  });

  it("refuses a key of another length", () => {
    expect(() => createSeal(randomBytes(16), "test")).toThrow(
      new TypeError("the encryption key must have 32 bytes"),
    );
  });
});
