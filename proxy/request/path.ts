// Brings a request target to the one form that every later stage compares, or refuses it. What two parsers
// could read differently (dot segments, encoded separators, `//`, absolute form) is refused, never repaired.
// Pinned by test/attack/path-confusion.test.ts (rows S26 to S41).
import { err, ok, type Result } from "../../core/result.ts";

export type Target = { readonly path: string; readonly segments: readonly string[]; readonly query: string };

const MAX_TARGET = 8 * 1024;
// RFC 3986 §3.3 pchar, and `/`; `%` is checked on its own.
const PATH = /^\/[A-Za-z0-9\-._~!$&'()*+,;=:@%/]*$/;
// RFC 3986 §3.4, and what browsers send beside: no `#`, no space, no control, no quote, no backslash.
const QUERY = /^[\x21\x24-\x5b\x5d-\x7e]*$/;

// `..;x` too: servers that cut path parameters off first take it for `..`.
const DOT_SEGMENT = /^\.\.?(;|$)/;

/** @param target untrusted request target, as Node's parser delivers it */
export function parseTarget(target: string): Result<Target, string> {
  if (target.length > MAX_TARGET) return err("target too long");
  const mark = target.indexOf("?");
  const rawPath = mark === -1 ? target : target.slice(0, mark);
  const query = mark === -1 ? "" : target.slice(mark);
  // Absolute form, `*` and authority form all fail here (S38, S39: an upgrade to a target of the client's choice).
  if (!PATH.test(rawPath)) return err("target is not an absolute path");
  if (!QUERY.test(query.slice(1))) return err("query has characters that need encoding");
  const path = normalisePercent(rawPath);
  if (path === undefined) return err("path has an encoding that is not allowed");
  if (path.includes("//")) return err("path has an empty segment");
  const split = path.slice(1).split("/");
  const segments = path.includes("%") ? split.map(decodeURIComponent) : split;
  if (segments.some((segment) => DOT_SEGMENT.test(segment))) return err("path has a dot segment");
  return ok({ path, segments, query });
}

// RFC 3986 §6.2.2: decode what needs no encoding, upper-case the rest. Encoded separators (`/`, `\`), controls,
// a second `%` and anything that is not UTF-8 have no single meaning: undefined.
function normalisePercent(path: string): string | undefined {
  if (!path.includes("%")) return path;
  if (/%(?![0-9A-Fa-f]{2})/.test(path)) return undefined;
  let decoded: string;
  try {
    decoded = decodeURIComponent(path);
  } catch {
    return undefined;
  }
  if (/[\x00-\x1f\x7f\\%]/.test(decoded)) return undefined;
  if (decoded.split("/").length !== path.split("/").length) return undefined;
  return path.replace(/%[0-9A-Fa-f]{2}/g, (triplet) => {
    const character = String.fromCharCode(Number.parseInt(triplet.slice(1), 16));
    return /[A-Za-z0-9\-._~]/.test(character) ? character : triplet.toUpperCase();
  });
}
