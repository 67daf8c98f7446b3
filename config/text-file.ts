// Reads one small text file that an operator named. The only place of this room that opens files.
import { readFileSync, statSync } from "node:fs";
import { err, ok, type Result } from "../core/result.ts";

export type TextFileFault = { readonly found: string; readonly expected: string };

const MAX_BYTES = 1024 * 1024;

/** UTF-8 text without its byte order mark. Faults name no content and no path. */
export function readTextFile(path: string): Result<string, TextFileFault> {
  let bytes: Buffer;
  try {
    const facts = statSync(path);
    // A pipe or a device could block the start for ever.
    if (!facts.isFile()) return fault("something that is not a file", "a file");
    if (facts.size > MAX_BYTES) return tooLarge(facts.size);
    bytes = readFileSync(path);
  } catch (error) {
    return fault(reasonOf(error), "a file that this process may read");
  }
  if (bytes.length > MAX_BYTES) return tooLarge(bytes.length);
  return decode(bytes);
}

function decode(bytes: Buffer): Result<string, TextFileFault> {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return fault("bytes that are not UTF-8", "UTF-8 text");
  }
  return text.includes("\0") ? fault("a NUL character", "UTF-8 text without NUL") : ok(text);
}

function tooLarge(size: number): Result<string, TextFileFault> {
  return fault(`${size} bytes`, `at most ${MAX_BYTES} bytes`);
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
  if (code === "ENOENT" || code === "ENOTDIR") return "no such file";
  if (code === "EACCES" || code === "EPERM") return "a file that this process may not read";
  return `a file that cannot be read (${code})`;
}

function fault(found: string, expected: string): Result<string, TextFileFault> {
  return err({ found, expected });
}
