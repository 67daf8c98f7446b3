import { describe, expect, it } from "vitest";
import { KINDS, optionsOf } from "../../bench/options.ts";

describe("the bench's options", () => {
  it("measure everything at length when there are none", () => {
    expect(optionsOf([])).toEqual({ quick: false, json: undefined, kinds: KINDS });
  });

  it("choose kinds, which keep their order", () => {
    const args = ["--quick", "--json", "rows.json", "--only", "growth", "--only", "http"];
    expect(optionsOf(args)).toEqual({ quick: true, json: "rows.json", kinds: ["http", "growth"] });
  });

  it.each([[["--only", "everything"]], [["--slow"]], [["http"]]])("refuse %j", (args) => {
    expect(() => optionsOf(args)).toThrow();
  });
});
