// Sends exactly these lines to a Unix socket and reads until it is closed.
import { connect } from "node:net";

export function rawUnixExchange(path: string, lines: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk;
    });
    socket.on("close", () => resolve(text));
    socket.on("error", (error) => text === "" && reject(error));
    socket.write(lines.join("\r\n"));
  });
}
