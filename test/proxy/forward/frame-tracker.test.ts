import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createFrameTracker } from "../../../proxy/forward/frame-tracker.ts";
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
const anyFrame: fc.Arbitrary<TestFrame> = fc
  .record({
    opcode: fc.constantFrom(0x0, 0x1, 0x2, CLOSE, 0x9, 0xa),
    final: fc.boolean(),
    masked: fc.boolean(),
    payload,
    lengthBits: fc.constantFrom(undefined, 64 as const),
  })
  .map(({ lengthBits, ...rest }) => (lengthBits === undefined ? rest : { ...rest, lengthBits }));

type Stream = {
  readonly bytes: Buffer;
  /** Positions behind the end of each frame, 0 included. */
  readonly boundaries: ReadonlySet<number>;
  /** Position behind the head of the first close frame; Infinity without one. */
  readonly closeKnownAt: number;
};

const streams: fc.Arbitrary<Stream> = fc.array(anyFrame, { minLength: 1, maxLength: 6 }).map((frames) => {
  const built = frames.map(frame);
  const ends = [0];
  for (const bytes of built) ends.push((ends.at(-1) ?? 0) + bytes.length);
  const close = frames.findIndex(({ opcode }) => opcode === CLOSE);
  const headBytes = (index: number) => (built[index]?.length ?? 0) - (frames[index]?.payload.length ?? 0);
  return {
    bytes: Buffer.concat(built),
    boundaries: new Set(ends),
    closeKnownAt: close === -1 ? Number.POSITIVE_INFINITY : (ends[close] ?? 0) + headBytes(close),
  };
});

/** The stream in chunks; cuts are close together near frame ends because lengths are mostly small. */
const chunked = streams.chain((stream) =>
  fc
    .array(
      fc.oneof(fc.nat({ max: stream.bytes.length }), fc.nat({ max: Math.min(20, stream.bytes.length) })),
      { maxLength: 12 },
    )
    .map((cuts) => {
      const places = [...new Set([0, ...cuts, stream.bytes.length])].sort((one, other) => one - other);
      const chunks = places.slice(1).map((end, index) => stream.bytes.subarray(places[index], end));
      return { stream, chunks };
    }),
);

describe("following frames", () => {
  it("knows after any chunk whether a frame is under way and whether a close frame has begun", () => {
    fc.assert(
      fc.property(chunked, ({ stream, chunks }) => {
        const tracker = createFrameTracker();
        let position = 0;
        for (const chunk of chunks) {
          tracker.push(chunk);
          position += chunk.length;
          expect([position, tracker.atBoundary, tracker.sawClose]).toEqual([
            position,
            stream.boundaries.has(position),
            position >= stream.closeKnownAt,
          ]);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("finds the end of the frame under way in the next chunk, without taking the chunk", () => {
    fc.assert(
      fc.property(chunked, ({ stream, chunks }) => {
        const tracker = createFrameTracker();
        let position = 0;
        for (const chunk of chunks) {
          const next =
            [...stream.boundaries].filter((end) => end >= position).sort((one, other) => one - other)[0] ?? 0;
          const expected = next - position > chunk.length ? -1 : next - position;
          expect([position, tracker.endOfFrameIn(chunk)]).toEqual([position, expected]);
          expect(tracker.endOfFrameIn(chunk)).toBe(expected);
          tracker.push(chunk);
          position += chunk.length;
        }
        expect(tracker.atBoundary).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it("is right byte by byte", () => {
    const bytes = Buffer.concat([
      text(""),
      text("hello"),
      frame({ payload: Buffer.alloc(300, 0x88), masked: true }),
    ]);
    const tracker = createFrameTracker();
    const ends = [...bytes].flatMap((byte, index) => {
      tracker.push(Uint8Array.of(byte));
      return tracker.atBoundary ? [index + 1] : [];
    });
    expect(ends).toEqual([2, 9, bytes.length]);
  });

  it("lets control frames stand between the fragments of a message", () => {
    const fragments = [
      frame({ opcode: 0x1, final: false, payload: Buffer.from("a") }),
      frame({ opcode: 0x9, payload: Buffer.from("ping") }),
      frame({ opcode: 0x0, payload: Buffer.from("b") }),
    ];
    const tracker = createFrameTracker();
    for (const fragment of fragments) {
      tracker.push(fragment);
      expect(tracker.atBoundary).toBe(true);
    }
    expect(tracker.sawClose).toBe(false);
  });

  it("is not at a boundary in the middle of a frame that will never end", () => {
    const head = Buffer.alloc(10, 0xff);
    head[0] = 0x82;
    head[1] = 127;
    const tracker = createFrameTracker();
    tracker.push(head);
    tracker.push(Buffer.alloc(1_000_000));
    expect(tracker.atBoundary).toBe(false);
    expect(tracker.endOfFrameIn(Buffer.alloc(1_000_000))).toBe(-1);
  });

  it("begins at a boundary", () => {
    const tracker = createFrameTracker();
    expect([tracker.atBoundary, tracker.sawClose, tracker.endOfFrameIn(text("a"))]).toEqual([true, false, 0]);
  });
});
