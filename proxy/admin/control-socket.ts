// The socket that commands on the same host reach a running front door by: HTTP and JSON over a Unix socket that
// only the door's own system user may open. Nothing of it is reachable from a network or from a browser.
import { chmod, mkdir, rename, rm } from "node:fs/promises";
import http, { type IncomingMessage, type Server } from "node:http";
import { join } from "node:path";
import { ConfigError } from "../../core/config-error.ts";
import { lockFolder } from "../../core/folder-lock.ts";
import { shortestPath } from "../../core/unix-socket.ts";
import { stoppable } from "../listen.ts";
import type { AdminApi } from "./admin-api.ts";

export const CONTROL_SOCKET = "control.sock";

const MAX_BODY_BYTES = 16_384;
const REQUEST_TIMEOUT_MS = 10_000;

export type ControlSocket = { close(): Promise<void> };

/**
 * Listens at `<folder>/control.sock`. The folder's lock says that no other process lives by it, so whatever is at
 * that path was left by one that died.
 * @throws ConfigError when the folder is in use, or its path too long for a socket
 */
export async function openControlSocket(folder: string, api: AdminApi): Promise<ControlSocket> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const unlock = await lockFolder(folder);
  const path = join(folder, CONTROL_SOCKET);
  const unborn = join(folder, `bind-${CONTROL_SOCKET}`);
  const server = createServer(api);
  const stop = stoppable(server);
  async function close() {
    await rm(path, { force: true });
    await stop();
    await unlock();
  }
  try {
    await rm(unborn, { force: true });
    await listen(server, unborn);
    // Named only now: nobody finds it before its permissions are right.
    await chmod(unborn, 0o600);
    await rename(unborn, path);
  } catch (error) {
    await close();
    throw error;
  }
  return { close };
}

function createServer(api: AdminApi): Server {
  const server = http.createServer({ requestTimeout: REQUEST_TIMEOUT_MS });
  server.on("request", (incoming, response) => {
    const answer = (status: number, body: unknown) =>
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    readBody(incoming)
      .then((body) => {
        if (body === undefined) return answer(400, { error: "the request's body is no JSON, or too long" });
        const url = new URL(incoming.url ?? "/", "http://control");
        const asked = { query: url.searchParams, body: body.value };
        return api(incoming.method ?? "", url.pathname, asked).then((done) => answer(done.status, done.body));
      })
      .catch(() => incoming.socket.destroy());
  });
  return server;
}

async function readBody(incoming: IncomingMessage): Promise<{ readonly value: unknown } | undefined> {
  let text = "";
  for await (const chunk of incoming.setEncoding("utf8")) {
    text += chunk;
    if (text.length > MAX_BODY_BYTES) return undefined;
  }
  try {
    return { value: text === "" ? undefined : JSON.parse(text) };
  } catch {
    return undefined;
  }
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) => {
      const expected = "a folder on a local file system that holds Unix sockets";
      reject(new ConfigError([{ source: path, path: "", found: error.message, expected }]));
    });
    // It keeps no process alive: without the public listener there is nothing to command.
    server.unref().listen(shortestPath(path), resolve);
  });
}
