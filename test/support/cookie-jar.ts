// Keeps cookies as a browser does, as far as the tests need: by host (ports do not count), path, expiry, Secure.

export type Cookie = {
  readonly name: string;
  readonly value: string;
  readonly host: string;
  readonly path: string;
  /** Lower-cased names of the attributes it came with. */
  readonly attributes: ReadonlyMap<string, string>;
};

export type CookieJar = {
  /** Takes the `Set-Cookie` lines of an answer from `url`. */
  store(url: URL, lines: readonly string[]): void;
  /** The `Cookie` header for a request to `url`; empty for none. */
  header(url: URL): string;
  all(): readonly Cookie[];
};

export function createCookieJar(): CookieJar {
  const cookies = new Map<string, Cookie>();
  return {
    store(url, lines) {
      for (const line of lines) {
        const [pair = "", ...rest] = line.split(";");
        const attributes = new Map(rest.map((attribute) => splitPair(attribute, true)));
        const [name, value] = splitPair(pair, false);
        const path = attributes.get("path") ?? url.pathname.replace(/\/[^/]*$/, "/");
        const key = `${url.hostname} ${path} ${name}`;
        if (isExpired(attributes)) cookies.delete(key);
        else cookies.set(key, { name, value, host: url.hostname, path, attributes });
      }
    },
    header(url) {
      return [...cookies.values()]
        .filter((cookie) => cookie.host === url.hostname && isBeneath(url.pathname, cookie.path))
        .filter((cookie) => !cookie.attributes.has("secure") || url.protocol === "https:")
        .map((cookie) => `${cookie.name}=${cookie.value}`)
        .join("; ");
    },
    all: () => [...cookies.values()],
  };
}

function splitPair(text: string, lowerName: boolean): [string, string] {
  const at = text.indexOf("=");
  const name = (at === -1 ? text : text.slice(0, at)).trim();
  return [lowerName ? name.toLowerCase() : name, at === -1 ? "" : text.slice(at + 1).trim()];
}

function isExpired(attributes: ReadonlyMap<string, string>): boolean {
  const maxAge = attributes.get("max-age");
  if (maxAge !== undefined) return Number(maxAge) <= 0;
  // Servers delete a cookie by a date long past; no test lives to see another date come.
  const expires = attributes.get("expires");
  return expires !== undefined && Date.parse(expires) <= performance.timeOrigin;
}

function isBeneath(path: string, prefix: string): boolean {
  return path === prefix || path.startsWith(prefix.endsWith("/") ? prefix : `${prefix}/`);
}
