import { describe, expect, test } from "vitest";
import type { z } from "zod";
import {
  addressRangeOf,
  agentId,
  bindAddress,
  cidr,
  duration,
  fingerprint,
  httpUrl,
  issuerUrl,
  key256,
  origin,
  path,
  pause,
  person,
  port,
  timeout,
} from "../../config/field-values.ts";

const USER_ID = `u_${"a".repeat(26)}`;

type Kind = {
  readonly kind: string;
  readonly schema: z.ZodType;
  readonly good: readonly (readonly [unknown, unknown])[];
  readonly bad: readonly unknown[];
};

describe.each<Kind>([
  {
    kind: "duration",
    schema: duration,
    good: [
      ["1ms", 1],
      ["90s", 90_000],
      ["15m", 900_000],
      ["8h", 28_800_000],
      ["366d", 31_622_400_000],
    ],
    bad: ["0s", "367d", "1w", "1.5h", "-1s", "8 h", "", "999999999d", "8H", 8, null],
  },
  {
    kind: "fingerprint",
    schema: fingerprint,
    good: [
      ["ab".repeat(32), "ab".repeat(32)],
      ["AB".repeat(32), "ab".repeat(32)],
      [new Array(32).fill("Ab").join(":"), "ab".repeat(32)],
      [Buffer.alloc(32, 0xfb).toString("base64"), "fb".repeat(32)],
      [Buffer.alloc(32, 0xfb).toString("base64url"), "fb".repeat(32)],
    ],
    // Of SHA-1, shortened, with what OpenSSL prints before it, with blanks.
    bad: [
      "ab".repeat(20),
      "ab".repeat(31),
      `${"ab".repeat(32)}a`,
      new Array(31).fill("ab").join(":"),
      `sha256 Fingerprint=${new Array(32).fill("AB").join(":")}`,
      `${"ab".repeat(32)} `,
      "",
      null,
    ],
  },
  {
    kind: "pause",
    schema: pause,
    good: [
      ["0s", 0],
      ["0ms", 0],
      ["20s", 20_000],
      ["24d", 2_073_600_000],
    ],
    bad: ["25d", "", "0", 0, "-1s", null],
  },
  {
    kind: "timeout",
    schema: timeout,
    good: [["24d", 2_073_600_000]],
    // setTimeout with more than 2^31 - 1 milliseconds fires at once.
    bad: ["25d", "0ms"],
  },
  {
    kind: "port",
    schema: port,
    good: [
      [0, 0],
      [65_535, 65_535],
    ],
    bad: [-1, 65_536, 1.5, "80", Number.NaN],
  },
  { kind: "path", schema: path, good: [["./a", "./a"]], bad: ["", "a\0b", 1] },
  {
    kind: "httpUrl",
    schema: httpUrl,
    good: [
      ["https://API.example.com/v1/", "https://api.example.com/v1"],
      ["http://localhost:8081", "http://localhost:8081"],
    ],
    bad: [
      "ftp://a",
      "//a",
      "https://u:p@a",
      "https://a?x",
      "https://a/#x",
      "https://a#",
      "javascript:1",
      " https://a",
      "",
    ],
  },
  {
    kind: "issuerUrl",
    schema: issuerUrl,
    good: [
      ["https://tenant.auth0.com/", "https://tenant.auth0.com/"],
      ["https://Login.Example.com/x", "https://Login.Example.com/x"],
    ],
    bad: ["https://a?x", "https://a#", "tenant.auth0.com", "https://u@a"],
  },
  {
    kind: "origin",
    schema: origin,
    good: [
      ["https://Agents.example.com/", "https://agents.example.com"],
      ["https://a:443", "https://a"],
      ["http://2852039166", "http://169.254.169.254"],
    ],
    bad: ["https://a/b", "https://a/?", "wss://a", "https://", "*"],
  },
  {
    kind: "cidr",
    schema: cidr,
    good: [
      ["10.0.0.0/8", "10.0.0.0/8"],
      ["::1", "::1"],
    ],
    bad: [
      "0.0.0.0/0",
      "::/0",
      "::/00",
      "10.0.0.0/33",
      "10.0.0.0/8/8",
      "10.0.0/8",
      "fe80::1%eth0",
      "localhost",
      "",
    ],
  },
  {
    kind: "bindAddress",
    schema: bindAddress,
    good: [
      ["loopback", "loopback"],
      ["::", "::"],
    ],
    bad: ["localhost", "lan", "127.1", "127.0.0.1:80", ""],
  },
  {
    kind: "agentId",
    schema: agentId,
    good: [["a-1", "a-1"]],
    bad: ["A", "a_b", "-a", "", "a".repeat(64), "__proto__"],
  },
  {
    kind: "person",
    schema: person,
    good: [
      ["Dana@Example.com", "dana@example.com"],
      [USER_ID, USER_ID],
    ],
    bad: [
      "dana",
      "@example.com",
      "dana@",
      "dana@a@b",
      "da na@a",
      "u_short",
      USER_ID.toUpperCase(),
      "dana\u200b@a",
    ],
  },
  {
    kind: "key256",
    schema: key256,
    good: [
      ["fB".repeat(32), Buffer.alloc(32, 0xfb)],
      [`${"+/".repeat(21)}8=`, Buffer.from(`${"+/".repeat(21)}8=`, "base64")],
      [`${"-_".repeat(21)}8`, Buffer.from(`${"+/".repeat(21)}8`, "base64")],
    ],
    bad: ["f".repeat(63), "g".repeat(64), "correct horse battery staple, said the aunt", "a".repeat(44), ""],
  },
])("$kind", ({ schema, good, bad }) => {
  test.each(good)("%s is %s", (text, value) => {
    expect(schema.parse(text)).toEqual(value);
  });

  test.each(bad)("%s is refused", (text) => {
    expect(schema.safeParse(text).success).toBe(false);
  });
});

test("an address range matches addresses of its list in either spelling, and nothing else", () => {
  const range = addressRangeOf(["10.0.0.0/8", "192.168.1.1", "fd00::/8"]);
  expect(["10.1.2.3", "192.168.1.1", "192.168.1.2"].map((address) => range?.check(address, "ipv4"))).toEqual([
    true,
    true,
    false,
  ]);
  expect(["::ffff:10.1.2.3", "fd12::1", "fe80::1"].map((address) => range?.check(address, "ipv6"))).toEqual([
    true,
    true,
    false,
  ]);
});
