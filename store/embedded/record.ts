// The framing of the log: length (4 bytes, big endian), CRC-32 over length and payload (4 bytes), payload (a JSON
// array in UTF-8). No I/O.
import { crc32 } from "node:zlib";

/** Below 2^29, see {@link findRecord}. */
export const MAX_PAYLOAD_BYTES = 64 * 1024 * 1024;

const HEADER_BYTES = 8;
const ARRAY_START = 0x5b;
const ARRAY_END = 0x5d;

/** @param json a JSON array */
export function encodeRecord(json: string): Buffer {
  const length = Buffer.byteLength(json);
  if (length > MAX_PAYLOAD_BYTES) throw new RangeError(`a record of ${length} bytes is too large`);
  const record = Buffer.allocUnsafe(HEADER_BYTES + length);
  record.writeUInt32BE(length, 0);
  record.write(json, HEADER_BYTES);
  record.writeUInt32BE(checksum(record, 0, record.length), 4);
  return record;
}

/** The record at an offset of untrusted bytes; undefined when there is no whole and undamaged one. */
export function readRecord(
  bytes: Buffer,
  offset: number,
): { readonly json: string; readonly end: number } | undefined {
  const start = offset + HEADER_BYTES;
  if (start > bytes.length) return undefined;
  const end = start + bytes.readUInt32BE(offset);
  if (end > bytes.length || end - start > MAX_PAYLOAD_BYTES) return undefined;
  // Cheap first: findRecord asks at every offset.
  if (bytes[start] !== ARRAY_START || bytes[end - 1] !== ARRAY_END) return undefined;
  if (checksum(bytes, offset, end) !== bytes.readUInt32BE(offset + 4)) return undefined;
  return { json: bytes.toString("utf8", start, end), end };
}

/**
 * The offset of the first whole record from an offset on. It cannot be fooled by what callers store: JSON text has
 * no byte below 0x20, so four bytes of a payload read as a length are 2^29 or more, above the limit.
 */
export function findRecord(bytes: Buffer, from: number): number | undefined {
  for (let offset = from; offset + HEADER_BYTES < bytes.length; offset += 1)
    if (readRecord(bytes, offset) !== undefined) return offset;
  return undefined;
}

// The length is covered too, so that zeros are no valid record (CRC-32 of nothing is 0).
function checksum(bytes: Buffer, offset: number, end: number): number {
  return crc32(bytes.subarray(offset + HEADER_BYTES, end), crc32(bytes.subarray(offset, offset + 4)));
}
