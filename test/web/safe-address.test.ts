import { describe, expect, it } from "vitest";
import { safeAddress } from "../../web/chat/safe-address.ts";

describe("the address of a link in an answer", () => {
  it.each([
    ["https://example.com", "https://example.com/"],
    ["HTTP://Example.com/a?b#c", "http://example.com/a?b#c"],
    ["mailto:it@example.com", "mailto:it@example.com"],
    ["https://\u202Eexample.com/", undefined],
    ["javascript:alert(1)", undefined],
    ["JaVaScRiPt:alert(1)", undefined],
    ["java\nscript:alert(1)", undefined],
    [" javascript:alert(1)", undefined],
    ["data:text/html,<script>alert(1)</script>", undefined],
    ["vbscript:x", undefined],
    ["file:///etc/passwd", undefined],
    ["blob:https://example.com/x", undefined],
    ["//example.com/", undefined],
    ["/auth/logout", undefined],
    ["chat/coder", undefined],
    ["#main", undefined],
    ["", undefined],
    ["https://", undefined],
  ])("%j leads to %j", (address, expected) => {
    expect(safeAddress(address)).toBe(expected);
  });
});
