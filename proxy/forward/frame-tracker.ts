// Follows WebSocket frame boundaries in a byte stream that is forwarded as it is (RFC 6455 §5.2). It reads
// headers only and keeps nothing, so that a close frame can be put between two frames at any time; headers
// stay readable under permessage-deflate. Pinned by a property test over every chunking.

export type FrameTracker = {
  /** Takes the next bytes of the stream. */
  push(chunk: Uint8Array): void;
  /** No frame has begun that has not ended: a frame of our own may follow. */
  readonly atBoundary: boolean;
  /** The sender has sent a close frame: it ended the conversation by itself. */
  readonly sawClose: boolean;
  /**
   * Index in `chunk` (the next bytes, not yet pushed) behind the end of the frame now in progress; 0 at a
   * boundary, -1 if that frame goes on past the chunk.
   */
  endOfFrameIn(chunk: Uint8Array): number;
};

const OPCODE_CLOSE = 0x8;

type Position = { readonly header: number[]; headerLength: number; payloadLeft: number; sawClose: boolean };

export function createFrameTracker(): FrameTracker {
  const position: Position = { header: [], headerLength: 2, payloadLeft: 0, sawClose: false };
  return {
    push(chunk) {
      advance(position, chunk, false);
    },
    get atBoundary() {
      return isBoundary(position);
    },
    get sawClose() {
      return position.sawClose;
    },
    endOfFrameIn(chunk) {
      if (isBoundary(position)) return 0;
      return advance({ ...position, header: [...position.header] }, chunk, true);
    },
  };
}

function isBoundary(position: Position): boolean {
  return position.header.length === 0 && position.payloadLeft === 0;
}

/** @returns index behind the first frame end in the chunk when asked to stop there; -1 if there is none */
function advance(position: Position, chunk: Uint8Array, stopAtEnd: boolean): number {
  let index = 0;
  while (index < chunk.length) {
    if (position.payloadLeft > 0) {
      const step = Math.min(position.payloadLeft, chunk.length - index);
      position.payloadLeft -= step;
      index += step;
    } else {
      position.header.push(chunk[index] ?? 0);
      index += 1;
      if (position.header.length === 2) position.headerLength = headerLengthOf(position.header);
      if (position.header.length < position.headerLength) continue;
      position.payloadLeft = payloadLengthOf(position.header);
      if (((position.header[0] ?? 0) & 0x0f) === OPCODE_CLOSE) position.sawClose = true;
      position.header.length = 0;
      position.headerLength = 2;
    }
    if (stopAtEnd && isBoundary(position)) return index;
  }
  return -1;
}

function headerLengthOf(header: readonly number[]): number {
  const second = header[1] ?? 0;
  const length = second & 0x7f;
  const extended = length === 126 ? 2 : length === 127 ? 8 : 0;
  return 2 + extended + ((second & 0x80) === 0 ? 0 : 4);
}

function payloadLengthOf(header: readonly number[]): number {
  const length = (header[1] ?? 0) & 0x7f;
  if (length < 126) return length;
  const bytes = header.slice(2, length === 126 ? 4 : 10);
  return bytes.reduce((sum, byte) => sum * 256 + byte, 0);
}
