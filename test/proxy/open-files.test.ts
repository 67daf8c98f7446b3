import { describe, expect, it } from "vitest";
import { createLog, type Log } from "../../core/log.ts";
import { reserveOf } from "../../proxy/connection-limits.ts";
import { affordableConnections, maxOpenFiles } from "../../proxy/open-files.ts";

function afford(configured: number, files: number | undefined) {
  const lines: Record<string, unknown>[] = [];
  const log: Log = createLog("front-door", "debug", { write: (line) => void lines.push(JSON.parse(line)) });
  return { connections: affordableConnections(configured, files, log), lines };
}

describe("the connections that a process can hold", () => {
  it("are the configured ones while their files can be opened, or nobody knows", () => {
    expect(afford(24_000, 48_320)).toEqual({ connections: 24_000, lines: [] });
    expect(afford(24_000, undefined)).toEqual({ connections: 24_000, lines: [] });
  });

  it("are fewer where they cannot, and the log says which limit to raise", () => {
    const { connections, lines } = afford(24_000, 256);
    expect(connections).toBe(89);
    expect(lines).toEqual([
      expect.objectContaining({
        level: "warn",
        configured: 24_000,
        connections: 89,
        maxOpenFiles: 256,
        msg: "limits.connections needs 48320 open files: fewer are accepted; raise the limit (ulimit -n, LimitNOFILE=)",
      }),
    ]);
  });

  it.each([1, 64, 65, 100, 256, 1_024, 4_096, 65_536])("fit into %i files, or are one", (files) => {
    const { connections } = afford(10_000_000, files);
    expect(connections === 1 || 64 + 2 * connections + reserveOf(connections) <= files).toBe(true);
  });

  it.runIf(process.platform === "linux")("are read from the system", () => {
    expect(maxOpenFiles()).toBeGreaterThan(0);
  });
});
