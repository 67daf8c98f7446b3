// Follows WebSocket frame boundaries in a byte stream that is forwarded as it is (RFC 6455 §5.2). It reads heads
// only and keeps nothing, so that a close frame can be put between two frames at any time and messages can be
// counted; heads stay readable under permessage-deflate. It judges nothing but lengths: the peers do the rest.

const FINAL = 0x80;
const CONTROL = 0x08;
const OPCODE_CLOSE = 0x8;

/** One direction of one connection. */
export class FrameTracker {
  #messages = 0;
  #bytes = 0;
  #sawClose = false;
  /** Of the frame under way, or of the last one. */
  #firstByte = 0;
  /** Bytes of the head under way; 0 when none is. */
  #headRead = 0;
  #lengthEnd = 2;
  #headEnd = 2;
  #announced = 0;
  #payloadLeft = 0;

  /** Data messages that have ended: a fragmented one counts once, control frames do not. */
  get messages(): number {
    return this.#messages;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The sender has sent a close frame: it ended the conversation by itself. */
  get sawClose(): boolean {
    return this.#sawClose;
  }

  /**
   * No frame has begun that has not ended: a frame of our own may follow. Never again behind an impossible length
   * (RFC 6455 §5.2: the most significant bit of 64 is 0; ours ends at 2^53): no one can tell where that frame ends.
   */
  get atBoundary(): boolean {
    return this.#headRead === 0 && this.#payloadLeft === 0;
  }

  /** Takes the next bytes of the stream. */
  push(chunk: Uint8Array): void {
    const { length } = chunk;
    this.#bytes += length;
    let index = 0;
    while (index < length) index = this.#step(chunk, index);
  }

  /**
   * Takes the next bytes only as far as the frame under way goes.
   * @returns how many it took; none at a boundary
   */
  pushRestOfFrame(chunk: Uint8Array): number {
    const { length } = chunk;
    let index = 0;
    while (index < length && !this.atBoundary) index = this.#step(chunk, index);
    this.#bytes += index;
    return index;
  }

  /** Takes one byte of a head, or as much of a payload as there is; never goes past the end of a frame. */
  #step(chunk: Uint8Array, index: number): number {
    if (this.#payloadLeft === 0) {
      this.#readHead(chunk[index] ?? 0);
      return index + 1;
    }
    const rest = chunk.length - index;
    if (this.#payloadLeft > rest) {
      this.#payloadLeft -= rest;
      return chunk.length;
    }
    const end = index + this.#payloadLeft;
    this.#payloadLeft = 0;
    this.#countFrame();
    return end;
  }

  #readHead(byte: number): void {
    const position = this.#headRead;
    this.#headRead += 1;
    if (position === 0) {
      this.#firstByte = byte;
      return;
    }
    if (position === 1) {
      const length = byte & 0x7f;
      this.#lengthEnd = length < 126 ? 2 : length === 126 ? 4 : 10;
      this.#headEnd = this.#lengthEnd + (byte < 0x80 ? 0 : 4);
      this.#announced = length < 126 ? length : 0;
    } else if (position < this.#lengthEnd) {
      this.#announced = this.#announced * 256 + byte;
    }
    if (this.#headRead < this.#headEnd) return;
    this.#headRead = 0;
    this.#payloadLeft = Number.isSafeInteger(this.#announced) ? this.#announced : Number.POSITIVE_INFINITY;
    if ((this.#firstByte & 0x0f) === OPCODE_CLOSE) this.#sawClose = true;
    if (this.#payloadLeft === 0) this.#countFrame();
  }

  #countFrame(): void {
    if ((this.#firstByte & FINAL) !== 0 && (this.#firstByte & CONTROL) === 0) this.#messages += 1;
  }
}
