import { expect, test } from "vitest";
import { browserName } from "../../web/portal/browser-name.ts";

const ON_LINUX =
  "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";

test.each([
  [ON_LINUX, "Chrome on Linux"],
  [ON_LINUX.replace("X11; Linux x86_64", "Windows NT 10.0; Win64; x64"), "Chrome on Windows"],
  [`${ON_LINUX} Edg/142.0`, "Edge on Linux"],
  [`${ON_LINUX} OPR/120.0`, "Opera on Linux"],
  [
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:144.0) Gecko/20100101 Firefox/144.0",
    "Firefox on macOS",
  ],
  [
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 Safari/604.1",
    "Safari on iOS",
  ],
  [
    "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/142.0.0.0 Mobile Safari/537.36",
    "Chrome on Android",
  ],
  ["curl/8.14.1", "curl/8.14.1"],
  ["<b>\u202ehacker</b>", "<b>\u202ehacker</b>"],
  ["Firefox/1", "Firefox"],
  ["  ", "A browser"],
  [null, "A browser"],
])("%j is called %j", (userAgent, name) => {
  expect(browserName(userAgent)).toBe(name);
});
