// A gateway that believes everything and keeps every byte: what reached it is what the front door sent.
import { createHash } from "node:crypto";
import { type AddressInfo, createServer, type Socket } from "node:net";

export type RecordedRequest = {
  readonly method: string;
  readonly target: string;
  /** As received, in order; names as spelled. */
  readonly headers: readonly (readonly [string, string])[];
};

export type RecorderGateway = {
  readonly url: string;
  /** Requests other than the health probe. */
  readonly requests: readonly RecordedRequest[];
  /** All bytes received behind the handshakes and request heads. */
  received(): Buffer;
  readonly sockets: ReadonlySet<Socket>;
  /** Answers the next requests with these bytes instead of its own answer. */
  answerWith(answer: ((request: RecordedRequest) => string | Buffer) | undefined): void;
  close(): Promise<void>;
};

export async function startRecorder(): Promise<RecorderGateway> {
  const requests: RecordedRequest[] = [];
  const sockets = new Set<Socket>();
  let received = Buffer.alloc(0);
  let scripted: ((request: RecordedRequest) => string | Buffer) | undefined;

  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    let head = Buffer.alloc(0);
    let tunnelled = false;
    socket.on("data", (chunk) => {
      if (tunnelled) {
        received = Buffer.concat([received, chunk]);
        return;
      }
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf("\r\n\r\n");
      if (end === -1) return;
      const request = readHead(head.subarray(0, end).toString("latin1"));
      const rest = head.subarray(end + 4);
      head = Buffer.alloc(0);
      const isProbe = request.target === "/health";
      if (!isProbe) {
        requests.push(request);
        received = Buffer.concat([received, rest]);
      }
      const upgrade = request.headers.some(([name]) => name.toLowerCase() === "upgrade");
      tunnelled = upgrade || (!isProbe && rest.length > 0);
      socket.write(isProbe ? PLAIN : (scripted?.(request) ?? (upgrade ? switching(request) : PLAIN)));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;

  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    received: () => received,
    sockets,
    answerWith(answer) {
      scripted = answer;
    },
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** What a correct gateway answers to this upgrade. */
export function switching(request: RecordedRequest): string {
  const key = request.headers.find(([name]) => name.toLowerCase() === "sec-websocket-key")?.[1] ?? "";
  const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
  return `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`;
}

const PLAIN = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{"ok":true}';

function readHead(text: string): RecordedRequest {
  const [line = "", ...lines] = text.split("\r\n");
  const [method = "", target = ""] = line.split(" ");
  const headers = lines.map((each) => {
    const colon = each.indexOf(":");
    return [each.slice(0, colon), each.slice(colon + 1).trim()] as const;
  });
  return { method, target, headers };
}
