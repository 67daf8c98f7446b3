import { chmod, mkdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ConfigError } from "../../../core/config-error.ts";
import { prepareFolder } from "../../../store/embedded/prepare-folder.ts";
import { temporaryFolder } from "../embedded-fixture.ts";

describe("prepareFolder", () => {
  it("creates what is missing, private to its owner", async () => {
    const outer = join(await temporaryFolder(), "one");
    await prepareFolder(join(outer, "two"));
    expect((await stat(outer)).mode & 0o777).toBe(0o700);
    expect((await stat(join(outer, "two"))).mode & 0o777).toBe(0o700);
  });

  it("accepts a private folder that exists", async () => {
    await prepareFolder(await temporaryFolder());
  });

  it.each([0o750, 0o701, 0o777])("refuses one that others may enter (%o), and leaves it so", async (mode) => {
    const folder = join(await temporaryFolder(), "open");
    await mkdir(folder);
    await chmod(folder, mode);
    await expect(prepareFolder(folder)).rejects.toEqual(
      new ConfigError([
        {
          source: folder,
          path: "",
          found: `mode ${mode.toString(8)}`,
          expected: `mode 700: chmod 700 ${folder}`,
        },
      ]),
    );
    expect((await stat(folder)).mode & 0o777).toBe(mode);
  });

  it("refuses a path at which there is a file", async () => {
    const path = join(await temporaryFolder(), "file");
    await writeFile(path, "");
    await expect(prepareFolder(path)).rejects.toThrow(ConfigError);
    await expect(prepareFolder(join(path, "inside"))).rejects.toThrow(ConfigError);
  });
});
