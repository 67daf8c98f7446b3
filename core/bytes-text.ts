// A number of bytes as people read it. Pure.

const MEBIBYTE = 1024 * 1024;

/** `16 MiB`, `1000 bytes`. */
export function bytesText(bytes: number): string {
  return bytes % MEBIBYTE === 0 ? `${bytes / MEBIBYTE} MiB` : `${bytes} bytes`;
}
