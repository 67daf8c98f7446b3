// Where to go after signing in: a path of this origin, or the start page. Never what a browser could take for
// another host (rows S43 to S50). Pure.

/** @param wanted untrusted `return_to` */
export function returnPath(wanted: string | undefined, publicUrl: string): string {
  if (wanted === undefined || wanted.length > 2_048) return "/";
  // Browsers take a backslash for a slash and drop tabs and line ends inside a URL (WHATWG URL §4.4).
  if (!/^\/(?![/\\])[\x21-\x5b\x5d-\x7e]*$/.test(wanted)) return "/";
  if (!URL.canParse(wanted, publicUrl)) return "/";
  const url = new URL(wanted, publicUrl);
  const path = `${url.pathname}${url.search}`;
  if (url.origin !== publicUrl || path.startsWith("//") || /%(2f|5c|0|25)/i.test(url.pathname)) return "/";
  return url.pathname.startsWith("/auth/") ? "/" : path;
}
