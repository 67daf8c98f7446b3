// Where a link in an answer may lead: a model can be made to write any address. Pure.

const SCHEMES = ["http:", "https:", "mailto:"];

/** @param address untrusted; undefined unless it is whole and of a scheme that runs nothing here */
export function safeAddress(address: string): string | undefined {
  // What is relative would lead to this site's own paths, in the person's own session.
  if (!URL.canParse(address)) return undefined;
  const url = new URL(address);
  return SCHEMES.includes(url.protocol) ? url.href : undefined;
}
