import { generateKeyPairSync } from "node:crypto";
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ConfigError } from "../../../core/config-error.ts";
import { openEndpointKey } from "../../../gateway/control/endpoint-key.ts";

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "gatehouse-endpoint-"));
  path = join(folder, "endpoint-key.pem");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe("the endpoint key", () => {
  test("is made at the first start, for its owner's eyes, and is the same ever after", async () => {
    const first = await openEndpointKey(folder);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const pem = await readFile(path, "utf8");
    const second = await openEndpointKey(folder);
    expect(second.jwk).toEqual(first.jwk);
    expect(second.privateKey.equals(first.privateKey)).toBe(true);
    expect(await readFile(path, "utf8")).toBe(pem);
    expect(first.jwk).toEqual({
      kty: "EC",
      crv: "P-256",
      x: expect.any(String),
      y: expect.any(String),
      kid: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/),
      alg: "ES256",
      use: "sig",
    });
  });

  test("is refused when others may read it", async () => {
    await openEndpointKey(folder);
    await chmod(path, 0o640);
    await expect(openEndpointKey(folder)).rejects.toEqual(
      new ConfigError([
        { source: path, path: "", found: "mode 640", expected: `mode 600: chmod 600 ${path}` },
      ]),
    );
  });

  test.each([
    ["empty", ""],
    ["no key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"],
    [
      "a key on another curve",
      generateKeyPairSync("ec", { namedCurve: "secp256k1" }).privateKey.export({
        type: "pkcs8",
        format: "pem",
      }),
    ],
    [
      "an RSA key",
      generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ type: "pkcs8", format: "pem" }),
    ],
  ])("is not made over a file that is %s", async (_, content) => {
    await writeFile(path, content, { mode: 0o600 });
    await expect(openEndpointKey(folder)).rejects.toMatchObject({
      issues: [{ source: path, found: "a file that is not such a key" }],
    });
    expect(await readFile(path, "utf8")).toBe(String(content));
  });
});
