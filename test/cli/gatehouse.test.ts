// The command as it is installed: built, in a process of its own.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, it, test } from "vitest";
import { folderWith, frontDoorWith } from "../config/config-folder.ts";

function gatehouse(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["dist/cli/gatehouse.js", ...args], {
    encoding: "utf8",
    timeout: 15_000,
  });
  // Below Node 22 the first line says that this Node gets no updates any more.
  const said = stderr.split("\n").filter((line) => !line.includes("gets no security updates"));
  return { status, stdout, stderr: said.join("\n") };
}

describe("gatehouse", () => {
  it("says its version", () => {
    const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
    expect(gatehouse("--version")).toEqual({ status: 0, stdout: `${version}\n`, stderr: "" });
  });

  it("explains itself when it is asked for nothing", () => {
    const { status, stdout } = gatehouse();
    expect([status, stdout.split("\n")[0]]).toEqual([
      0,
      "gatehouse: the SSO front door for AI-agent gateways",
    ]);
    expect(stdout).toContain("--berlin-1-port <port>");
  });

  test.each([
    [["dance"], 'there is no command "dance"'],
    [["front-door"], "front-door needs --config <file>"],
    [["keys", "show"], "keys show needs --config <file>"],
    [["status"], "status needs --config <front-door.json5> or --data <folder>"],
    [["sessions", "end", "--data", "x"], "sessions end takes <sid>"],
    [["sessions", "list", "alice", "--data", "x"], "sessions list takes nothing more"],
    [["users", "end", "alice", "bob", "--data", "x"], "users end takes <user id or e-mail>"],
    [["groups", "end", "x", "--provider", "y", "--data", "x"], "groups end takes no --provider"],
    [["users", "end", "x", "--now", "--data", "x"], "users end takes no --now"],
    [["config", "check", "--config", "x", "--kind", "routes"], "--kind is front-door or gateway"],
    [["demo", "--cloud-2-port", "0"], '--cloud-2-port takes a port number, 1 to 65535, not "0"'],
    [["demo", "--providers", "3"], "--providers is 1 or 2"],
    [["demo", "--colour"], "Unknown option '--colour'"],
  ])("answers %j with what is wrong and the usage", (args, fault) => {
    const { status, stdout, stderr } = gatehouse(...args);
    expect([status, stdout]).toEqual([1, ""]);
    expect(stderr.split("\n")[0]).toContain(`gatehouse: ${fault}`);
    expect(stderr).toContain("gatehouse demo ");
  });

  it("answers a faulty configuration with all faults, one line each, and no stack", () => {
    const path = frontDoorWith({ frontDoor: { publicUrl: "nowhere" } });
    const { status, stdout, stderr } = gatehouse("config", "check", "--config", path);
    expect([status, stdout]).toEqual([1, ""]);
    const [first = "", ...lines] = stderr.trimEnd().split("\n");
    expect(first).toBe(`gatehouse: ${lines.length} faults in the configuration`);
    expect(lines.every((line) => /^ {2}\S.*: found .*; expected /.test(line))).toBe(true);
    expect(lines.some((line) => line.includes("publicUrl"))).toBe(true);
  });

  it("tells a script that no front door is running by a code of its own, and says where it looked", () => {
    const folder = folderWith({});
    const { status, stdout, stderr } = gatehouse("status", "--data", folder);
    expect([status, stdout]).toEqual([3, ""]);
    expect(stderr).toBe(
      `gatehouse: no front door listens at ${folder}/control.sock; is it running, with this configuration?\n`,
    );
  });
});
