// Reads one answer of a gateway to a plain request as its bytes come (RFC 9112 §6, §7), strictly: where a body ends is
// where the next person's answer begins on the same connection, so whatever could end in two places is a fault. Pure.
import { err, ok, type Result } from "../../core/result.ts";
import { fieldValues, LINE_END } from "../field-lines.ts";
import { MAX_HEAD_BYTES, parseAnswerFields, parseAnswerHead } from "./answer-head.ts";

/** Called while bytes are taken in, in this order; `onEnd` at most once. */
export type AnswerSink = {
  /** @param fields names, in lower case, and values in turn */
  onHead(status: number, fields: readonly string[]): void;
  /** A part of the body, never empty. */
  onBody(bytes: Buffer): void;
  /** @param trailers as the fields of a head */
  onEnd(trailers: readonly string[]): void;
};

/** A size, and extensions that nobody reads. */
const MAX_CHUNK_LINE = 16 * 1_024;
/** RFC 9112 §7.1. Up to 2^52 bytes: what JavaScript counts exactly. */
const CHUNK_LINE = /^([\dA-Fa-f]{1,13})[\t ]*(?:;[\t\x20-\x7e\x80-\xff]*)?$/;
/** RFC 9110 §8.6. With a zero in front, some would take it for octal. */
const LENGTH = /^(?:0|[1-9]\d{0,14})$/;

type Part = "head" | "length" | "chunk-line" | "chunk" | "chunk-end" | "trailers" | "until-close" | "over";

export class AnswerReader {
  readonly #sink: AnswerSink;
  readonly #toHead: boolean;
  #part: Part = "head";
  /** Of the body or of the chunk; bytes. */
  #left = 0;
  /** The beginning of a head or a line whose end is not here yet. */
  #kept: Buffer = NOTHING;
  /** Another answer may come behind this one: known when it is over. */
  #persists = true;

  /** @param method of the request: no answer to HEAD has a body */
  constructor(method: string, sink: AnswerSink) {
    this.#toHead = method === "HEAD";
    this.#sink = sink;
  }

  /** The answer is whole, and its connection may carry the next one. */
  get persists(): boolean {
    return this.#part === "over" && this.#persists;
  }

  /** @returns what is wrong with the answer; then it is not to be gone on with */
  push(bytes: Buffer): string | undefined {
    let rest = bytes;
    while (rest.length > 0) {
      if (this.#part === "over") {
        // RFC 9112 §9.2: nobody has asked for it. A reader has seen the whole answer by then.
        this.#persists = false;
        return "bytes behind an answer";
      }
      const taken = this.#take(rest);
      if (!taken.ok) return taken.error;
      rest = taken.value;
    }
    return undefined;
  }

