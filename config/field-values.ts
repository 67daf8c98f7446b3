// The kinds of values that configuration fields hold: text in a file in, domain values out.
// A kind's message is the "expected" of every fault in it, its title the type column of docs/config.md.
import { BlockList, isIP } from "node:net";
import { z } from "zod";
import { isUserId, parseAgentId, parseEndpointId, parseGatewayId } from "../core/ids.ts";

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const MAX_DURATION_MS = 366 * UNITS.d;
// A Node timer counts 32 bits of milliseconds; one set for longer fires at once.
const MAX_TIMER_MS = 2 ** 31 - 1;

const DURATION = 'a duration from "1ms" to "366d", such as "250ms", "60s", "15m", "8h" or "30d"';
const PAUSE = 'a duration from "0s" to "24d"';

/** `"90s"`, `"8h"`, `"250ms"` → milliseconds. A time that records are compared with; for timers see {@link timeout}. */
export const duration = milliseconds(DURATION)
  .refine((ms) => ms >= 1 && ms <= MAX_DURATION_MS, DURATION)
  .meta({ title: "duration" });

/** A duration that one timer can hold; → milliseconds. */
export const timeout = duration.refine((ms) => ms <= MAX_TIMER_MS, 'a duration from "1ms" to "24d"');

/** A timeout that may be none at all; → milliseconds. */
export const pause = milliseconds(PAUSE)
  .refine((ms) => ms <= MAX_TIMER_MS, PAUSE)
  .meta({ title: "duration" });

const PORT = "a port number, 0 to 65535 (0: any free one)";
export const port = z.int(PORT).min(0, PORT).max(65_535, PORT).meta({ title: "port" });

/** Path of a file or folder. Loading makes it absolute, from the folder of the file that names it. */
export const path = z
  .string("a path")
  .min(1, "a path")
  .regex(/^[^\0]*$/, "a path without NUL")
  .meta({ title: "path" });

const HTTP_URL = "an absolute http or https URL without user, query or fragment";

/** An absolute http(s) URL; → its text without a trailing slash. */
export const httpUrl = parsed((text) => parseHttpUrl(text)?.href.replace(/\/$/, ""), HTTP_URL, "URL");

/**
 * An issuer identifier; → the same text, byte for byte. OpenID Connect Discovery §4.3 and Core §3.1.3.7 compare it
 * as text, and some providers' (Auth0's) end in a slash.
 */
export const issuerUrl = parsed((text) => (parseHttpUrl(text) ? text : undefined), HTTP_URL, "URL");

/** An http(s) origin, such as `https://agents.example.com`; → serialised as RFC 6454 §6.2 says. */
export const origin = parsed(
  (text) => {
    const url = parseHttpUrl(text);
    return url?.pathname === "/" ? url.origin : undefined;
  },
  'an http or https origin such as "https://agents.example.com", without a path',
  "origin",
);

const CIDR = 'an IP address or prefix such as "10.0.0.0/8" or "fd00::/8", not everybody\'s ("/0")';

/** An IP address or a prefix, such as `10.0.0.0/8`. A prefix of no bits would believe everybody. */
export const cidr = z
  .string(CIDR)
  .refine((text) => !/\/0+$/.test(text) && addressRangeOf([text]) !== undefined, CIDR)
  .meta({ title: "address or prefix" });

const HOST = 'a host name or IP address such as "127.0.0.1"';
export const host = z
  .string(HOST)
  .regex(/^[A-Za-z0-9.:_-]{1,253}$/, HOST)
  .meta({ title: "host" });

const BIND = '"loopback", or an IP address to listen on such as "10.0.1.10", "0.0.0.0" or "::"';

/** Where a gateway listens: a name could resolve to an address that nobody meant, so only addresses. */
export const bindAddress = z
  .string(BIND)
  .refine((text) => text === "loopback" || isIP(text) !== 0, BIND)
  .meta({ title: "loopback or IP address" });

const NAME_RULE = "lower-case letters, digits and hyphens, at most 63";
export const agentId = parsed(parseAgentId, `an agent id: ${NAME_RULE}`, "agent");
export const gatewayId = parsed(parseGatewayId, `a gateway id: ${NAME_RULE}`, "gateway");
export const endpointId = parsed(parseEndpointId, `an endpoint id: ${NAME_RULE}`, "endpoint");

const PROVIDER_ID = "a provider id: a lower-case letter, then lower-case letters and digits, at most 32";

