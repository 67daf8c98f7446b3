// Recognises a simple request: whole in one read, nothing behind it, no body, no word in it that two readers could take
// differently. Whatever is not simple is refused by nobody here: it is Node's parser's to judge. What is recognised,
// Node's parser reads alike (test/proxy/simple/simple-head.test.ts holds the two together). Pure.
import { LINE_END, parseFields } from "../field-lines.ts";

export type SimpleHead = {
  readonly method: "GET" | "HEAD";
  readonly url: string;
  readonly fields: SimpleFields;
};

/** Everything behind the request line. */
export type SimpleFields = {
  /** As they came. */
  readonly bytes: Buffer;
  /** Names, in lower case, and values in turn, in the order they came. */
  readonly rawHeaders: readonly string[];
  /** Asks for another protocol (RFC 9110 §7.8); for which one is not looked at. */
  readonly isUpgrade: boolean;
};

export type HeadLimits = { readonly headerBytes: number; readonly headerCount: number };

const LF = 0x0a;
const END = LINE_END + LINE_END;
// RFC 9112 §3, in the one spelling of it, with a target in origin form (§3.2.1).
const REQUEST_LINE = /^(GET|HEAD) (\/[\x21-\x7e]*) HTTP\/1\.1\r\n$/;

/** A body, or one to come; and what is for this connection alone, beside keeping it (RFC 9110 §7.6.1). */
const NOT_SIMPLE = new Set([
  "content-length",
  "transfer-encoding",
  "expect",
  "trailer",
  "keep-alive",
  "proxy-connection",
  "http2-settings",
]);

/**
 * @param received what one read has brought, untrusted
 * @param before fields that came over the same connection: programs say the same again and again, and what is the same to
 * the byte is not read anew
 * @returns undefined when it is not simple
 */
export function readSimpleHead(
  received: Buffer,
  limits: HeadLimits,
  before: SimpleFields | undefined,
): SimpleHead | undefined {
  if (received.length > limits.headerBytes) return undefined;
  const behind = received.indexOf(LF) + 1;
  const [, method, url = ""] = REQUEST_LINE.exec(received.toString("latin1", 0, behind)) ?? [];
  if (method !== "GET" && method !== "HEAD") return undefined;
  const bytes = received.subarray(behind);
  const fields = before?.bytes.equals(bytes) === true ? before : readFields(bytes, limits.headerCount);
  return fields === undefined ? undefined : { method, url, fields };
}

function readFields(bytes: Buffer, maxFields: number): SimpleFields | undefined {
  const text = bytes.toString("latin1");
  if (!text.endsWith(END)) return undefined;
  // One line more than there may be shows that there are too many. An empty one, as in front of another request, is no field.
  const lines = text.slice(0, -END.length).split(LINE_END, maxFields + 1);
  const rawHeaders = lines.length > maxFields ? undefined : parseFields(lines, 0);
  if (rawHeaders === undefined) return undefined;
  let isUpgrade = false;
  let connection: string | undefined;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const [name = "", value = ""] = [rawHeaders[index], rawHeaders[index + 1]];
    if (NOT_SIMPLE.has(name)) return undefined;
    if (name === "upgrade") {
      // Node's parser takes an upgrade to nothing for none.
      if (value === "") return undefined;
      isUpgrade = true;
    }
    if (name !== "connection") continue;
    if (connection !== undefined) return undefined;
    connection = value.toLowerCase();
  }
  const goesOn = isUpgrade
    ? UPGRADES.test(connection ?? "")
    : connection === undefined || connection === "keep-alive";
  return goesOn ? { bytes, rawHeaders, isUpgrade } : undefined;
}

// As browsers say it.
const UPGRADES = /^(?:keep-alive, *)?upgrade$/;
