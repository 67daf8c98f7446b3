// Reads the head of a gateway's answer, strictly (RFC 9112 §4, §5): what two parsers could read in two ways is no answer,
// for behind it every byte counts as body, as the next person's answer, or as a frame. Pure.
import { err, ok, type Result } from "../../core/result.ts";
import { LINE_END, parseFields } from "../field-lines.ts";

export type AnswerHead = {
  readonly status: number;
  /** Names, in lower case, and values in turn, as they came. */
  readonly headers: readonly string[];
  /** Where the head ends in what was received. */
  readonly length: number;
};

export const MAX_HEAD_BYTES = 16 * 1024;
const MAX_LINES = 100;
const VERSION = "HTTP/1.1 ";
const END = LINE_END + LINE_END;

const STATUS_LINE = /^HTTP\/1\.1 ([1-9]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/;
const BROKEN_LINE_END = /\r[^\n]|[^\r]\n/;

/**
 * @param received everything since the connection began, untrusted; what comes behind the head is not looked at
 * @param seen so many bytes of it were here the last time
 * @returns undefined while the head is not whole; else the head, or what is wrong with it
 */
export function parseAnswerHead(received: Buffer, seen: number): Result<AnswerHead, string> | undefined {
  const end = received.indexOf(END, Math.max(0, seen - END.length + 1), "latin1");
  if (end > MAX_HEAD_BYTES || (end === -1 && received.length > MAX_HEAD_BYTES)) {
    return err("an answer head past its limit");
  }
  return end === -1
    ? faultSoFar(received, seen)
    : parseLines(received.toString("latin1", 0, end), end + END.length);
}

/** Whoever speaks no HTTP, or ends lines by a newline alone, is not waited for until the time is up. */
function faultSoFar(received: Buffer, seen: number): Result<never, string> | undefined {
  const start = received.toString("latin1", 0, VERSION.length);
  if (!VERSION.startsWith(start)) return err("an answer that is no HTTP/1.1");
  const fresh = received.toString("latin1", Math.max(0, seen - 1));
  return BROKEN_LINE_END.test(fresh) ? err("an answer head with broken line ends") : undefined;
}

function parseLines(head: string, length: number): Result<AnswerHead, string> {
  const lines = head.split(LINE_END, MAX_LINES + 2);
  const status = STATUS_LINE.exec(lines[0] ?? "")?.[1];
  if (status === undefined) return err("an answer that is no HTTP/1.1");
  const headers = parseAnswerFields(lines, 1);
  return headers.ok ? ok({ status: Number(status), headers: headers.value, length }) : headers;
}

/**
 * Header or trailer fields.
 * @param from the first of the lines that is one
 */
export function parseAnswerFields(lines: readonly string[], from: number): Result<string[], string> {
  if (lines.length - from > MAX_LINES) return err("an answer head past its limit");
  const fields = parseFields(lines, from);
  return fields === undefined ? err("a malformed line in the answer head") : ok(fields);
}