  /** The gateway has ended the connection. @returns what is wrong with that */
  close(): string | undefined {
    if (this.#part === "over") return undefined;
    if (this.#part === "head") return "the connection ended before an answer";
    if (this.#part !== "until-close") return "the connection ended within an answer";
    this.#finish(NO_FIELDS, NOTHING);
    return undefined;
  }

  /** @returns what is left of them for the next part */
  #take(bytes: Buffer): Result<Buffer, string> {
    switch (this.#part) {
      case "head":
        return this.#takeHead(bytes);
      case "chunk-line":
        return this.#takeChunkLine(bytes);
      case "chunk-end":
        return this.#takeChunkEnd(bytes);
      case "trailers":
        return this.#takeTrailers(bytes);
      case "until-close":
        this.#sink.onBody(bytes);
        return ok(NOTHING);
      default:
        return this.#takeBody(bytes);
    }
  }

  #takeHead(bytes: Buffer): Result<Buffer, string> {
    const seen = this.#kept.length;
    const received = this.#withKept(bytes);
    const head = parseAnswerHead(received, seen);
    if (head === undefined) return this.#keep(received);
    if (!head.ok) return head;
    const { status, headers, length } = head.value;
    const rest = received.subarray(length);
    if (status >= 200) return this.#beginBody(status, headers, rest);
    // RFC 9110 §15.2: not the answer yet. Switching was not asked for: behind it other rules would hold.
    if (status === 101) return err("status 101 to a request");
    return ok(rest);
  }

  #beginBody(status: number, fields: readonly string[], rest: Buffer): Result<Buffer, string> {
    const lengths = fieldValues(fields, "content-length");
    const codings = fieldValues(fields, "transfer-encoding");
    // RFC 9112 §6.3: one of the two at most, and once. Whoever believes the other one ends the body elsewhere.
    if (lengths.length + codings.length > 1) return err("an answer with two lengths");
    const [length = "0"] = lengths;
    if (!LENGTH.test(length)) return err("a length that is none");
    if (codings[0] !== undefined && codings[0].toLowerCase() !== "chunked")
      return err("a transfer coding other than chunked");
    const connection = fieldValues(fields, "connection").join().toLowerCase();
    this.#left = Number(length);
    // RFC 9110 §8.6, RFC 9112 §6.1: a 204 says neither. Whoever says one may send the body too, in front of the next answer.
    const contradicts = status === 204 && (this.#left > 0 || codings.length > 0);
    this.#persists = !contradicts && !/(^|,)[\t ]*close[\t ]*(,|$)/.test(connection);

    const hasLength = lengths.length > 0;
    const isEmpty = this.#toHead || status === 204 || status === 304 || (hasLength && this.#left === 0);
    if (isEmpty || hasLength) this.#part = "length";
    else this.#part = codings.length > 0 ? "chunk-line" : "until-close";
    this.#sink.onHead(status, fields);
    if (isEmpty) this.#finish(NO_FIELDS, rest);
    return ok(rest);
  }

  #takeBody(bytes: Buffer): Result<Buffer, string> {
    const part = bytes.length > this.#left ? bytes.subarray(0, this.#left) : bytes;
    const rest = bytes.subarray(part.length);
    this.#left -= part.length;
    this.#sink.onBody(part);
    if (this.#left > 0) return ok(rest);
    if (this.#part === "chunk") this.#part = "chunk-end";
    else this.#finish(NO_FIELDS, rest);
    return ok(rest);
  }

  #takeChunkLine(bytes: Buffer): Result<Buffer, string> {
    const received = this.#withKept(bytes);
    const end = received.indexOf(LINE_END, 0, "latin1");
    if (end > MAX_CHUNK_LINE || (end === -1 && received.length > MAX_CHUNK_LINE))
      return err("a malformed chunk");
    if (end === -1) return this.#keep(received);
    const size = CHUNK_LINE.exec(received.toString("latin1", 0, end))?.[1];
    if (size === undefined) return err("a malformed chunk");
    this.#left = Number.parseInt(size, 16);
    this.#part = this.#left === 0 ? "trailers" : "chunk";
    return ok(received.subarray(end + LINE_END.length));
  }

  #takeChunkEnd(bytes: Buffer): Result<Buffer, string> {
    const received = this.#withKept(bytes);
    const end = received.toString("latin1", 0, LINE_END.length);
    if (!LINE_END.startsWith(end)) return err("a malformed chunk");
    if (end.length < LINE_END.length) return this.#keep(received);
    this.#part = "chunk-line";
    return ok(received.subarray(LINE_END.length));
  }

  #takeTrailers(bytes: Buffer): Result<Buffer, string> {
    const received = this.#withKept(bytes);
    const isBare = received.subarray(0, LINE_END.length).toString("latin1") === LINE_END;
    const end = isBare ? 0 : received.indexOf(LINE_END + LINE_END, 0, "latin1");
    if (end > MAX_HEAD_BYTES || (end === -1 && received.length > MAX_HEAD_BYTES))
      return err("trailers past their limit");
    if (end === -1) return this.#keep(received);
    const trailers = isBare
      ? ok([])
      : parseAnswerFields(received.toString("latin1", 0, end).split(LINE_END), 0);
    if (!trailers.ok) return trailers;
    const rest = received.subarray(end + (isBare ? 1 : 2) * LINE_END.length);
    this.#finish(trailers.value, rest);
    return ok(rest);
  }

  #keep(beginning: Buffer): Result<Buffer, string> {
    this.#kept = beginning;
    return ok(NOTHING);
  }

  #withKept(bytes: Buffer): Buffer {
    if (this.#kept.length === 0) return bytes;
    const received = Buffer.concat([this.#kept, bytes]);
    this.#kept = NOTHING;
    return received;
  }

  #finish(trailers: readonly string[], rest: Buffer): void {
    if (this.#part === "until-close" || rest.length > 0) this.#persists = false;
    this.#part = "over";
    this.#sink.onEnd(trailers);
  }
}

const NOTHING = Buffer.alloc(0);
const NO_FIELDS: readonly string[] = [];