/** No hyphen or underline: it is a word of the provider's environment variables, and a segment of its redirect URI. */
export const providerId = z
  .string(PROVIDER_ID)
  .regex(/^[a-z][a-z0-9]{0,31}$/, PROVIDER_ID)
  .meta({ title: "provider" });

const EMAIL_DOMAIN = 'the part of e-mail addresses behind the "@", such as "example.com"';

/** A domain of e-mail addresses, without its sub-domains; → in the one spelling that e-mails have here. */
export const emailDomain = parsed(parseEmailDomain, EMAIL_DOMAIN, "domain");

const PERSON = 'a user id (u_ and 26 characters) or an e-mail address such as "dana@example.com"';

/**
 * A person as a rule names them: a user id, or an e-mail with exactly one `@` (CVE-2026-40574: two of them passed
 * for another domain); → the user id, or the e-mail in lower case.
 */
export const person = parsed(parsePerson, PERSON, "user id or e-mail");

/** 32 random bytes in hex, base64 or base64url; → the bytes. */
export const key256 = parsed(
  parseKey256,
  "32 random bytes in hex or base64, as `openssl rand -hex 32` prints",
  "256-bit key",
);

const FINGERPRINT =
  "a certificate's SHA-256 fingerprint: 64 hexadecimal digits, with or without colons, or 43 base64 characters";

/** SHA-256 of a certificate, as OpenSSL, browsers and our own log write it; → lower-case hex. */
export const fingerprint = parsed(parseFingerprint, FINGERPRINT, "SHA-256 fingerprint");

/** The addresses of a list of IPs and prefixes; undefined when one of them is neither. */
export function addressRangeOf(list: readonly string[]): BlockList | undefined {
  const range = new BlockList();
  for (const text of list) {
    const [address = "", prefix, ...rest] = text.split("/");
    const version = isIP(address);
    // An IPv6 zone (fe80::1%eth0) is an address to node:net but not to its BlockList.
    if (version === 0 || rest.length > 0 || address.includes("%")) return undefined;
    const family = version === 4 ? "ipv4" : "ipv6";
    if (prefix === undefined) range.addAddress(address, family);
    else if (!/^\d{1,3}$/.test(prefix) || Number(prefix) > (version === 4 ? 32 : 128)) return undefined;
    else range.addSubnet(address, Number(prefix), family);
  }
  return range;
}

function milliseconds(expected: string) {
  return z
    .string(expected)
    .regex(/^\d{1,9}(ms|s|m|h|d)$/, expected)
    .transform((text) => {
      const unit = text.replace(/^\d+/, "") as keyof typeof UNITS;
      return Number.parseInt(text, 10) * UNITS[unit];
    });
}

/** A field of text that only `parse` can make a value of. */
function parsed<T>(parse: (text: string) => T | undefined, expected: string, title: string) {
  return z
    .string(expected)
    .transform((text, context): T => {
      const value = parse(text);
      if (value !== undefined) return value;
      context.addIssue({ code: "custom", message: expected });
      return z.NEVER;
    })
    .meta({ title });
}

function parseHttpUrl(text: string): URL | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (url.protocol !== "http:" && url.protocol !== "https:") return undefined;
  if (url.username !== "" || url.password !== "" || /[?#\s]/.test(text)) return undefined;
  return url;
}

function parsePerson(text: string): string | undefined {
  if (isUserId(text)) return text;
  return /^[^@\s\p{C}]+@[^@\s\p{C}]+$/u.test(text) ? text.toLowerCase() : undefined;
}

function parseEmailDomain(text: string): string | undefined {
  const folded = text.normalize("NFKC").toLowerCase();
  return /^[^@*.\p{C}\p{Z}]+(\.[^@*.\p{C}\p{Z}]+)*$/u.test(folded) ? folded : undefined;
}

function parseKey256(text: string): Buffer | undefined {
  if (/^[0-9a-fA-F]{64}$/.test(text)) return Buffer.from(text, "hex");
  // Buffer.from skips what is not base64: without this check a sentence would pass for a key.
  return /^[A-Za-z0-9+/_-]{43}=?$/.test(text) ? Buffer.from(text, "base64") : undefined;
}

function parseFingerprint(text: string): string | undefined {
  if (/^[0-9a-fA-F]{64}$/.test(text)) return text.toLowerCase();
  if (/^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){31}$/.test(text)) return text.replaceAll(":", "").toLowerCase();
  return /^[A-Za-z0-9+/_-]{43}=?$/.test(text) ? Buffer.from(text, "base64").toString("hex") : undefined;
}
