// One command to a running front door, over its control socket.
import http from "node:http";

/** @throws when the answer is not 200 */
export function adminRequest(
  controlSocket: string,
  method: "GET" | "POST",
  path: string,
  body?: unknown,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const asking = http.request({ socketPath: controlSocket, method, path }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
      });
      answer.on("end", () =>
        answer.statusCode === 200
          ? resolve(JSON.parse(text))
          : reject(new Error(`${path} answered ${answer.statusCode}: ${text}`)),
      );
    });
    asking.on("error", reject);
    asking.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
