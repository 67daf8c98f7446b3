// WebSocket frames by hand (RFC 6455 §5.2), also such as no library would send.

export type TestFrame = {
  readonly opcode?: number;
  readonly final?: boolean;
  readonly masked?: boolean;
  readonly payload: Uint8Array;
  /** Bits that hold the length; the fewest that can when left out. */
  readonly lengthBits?: 7 | 16 | 64;
};

export const CLOSE = 0x8;

export function frame({
  opcode = 0x2,
  final = true,
  masked = false,
  payload,
  lengthBits,
}: TestFrame): Buffer {
  const { length } = payload;
  const bits = lengthBits ?? (length < 126 ? 7 : length < 65_536 ? 16 : 64);
  const head = Buffer.alloc(2 + (bits === 7 ? 0 : bits / 8) + (masked ? 4 : 0));
  head[0] = (final ? 0x80 : 0) | opcode;
  head[1] = (masked ? 0x80 : 0) | (bits === 7 ? length : bits === 16 ? 126 : 127);
  if (bits === 16) head.writeUInt16BE(length, 2);
  if (bits === 64) head.writeBigUInt64BE(BigInt(length), 2);
  if (masked) head.fill(0x88, head.length - 4);
  return Buffer.concat([head, payload]);
}

export function text(words: string): Buffer {
  return frame({ opcode: 0x1, payload: Buffer.from(words) });
}
