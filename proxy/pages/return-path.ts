// Where to go after signing in: a path of this origin, or the start page. Never what a browser could take for
// another host (rows S43 to S50). Pure.
import { parseTarget } from "../request/path.ts";

/** @param wanted untrusted `return_to` */
export function returnPath(wanted: string | undefined, publicUrl: string): string {
  if (wanted === undefined || wanted.length > 2_048) return "/";
  // Browsers take a backslash for a slash and drop tabs and line ends inside a URL (WHATWG URL §4.4).
  if (!/^\/(?![/\\])[\x21-\x5b\x5d-\x7e]*$/.test(wanted)) return "/";
  if (!URL.canParse(wanted, publicUrl)) return "/";
  const url = new URL(wanted, publicUrl);
  if (url.origin !== publicUrl) return "/";
  // In the form that the first stage compares, so that no spelling of /auth/ leads back into the login.
  const target = parseTarget(`${url.pathname}${url.search}`);
  if (!target.ok || target.value.segments[0] === "auth") return "/";
  return `${target.value.path}${target.value.query}`;
}
