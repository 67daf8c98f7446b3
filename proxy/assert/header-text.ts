// How text from claims becomes a header value: visible ASCII as it is, everything else as percent-encoded
// UTF-8, so that no name can start a header of its own and none is lost (S97). Spaces at either end are encoded
// too: parsers drop them there (RFC 9110 §5.5), and " admins" would arrive as "admins" (S96). Pure.

/** `Zoë` → `Zo%C3%AB`. A reader gets the text back with `decodeURIComponent`. */
export function headerText(text: string): string {
  return encode(text, /[^\x20-\x24\x26-\x7e]+|^ +| +$/g);
}

/** A list joined by commas; a comma inside an item is encoded, so that `staff,admins` stays one group (S96). */
export function headerList(items: readonly string[]): string {
  return items.map((item) => encode(item, /[^\x20-\x24\x26-\x2b\x2d-\x7e]+|^ +| +$/g)).join(",");
}

// encodeURIComponent leaves some ASCII as it is and throws on a lone surrogate; neither can happen to a byte.
function encode(text: string, unsafe: RegExp): string {
  return text.replace(unsafe, (run) =>
    [...Buffer.from(run, "utf8")]
      .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`)
      .join(""),
  );
}
