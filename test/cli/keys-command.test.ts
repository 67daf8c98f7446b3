import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { keysShowCommand } from "../../cli/keys-command.ts";
import { ConfigError } from "../../core/config-error.ts";
import { writeKeySetFiles } from "../../token-exchange/key-set-files.ts";
import { FRONT_DOOR, frontDoorWith } from "../config/config-folder.ts";

function printedBy(path: string): string[] {
  const lines: string[] = [];
  keysShowCommand({ env: {}, isTerminal: false, version: "0.0.0", print: (line) => lines.push(line) }, path);
  return lines;
}

const INTO_ITS_FOLDER = { ...FRONT_DOOR, data: "." };

test("what a gateway's configuration needs is shown once the front door has written it", async () => {
  const path = frontDoorWith({ frontDoor: INTO_ITS_FOLDER });
  await writeKeySetFiles(dirname(path), { number: 1, envelope: "a.b.c" }, "t".repeat(43));
  expect(printedBy(path)).toEqual([
    "gateway.auth.issuer  gatehouse",
    `gateway.auth.trust   ${"t".repeat(43)}`,
    `gateway.auth.keySet  a copy of ${join(dirname(path), "key-set.jwt")}`,
  ]);
});

test("before that, the fault says what to do first", () => {
  const path = frontDoorWith({ frontDoor: INTO_ITS_FOLDER });
  expect(() => printedBy(path)).toThrow(
    new ConfigError([
      {
        source: join(dirname(path), "trust-thumbprint"),
        path: "",
        found: "no file",
        expected: "the front door to have been started once with this configuration",
      },
    ]),
  );
});
