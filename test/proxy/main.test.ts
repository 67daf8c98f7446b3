import { type AddressInfo, createServer } from "node:net";
import { describe, expect, it } from "vitest";
import { ConfigError } from "../../core/config-error.ts";
import { freePort } from "../support/free-port.ts";
import { startTestFrontDoor } from "../support/front-door-fixture.ts";

describe("a front door that cannot open whole", () => {
  it("names the taken port, and leaves nothing listening", async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    const { port } = taken.address() as AddressInfo;
    const publicPort = await freePort();
    const gateways = { cloud: { endpoints: { "cloud-1": "http://127.0.0.1:1" } } };
    const config = { listen: { port: publicPort }, privateListen: { port } };
    await expect(startTestFrontDoor({ gateways, config })).rejects.toThrow(
      new ConfigError([
        {
          source: "front door",
          path: "privateListen.port",
          found: `127.0.0.1:${port}, which cannot be listened on (EADDRINUSE)`,
          expected:
            "a free port and an address of this machine; change privateListen.port or privateListen.host",
        },
      ]),
    );
    const again = createServer();
    await new Promise<void>((resolve, reject) =>
      again.once("error", reject).listen(publicPort, "127.0.0.1", resolve),
    );
    await Promise.all([taken, again].map((server) => new Promise((resolve) => server.close(resolve))));
  });
});
