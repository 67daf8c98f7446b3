// A close frame as a server sends it: unmasked (RFC 6455 §5.1, §5.5.1).

// RFC 6455 §5.5: a control frame's payload has at most 125 bytes, two of them the code.
const MAX_REASON_BYTES = 123;

/** @param reason cut to the whole characters that fit */
export function closeFrame(code: number, reason: string): Buffer {
  const frame = Buffer.alloc(4 + MAX_REASON_BYTES);
  // Buffer.write stops in front of a character that does not fit whole.
  const length = frame.write(reason, 4, "utf8");
  frame[0] = 0x88;
  frame[1] = 2 + length;
  frame.writeUInt16BE(code, 2);
  return frame.subarray(0, 4 + length);
}
