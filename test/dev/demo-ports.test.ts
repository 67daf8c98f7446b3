import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { ConfigError } from "../../core/config-error.ts";
import { checkDemoPorts, DEMO_PORTS, type DemoPorts } from "../../dev/demo-ports.ts";
import { freePort } from "../support/free-port.ts";

async function takenPort(): Promise<number> {
  const server = createServer();
  onTestFinished(() => void server.close());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

async function freePorts(): Promise<DemoPorts> {
  const ports: [string, number][] = [];
  for (const key of Object.keys(DEMO_PORTS)) ports.push([key, await freePort()]);
  return Object.fromEntries(ports) as DemoPorts;
}

test("free ports are no fault", async () => {
  await expect(checkDemoPorts(await freePorts(), 2)).resolves.toBeUndefined();
});

test("the second provider's port may be taken while there is one provider", async () => {
  const provider2Port = await takenPort();
  const ports = { ...(await freePorts()), provider2Port };
  await expect(checkDemoPorts(ports, 1)).resolves.toBeUndefined();
  await expect(checkDemoPorts(ports, 2)).rejects.toThrow(
    new ConfigError([
      {
        source: "OpenID provider of Partner Ltd, with --providers 2",
        path: "--provider-2-port",
        found: `port ${provider2Port}, which cannot be listened on (in use)`,
        expected: `a free port: end what uses ${provider2Port}, or start with --provider-2-port <another port>`,
      },
    ]),
  );
});

test("every taken port is named, with what it was for and the option that changes it", async () => {
  const [port, berlin1Port] = [await takenPort(), await takenPort()];
  const checked = checkDemoPorts({ ...(await freePorts()), port, berlin1Port }, 1);
  await expect(checked).rejects.toThrow(
    new ConfigError([
      {
        source: "front door",
        path: "--port",
        found: `port ${port}, which cannot be listened on (in use)`,
        expected: `a free port: end what uses ${port}, or start with --port <another port>`,
      },
      {
        source: "gateway berlin/berlin-1",
        path: "--berlin-1-port",
        found: `port ${berlin1Port}, which cannot be listened on (in use)`,
        expected: `a free port: end what uses ${berlin1Port}, or start with --berlin-1-port <another port>`,
      },
    ]),
  );
});
