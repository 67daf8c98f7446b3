// One valid request, as Node delivers it and as the first stage reads it; a test changes one part of either.
import type { IncomingMessage } from "node:http";
import { parseRequestId, parseSessionHandle } from "../../core/ids.ts";
import type { ParsedRequest } from "../../proxy/request/parsed-request.ts";

export const PUBLIC_URL = "https://agents.example.com";
export const COOKIE_NAME = "__Host-gatehouse";
export const HANDLE = made(parseSessionHandle("H".repeat(43)));
export const REQUEST_ID = made(parseRequestId(`r_${"R".repeat(22)}`));

export type HeaderLine = readonly [name: string, value: string];

export type Sent = {
  readonly method?: string;
  readonly target?: string;
  readonly httpVersion?: string;
  readonly remoteAddress?: string;
  /** All header lines, in order and as spelled. */
  readonly headers?: readonly HeaderLine[];
};

export const HOST: HeaderLine = ["Host", "agents.example.com"];
export const ORIGIN: HeaderLine = ["Origin", PUBLIC_URL];
export const COOKIE: HeaderLine = ["Cookie", `${COOKIE_NAME}=${HANDLE}`];

/** A correct handshake but for what a test puts in another place of the list. */
export const HANDSHAKE: readonly HeaderLine[] = [
  ["Connection", "Upgrade"],
  ["Upgrade", "websocket"],
  ["Sec-WebSocket-Version", "13"],
  ["Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="],
];

/** As much of Node's request as the first stage reads. */
export function incomingOf(sent: Sent = {}): IncomingMessage {
  const { method = "GET", target = "/", httpVersion = "1.1", remoteAddress = "198.51.100.7" } = sent;
  return {
    method,
    url: target,
    httpVersion,
    rawHeaders: (sent.headers ?? [HOST]).flat(),
    socket: { remoteAddress },
  } as unknown as IncomingMessage;
}

/** Alice's browser asking for `/`. */
export function parsedRequest(changes: Partial<ParsedRequest> = {}): ParsedRequest {
  return {
    id: REQUEST_ID,
    method: "GET",
    path: "/",
    segments: [""],
    query: "",
    kind: "api",
    credential: { kind: "session", handle: HANDLE },
    peer: "198.51.100.7",
    headers: new Map([["host", "agents.example.com"]]),
    isRepeated: false,
    ...changes,
  };
}

function made<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error("a fixture's value has not its form");
  return value;
}
