import { existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { CommandFailed } from "../../../cli/command.ts";
import { askFrontDoor } from "../../../cli/control-client.ts";
import type { AdminApi } from "../../../proxy/admin/admin-api.ts";
import { openControlSocket } from "../../../proxy/admin/control-socket.ts";
import { folderWith } from "../../config/config-folder.ts";
import { rawUnixExchange } from "./raw-unix.ts";

const echo: AdminApi = async (method, path, { query, body }) => ({
  status: 200,
  body: { method, path, query: Object.fromEntries(query), body: body ?? null },
});

async function open(folder: string, api: AdminApi = echo) {
  const socket = await openControlSocket(folder, api);
  onTestFinished(socket.close);
  return socket;
}

describe("the control socket", () => {
  it("takes JSON and answers JSON", async () => {
    const data = folderWith({});
    await open(data);
    expect(await askFrontDoor(data, { method: "GET", path: "/x", query: { user: "a b&c" } })).toEqual({
      method: "GET",
      path: "/x",
      query: { user: "a b&c" },
      body: null,
    });
    expect(await askFrontDoor(data, { method: "POST", path: "/y", body: { sid: "ü" } })).toEqual({
      method: "POST",
      path: "/y",
      query: {},
      body: { sid: "ü" },
    });
  });

  it("hands on what the front door says no to, in its words", async () => {
    const data = folderWith({});
    await open(data, async () => ({ status: 404, body: { error: "there is none" } }));
    await expect(askFrontDoor(data, { method: "GET", path: "/" })).rejects.toEqual(
      new CommandFailed("there is none"),
    );
  });

  it("can be opened by its owner alone", async () => {
    const data = folderWith({});
    await open(data);
    expect(statSync(join(data, "control.sock")).mode & 0o777).toBe(0o600);
  });

  it("makes its folder, closed to others", async () => {
    const data = join(folderWith({}), "new");
    await open(data);
    expect(statSync(data).mode & 0o777).toBe(0o700);
  });

  it.each([
    [
      "a dead process's socket",
      (path: string) =>
        new Promise<void>((resolve) => {
          const server = createServer().listen(path, () => {
            // As after SIGKILL: the file stays, nobody listens.
            server.unref();
            server.on("close", () => writeFileSync(path, ""));
            server.close(() => resolve());
          });
        }),
    ],
    ["a file", async (path: string) => writeFileSync(path, "")],
  ])("takes the place of %s", async (_what, leave) => {
    const data = folderWith({});
    await leave(join(data, "control.sock"));
    await open(data);
    expect(await askFrontDoor(data, { method: "GET", path: "/" })).toMatchObject({ path: "/" });
  });

  it("leaves a living front door's alone", async () => {
    const data = folderWith({});
    await open(data);
    await expect(openControlSocket(data, echo)).rejects.toThrow(`a folder in use by process ${process.pid}`);
    expect(await askFrontDoor(data, { method: "GET", path: "/" })).toMatchObject({ path: "/" });
  });

  it("is gone after closing, and its folder free for the next", async () => {
    const data = folderWith({});
    const first = await openControlSocket(data, echo);
    await first.close();
    expect(existsSync(join(data, "control.sock"))).toBe(false);
    await open(data);
  });

  it("refuses a path that no socket can have, and says what would do", async () => {
    const deep = join(folderWith({}), "d".repeat(60), "e".repeat(60));
    mkdirSync(deep, { recursive: true });
    await expect(openControlSocket(deep, echo)).rejects.toThrow(
      /expected at most 103, .* choose a shorter path/,
    );
  });

  it.each([
    ["no JSON", "{ sid", 400],
    ["more than anybody needs to say", JSON.stringify({ sid: "s".repeat(20_000) }), 400],
  ])("refuses a body of %s", async (_what, body, status) => {
    const data = folderWith({});
    await open(data);
    const answer = await rawUnixExchange(join(data, "control.sock"), [
      "POST /sessions/end HTTP/1.1",
      "Host: gatehouse",
      `Content-Length: ${body.length}`,
      "Connection: close",
      "",
      body,
    ]);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(await askFrontDoor(data, { method: "GET", path: "/" })).toMatchObject({ path: "/" });
  });
});
