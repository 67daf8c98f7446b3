// Reads the head of a gateway's answer to an upgrade, strictly (RFC 9112 §4, §5): what two parsers could read in two
// ways is no answer, for behind a 101 every byte counts as a frame. Pure.
import { err, ok, type Result } from "../../core/result.ts";

export type AnswerHead = {
  readonly status: number;
  /** Every value of a header, by its name in lower case. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
  /** Where the head ends in what was received. */
  readonly length: number;
};

const MAX_HEAD_BYTES = 16 * 1024;
const MAX_LINES = 100;
const VERSION = "HTTP/1.1 ";
const END = "\r\n\r\n";

const STATUS_LINE = /^HTTP\/1\.1 ([1-9]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/;
// RFC 9110 §5.6.2. A line that goes on from the one before (obs-fold) begins with a space, and so has no name.
const NAME = /^[!#$%&'*+\-.^_`|~\dA-Za-z]+$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
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
  const [statusLine = "", ...lines] = head.split("\r\n", MAX_LINES + 2);
  const status = STATUS_LINE.exec(statusLine)?.[1];
  if (status === undefined) return err("an answer that is no HTTP/1.1");
  if (lines.length > MAX_LINES) return err("an answer head past its limit");
  const headers = new Map<string, string[]>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, Math.max(0, colon)).toLowerCase();
    const value = line.slice(colon + 1);
    if (!NAME.test(name) || !VALUE.test(value)) return err("a malformed line in the answer head");
    const values = headers.get(name);
    if (values === undefined) headers.set(name, [value.trim()]);
    else values.push(value.trim());
  }
  return ok({ status: Number(status), headers, length });
}
