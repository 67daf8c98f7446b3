// Reads frames in the plainest way, from a whole stream at once: what the frame tracker is compared with.

export type ReadFrame = {
  readonly opcode: number;
  readonly final: boolean;
  /** Positions in the stream; `end` is Infinity for a length that RFC 6455 §5.2 does not allow or nobody can send. */
  readonly start: number;
  readonly payloadAt: number;
  readonly end: number;
};

/** Frames whose head is whole. */
export function readFrames(stream: Buffer): ReadFrame[] {
  const frames: ReadFrame[] = [];
  let start = 0;
  while (start + 2 <= stream.length) {
    const [first, second] = [stream.readUInt8(start), stream.readUInt8(start + 1)];
    const short = second & 0x7f;
    const lengthBytes = short === 127 ? 8 : short === 126 ? 2 : 0;
    const payloadAt = start + 2 + lengthBytes + (second > 0x7f ? 4 : 0);
    if (payloadAt > stream.length) break;
    const length =
      lengthBytes === 8
        ? stream.readBigUInt64BE(start + 2)
        : BigInt(lengthBytes === 2 ? stream.readUInt16BE(start + 2) : short);
    const end =
      length > BigInt(Number.MAX_SAFE_INTEGER) ? Number.POSITIVE_INFINITY : payloadAt + Number(length);
    frames.push({ opcode: first & 0x0f, final: first >= 0x80, start, payloadAt, end });
    start = end;
  }
  return frames;
}
