// A close frame as a server sends it: unmasked (RFC 6455 §5.1, §5.5.1).

/** @param reason cut to the 123 bytes of UTF-8 that fit */
export function closeFrame(code: number, reason: string): Buffer {
  let text = Buffer.from(reason, "utf8");
  while (text.length > 123) {
    reason = reason.slice(0, -1);
    text = Buffer.from(reason, "utf8");
  }
  const frame = Buffer.alloc(4 + text.length);
  frame[0] = 0x88;
  frame[1] = 2 + text.length;
  frame.writeUInt16BE(code, 2);
  text.copy(frame, 4);
  return frame;
}
