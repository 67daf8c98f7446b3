// A server that speaks the streaming side of the Claude Messages API on loopback, with answers that a test scripts.
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export type FakeClaude = {
  readonly url: string;
  readonly requests: readonly { readonly headers: IncomingHttpHeaders; readonly body: unknown }[];
  /** What the next and all later requests get. */
  answer(script: (response: ServerResponse) => void): void;
  close(): Promise<void>;
};

export async function startFakeClaude(): Promise<FakeClaude> {
  const requests: { headers: IncomingHttpHeaders; body: unknown }[] = [];
  let script: (response: ServerResponse) => void = (response) => streamAnswer(response, ["Hello."]);
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      if (request.url !== "/v1/messages") throw new Error(`not the Messages API: ${request.url}`);
      requests.push({ headers: request.headers, body: JSON.parse(Buffer.concat(chunks).toString()) });
      script(response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    answer(next) {
      script = next;
    },
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** A whole streamed answer. */
export function streamAnswer(
  response: ServerResponse,
  texts: readonly string[],
  stopReason = "end_turn",
): void {
  startAnswer(response, texts);
  send(response, "content_block_stop", { index: 0 });
  send(response, "message_delta", {
    delta: { stop_reason: stopReason, stop_sequence: null },
    usage: { output_tokens: 7 },
  });
  send(response, "message_stop", {});
  response.end();
}

/** Its beginning only; the response stays open. */
export function startAnswer(response: ServerResponse, texts: readonly string[]): void {
  response.writeHead(200, { "content-type": "text/event-stream" });
  send(response, "message_start", {
    message: {
      id: "msg_1",
      type: "message",
      role: "assistant",
      model: "fake",
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: { input_tokens: 12, output_tokens: 1 },
    },
  });
  send(response, "content_block_start", { index: 0, content_block: { type: "text", text: "" } });
  send(response, "ping", {});
  for (const text of texts)
    send(response, "content_block_delta", { index: 0, delta: { type: "text_delta", text } });
}

export function failAnswer(response: ServerResponse, status: number, type: string): void {
  // The library retries some statuses by itself; a test must not wait for that.
  response.writeHead(status, { "content-type": "application/json", "x-should-retry": "false" });
  response.end(JSON.stringify({ type: "error", error: { type, message: "detail from the model's side" } }));
}

export function send(response: ServerResponse, type: string, members: object): void {
  response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...members })}\n\n`);
}
