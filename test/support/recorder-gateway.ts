// A gateway that believes everything and keeps every byte: what reached it is what the front door sent.
import { createHash } from "node:crypto";
import { type AddressInfo, createServer, type Socket } from "node:net";

export type RecordedRequest = {
  readonly method: string;
  readonly target: string;
  /** As received, in order; names as spelled. */
  readonly headers: readonly (readonly [string, string])[];
};

/** What to write at once; more of it, or an end of the connection, is up to the script. */
export type ScriptedAnswer = (request: RecordedRequest, socket: Socket) => string | Buffer;

export type RecorderGateway = {
  readonly url: string;
  /** Requests on behalf of people: neither the door's health probes nor its control channel. */
  readonly requests: readonly RecordedRequest[];
  /** All bytes received behind the handshakes and request heads. */
  received(): Buffer;
  readonly sockets: ReadonlySet<Socket>;
  /** Answers the next requests with these bytes instead of its own answer. */
  answerWith(answer: ScriptedAnswer | undefined): void;
  /**
   * Like {@link answerWith}, but as soon as the head of the request is there; the body is still read.
   * @param answer also gets what has come of the body with the head
   */
  answerEarlyWith(
    answer: (...asked: [...Parameters<ScriptedAnswer>, begun: Buffer]) => string | Buffer,
  ): void;
  close(): Promise<void>;
};

/** @param port of one that was there before and comes back; any free one otherwise */
export async function startRecorder(port = 0): Promise<RecorderGateway> {
  const requests: RecordedRequest[] = [];
  const sockets = new Set<Socket>();
  let received = Buffer.alloc(0);
  let scripted: ScriptedAnswer | undefined;
  let early: Parameters<RecorderGateway["answerEarlyWith"]>[0] | undefined;

  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    let waiting = Buffer.alloc(0);
    let tunnelled = false;
    let open: RecordedRequest | undefined;
    let answered = false;
    const answer = (request: RecordedRequest) => {
      if (answered) return;
      const upgrade = isUpgrade(request);
      socket.write(scripted?.(request, socket) ?? (upgrade ? switching(request) : PLAIN));
    };
    socket.on("data", (chunk) => {
      if (tunnelled) {
        received = Buffer.concat([received, chunk]);
        return;
      }
      waiting = Buffer.concat([waiting, chunk]);
      for (;;) {
        if (open === undefined) {
          const end = waiting.indexOf("\r\n\r\n");
          if (end === -1) return;
          const request = readHead(waiting.subarray(0, end).toString("latin1"));
          waiting = waiting.subarray(end + 4);
          const own = OWN_ANSWERS.get(request.target);
          if (own !== undefined) {
            socket.write(own);
            continue;
          }
          requests.push(request);
          open = request;
          answered = early !== undefined;
          if (early !== undefined) socket.write(early(request, socket, waiting));
        }
        tunnelled = isUpgrade(open);
        const length = tunnelled ? waiting.length : bodyLength(open, waiting);
        if (length === undefined) return;
        received = Buffer.concat([received, waiting.subarray(0, length)]);
        waiting = waiting.subarray(length);
        answer(open);
        open = undefined;
        if (tunnelled) return;
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const address = server.address() as AddressInfo;

  return {
    url: `http://127.0.0.1:${address.port}`,
    requests,
    received: () => received,
    sockets,
    answerWith(answer) {
      scripted = answer;
      early = undefined;
    },
    answerEarlyWith(answer) {
      early = answer;
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

function isUpgrade({ headers }: RecordedRequest): boolean {
  return headers.some(([name]) => name.toLowerCase() === "upgrade");
}

/** Length of the body at the start of these bytes; undefined while it is not all there. */
function bodyLength({ headers }: RecordedRequest, bytes: Buffer): number | undefined {
  const value = (wanted: string) => headers.find(([name]) => name.toLowerCase() === wanted)?.[1];
  if (value("transfer-encoding") !== undefined) {
    const end = bytes.indexOf("0\r\n\r\n");
    return end === -1 ? undefined : end + 5;
  }
  const length = Number(value("content-length") ?? 0);
  return bytes.length < length ? undefined : length;
}

const PLAIN = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{"ok":true}';

/** To what the door asks for itself. There is no control channel here. */
const OWN_ANSWERS: ReadonlyMap<string, string> = new Map([
  ["/health", PLAIN],
  ["/control", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"],
]);

function readHead(text: string): RecordedRequest {
  const [line = "", ...lines] = text.split("\r\n");
  const [method = "", target = ""] = line.split(" ");
  const headers = lines.map((each) => {
    const colon = each.indexOf(":");
    return [each.slice(0, colon), each.slice(colon + 1).trim()] as const;
  });
  return { method, target, headers };
}
