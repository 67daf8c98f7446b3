// Asks a running front door over its control socket. Whoever may open the socket's file may ask.
import http from "node:http";
import { join } from "node:path";
import { shortestPath } from "../core/unix-socket.ts";
import { CONTROL_SOCKET } from "../proxy/admin/control-socket.ts";
import { CommandFailed } from "./command.ts";

export type Asked =
  | { readonly method: "GET"; readonly path: string; readonly query?: Readonly<Record<string, string>> }
  | { readonly method: "POST"; readonly path: string; readonly body?: unknown };

/** Scripts can tell "it does not run" from "it said no". */
const NOT_RUNNING = 3;

/**
 * @param data the front door's data folder
 * @returns the answer's JSON, of the type that proxy/admin/answers.ts names for the path
 * @throws CommandFailed with what the front door says, or when none runs there
 */
export async function askFrontDoor<Answer>(data: string, asked: Asked): Promise<Answer> {
  const { status, text } = await exchange(join(data, CONTROL_SOCKET), asked);
  const answer = JSON.parse(text) as Answer & { readonly error?: string };
  if (status === 200) return answer;
  throw new CommandFailed(answer.error ?? `the front door answered ${status}`);
}

function exchange(socket: string, asked: Asked): Promise<{ readonly status: number; readonly text: string }> {
  const query =
    asked.method === "GET" && asked.query !== undefined ? `?${new URLSearchParams(asked.query)}` : "";
  const body = asked.method === "POST" ? JSON.stringify(asked.body ?? {}) : "";
  return new Promise((resolve, reject) => {
    const request = http.request({
      socketPath: shortestPath(socket),
      method: asked.method,
      path: `${asked.path}${query}`,
      headers: { host: "gatehouse", "content-length": Buffer.byteLength(body), connection: "close" },
    });
    request.on("error", (error: NodeJS.ErrnoException) => reject(unreachable(socket, error)));
    request.on("response", (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk) => {
        text += chunk;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
      response.on("error", (error) => reject(unreachable(socket, error)));
    });
    request.end(body);
  });
}

function unreachable(socket: string, error: NodeJS.ErrnoException): CommandFailed {
  switch (error.code) {
    case "ENOENT":
    case "ECONNREFUSED":
      return new CommandFailed(
        `no front door listens at ${socket}; is it running, with this configuration?`,
        NOT_RUNNING,
      );
    case "EACCES":
      return new CommandFailed(`${socket} may not be opened: run this as the front door's own system user`);
    default:
      return new CommandFailed(`${socket}: ${error.message}`);
  }
}
