import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { FrameTracker } from "../../../proxy/forward/frame-tracker.ts";
import { type ReadFrame, readFrames } from "./frame-reader.ts";
import { CLOSE, frame, type TestFrame, text } from "./frames-fixture.ts";

/** Lengths on both sides of each change of form. */
const length = fc.oneof(
  fc.integer({ min: 0, max: 10 }),
  fc.constantFrom(124, 125, 126, 127, 128, 65_534, 65_535, 65_536, 65_537),
);
/** Payload bytes that look like heads: of a close frame, of a masked one, of a long one. */
const payload = fc
  .tuple(length, fc.constantFrom(0x00, 0x88, 0xff, 0x7f, 0x80))
  .map(([bytes, fill]) => Buffer.alloc(bytes, fill));
/** Valid ones, fragments among them, and such as no peer accepts: reserved bits and codes, long control frames. */
const anyFrame: fc.Arbitrary<Buffer> = fc
  .record({
    opcode: fc.integer({ min: 0, max: 15 }),
    reservedBits: fc.constantFrom(0x00, 0x40, 0x70),
    final: fc.boolean(),
    masked: fc.boolean(),
    payload,
    lengthBits: fc.constantFrom(undefined, 64 as const),
  })
  .map(({ lengthBits, opcode, reservedBits, ...rest }) => {
    const parts: TestFrame = { ...rest, opcode: opcode | reservedBits };
    return frame(lengthBits === undefined ? parts : { ...parts, lengthBits });
  });
/** A head whose length has its top bit set, or is past what a number holds. */
const impossible = fc
  .tuple(fc.boolean(), fc.constantFrom(0x8000000000000000n, 0xffffffffffffffffn, 1n << 53n))
  .map(([masked, announced]) => {
    const head = Buffer.alloc(masked ? 14 : 10, 0x88);
    head[0] = 0x82;
    head[1] = masked ? 0xff : 0x7f;
    head.writeBigUInt64BE(announced, 2);
    return head;
  });

const validStream = fc.array(anyFrame, { minLength: 1, maxLength: 6 }).map((frames) => Buffer.concat(frames));
const anyStream = fc.oneof(
  { weight: 5, arbitrary: validStream },
  {
    weight: 2,
    arbitrary: fc.tuple(validStream, impossible, validStream).map((parts) => Buffer.concat(parts)),
  },
  {
    weight: 1,
    arbitrary: fc.uint8Array({ minLength: 1, maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  },
);

/** A stream in chunks; many cuts are near its beginning, where the heads of short frames are. */
const chunked = anyStream.chain((stream) =>
  fc
    .array(fc.oneof(fc.nat({ max: stream.length }), fc.nat({ max: Math.min(40, stream.length) })), {
      maxLength: 16,
    })
    .map((cuts) => {
      const places = [...new Set([0, ...cuts, stream.length])].sort((one, other) => one - other);
      return { stream, chunks: places.slice(1).map((end, index) => stream.subarray(places[index], end)) };
    }),
);

function endedBy(position: number, frames: readonly ReadFrame[]): ReadFrame[] {
  return frames.filter(({ end }) => end <= position);
}

/** What a tracker that has read so far must say. */
function expectedAt(position: number, frames: readonly ReadFrame[]) {
  const ended = endedBy(position, frames);
  return {
    bytes: position,
    messages: ended.filter(({ final, opcode }) => final && opcode < 8).length,
    sawClose: frames.some(({ opcode, payloadAt }) => opcode === CLOSE && payloadAt <= position),
    atBoundary: position === (ended.at(-1)?.end ?? 0),
  };
}

function told({ bytes, messages, sawClose, atBoundary }: FrameTracker) {
  return { bytes, messages, sawClose, atBoundary };
}

describe("following frames", () => {
  it("says after every chunk what one says who has read the whole stream", () => {
    fc.assert(
      fc.property(chunked, ({ stream, chunks }) => {
        const frames = readFrames(stream);
        const tracker = new FrameTracker();
        let position = 0;
        for (const chunk of chunks) {
          tracker.push(chunk);
          position += chunk.length;
          expect(told(tracker)).toEqual(expectedAt(position, frames));
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it("takes, when asked to, only the rest of the frame under way", () => {
    fc.assert(
      fc.property(chunked, ({ stream, chunks }) => {
        const frames = readFrames(stream);
        const tracker = new FrameTracker();
        let position = 0;
        for (const chunk of chunks) {
          const under = [0, ...frames.map(({ end }) => end)].find((end) => end >= position);
          const rest = (under ?? Number.POSITIVE_INFINITY) - position;
          expect(tracker.pushRestOfFrame(chunk)).toBe(Math.min(rest, chunk.length));
          const taken = position + Math.min(rest, chunk.length);
          expect(told(tracker)).toEqual(expectedAt(taken, frames));
          tracker.push(chunk.subarray(taken - position));
          position += chunk.length;
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it("is right byte by byte", () => {
    const bytes = Buffer.concat([
      text(""),
      text("hello"),
      frame({ payload: Buffer.alloc(300, 0x88), masked: true }),
    ]);
    const tracker = new FrameTracker();
    const ends = [...bytes].flatMap((byte, index) => {
      tracker.push(Uint8Array.of(byte));
      return tracker.atBoundary ? [index + 1] : [];
    });
    expect(ends).toEqual([2, 9, bytes.length]);
  });

  it("counts a message of three fragments once, and the control frames between them not at all", () => {
    const tracker = new FrameTracker();
    const counts = [
      frame({ opcode: 0x1, final: false, payload: Buffer.from("a") }),
      frame({ opcode: 0x9, payload: Buffer.from("ping") }),
      frame({ opcode: 0x0, final: false, payload: Buffer.from("b") }),
      frame({ opcode: 0xa, payload: Buffer.from("pong") }),
      frame({ opcode: 0x0, payload: Buffer.from("c") }),
      text("another"),
      frame({ opcode: CLOSE, payload: Buffer.from([0x03, 0xe8]) }),
    ].map((bytes) => {
      tracker.push(bytes);
      return tracker.messages;
    });
    expect(counts).toEqual([0, 0, 0, 0, 1, 2, 2]);
  });

  it("counts a message when it has ended, not when it has begun", () => {
    const tracker = new FrameTracker();
    const message = text("hello");
    tracker.push(message.subarray(0, 6));
    expect(tracker.messages).toBe(0);
    tracker.push(message.subarray(6));
    expect(tracker.messages).toBe(1);
  });

  test.each([
    ["has its top bit set", 0x8000000000000001n],
    ["is past what a number holds", 1n << 53n],
  ])("behind a length that %s nothing is a boundary again", (_what, announced) => {
    const head = Buffer.alloc(10);
    head.set([0x82, 127]);
    head.writeBigUInt64BE(announced, 2);
    const tracker = new FrameTracker();
    tracker.push(head);
    for (const chunk of [text("a"), Buffer.alloc(1_000_000)]) tracker.push(chunk);
    expect(told(tracker)).toEqual({ bytes: 1_000_013, messages: 0, sawClose: false, atBoundary: false });
    expect(tracker.pushRestOfFrame(Buffer.alloc(1_000_000))).toBe(1_000_000);
  });

  it("begins at a boundary", () => {
    const tracker = new FrameTracker();
    expect(told(tracker)).toEqual({ bytes: 0, messages: 0, sawClose: false, atBoundary: true });
    expect(tracker.pushRestOfFrame(text("a"))).toBe(0);
  });
});
