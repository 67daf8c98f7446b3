import { crc32 } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeRecord, findRecord, MAX_PAYLOAD_BYTES, readRecord } from "../../../store/embedded/record.ts";

describe("a record", () => {
  it("reads back as it was written, wherever it stands", () => {
    fc.assert(
      fc.property(fc.json(), fc.uint8Array({ maxLength: 40 }), (json, before) => {
        const record = encodeRecord(`[${json}]`);
        const bytes = Buffer.concat([before, record]);
        expect(readRecord(bytes, before.length)).toEqual({ json: `[${json}]`, end: bytes.length });
      }),
    );
  });

  it("is not read when any of its bits is flipped", () => {
    const record = encodeRecord('[{"kind":"delete","key":"ä"}]');
    for (let bit = 0; bit < record.length * 8; bit += 1) {
      const flipped = Buffer.from(record);
      flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(readRecord(flipped, 0), `bit ${bit}`).toBeUndefined();
    }
  });

  it("is not read when it is cut short anywhere", () => {
    const record = encodeRecord('[{"kind":"delete","key":"a"}]');
    for (let length = 0; length < record.length; length += 1)
      expect(readRecord(record.subarray(0, length), 0), `${length} bytes`).toBeUndefined();
  });

  it("is never made of zeros", () => {
    expect(readRecord(Buffer.alloc(4096), 0)).toBeUndefined();
    expect(findRecord(Buffer.alloc(4096), 0)).toBeUndefined();
  });

  it("is refused when its payload is larger than the limit", () => {
    const payload = `["${"x".repeat(MAX_PAYLOAD_BYTES)}"]`;
    expect(() => encodeRecord(payload)).toThrow(new RangeError("a record of 67108868 bytes is too large"));
  });
});

describe("a record larger than the limit", () => {
  it("is not read, though its checksum is right: else a long log could be misread inside a payload", () => {
    const payload = Buffer.alloc(MAX_PAYLOAD_BYTES + 1, "[]");
    payload.write("]", payload.length - 1);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(payload.length);
    const checksum = Buffer.alloc(4);
    checksum.writeUInt32BE(crc32(payload, crc32(length)));
    expect(readRecord(Buffer.concat([length, checksum, payload]), 0)).toBeUndefined();
  });
});

describe("findRecord", () => {
  it("finds the next record behind damage", () => {
    const damage = Buffer.from("no record at all, then one:");
    expect(findRecord(Buffer.concat([damage, encodeRecord("[1]"), encodeRecord("[2]")]), 0)).toBe(
      damage.length,
    );
  });

  it("does not take a record that a caller stored in a value for one of the log's", () => {
    const smuggled = encodeRecord("[1]").toString("latin1");
    const record = encodeRecord(JSON.stringify([smuggled]));
    expect(findRecord(record, 1)).toBeUndefined();
  });
});
