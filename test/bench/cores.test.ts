import { describe, expect, it } from "vitest";
import { allowedCores } from "../../bench/machine/cores.ts";

describe("the cores that may be used", () => {
  it.each([
    ["0-1", [0, 1]],
    ["3", [3]],
    ["0-2,5,7-8", [0, 1, 2, 5, 7, 8]],
  ])("are read from %s", (list, cores) => {
    const status = `Name:\tnode\nCpus_allowed:\tff\nCpus_allowed_list:\t${list}\nMems_allowed:\t1\n`;
    expect(allowedCores(status)).toEqual(cores);
  });

  it("are none when the kernel does not say", () => {
    expect(allowedCores("Name:\tnode\n")).toEqual([]);
  });
});
