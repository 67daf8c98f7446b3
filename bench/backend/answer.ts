// What the backend answers, as backend and load agree on it: a small JSON, and each WebSocket message of 128 bytes back.

export const JSON_ANSWER = JSON.stringify({
  agent: "assistant",
  state: "idle",
  sessions: [{ key: "main", messages: 12 }],
  note: "a small answer, as an API gives it",
});

export const MESSAGE_BYTES = 128;
/** A binary frame's first bytes: FIN and opcode 2, then a length that needs two bytes more (RFC 6455 §5.2). */
const BINARY = 0x82;
const MASKED = 0x80;
const TWO_BYTE_LENGTH = 126;

/** Of the client, masked as RFC 6455 §5.1 demands. With a key of zeros, so that payloads can be compared as they are. */
export const CLIENT_FRAME = Buffer.concat([
  Buffer.from([BINARY, MASKED | TWO_BYTE_LENGTH, 0, MESSAGE_BYTES, 0, 0, 0, 0]),
  Buffer.alloc(MESSAGE_BYTES, "m"),
]);

export const SERVER_FRAME = Buffer.concat([
  Buffer.from([BINARY, TWO_BYTE_LENGTH, 0, MESSAGE_BYTES]),
  Buffer.alloc(MESSAGE_BYTES, "m"),
]);
