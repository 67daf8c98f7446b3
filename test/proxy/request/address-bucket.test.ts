import { expect, test } from "vitest";
import { addressBucket } from "../../../proxy/request/address-bucket.ts";

test.each([
  ["two IPv4 addresses", "198.51.100.7", "198.51.100.8", false],
  ["one IPv6 network", "2001:db8::1", "2001:db8::ffff:1", true],
  ["one IPv6 network in its long form", "2001:db8::1", "2001:db8:0:0:a:b:c:d", true],
  ["one IPv6 network, shortened behind it", "2001:db8:1:2::", "2001:db8:1:2:3:4:5:6", true],
  ["two IPv6 networks", "2001:db8:0:1::1", "2001:db8:0:2::1", false],
  ["two IPv6 networks in the long form", "2001:db8:0:1:a:b:c:d", "2001:db8:0:2:a:b:c:d", false],
  ["loopback and a global address", "::1", "2001:db8::1", false],
  ["a vanished socket twice", "unknown", "unknown", true],
])("%s count as one: %s and %s, %s", (_what, one, other, shared) => {
  expect(addressBucket(one) === addressBucket(other)).toBe(shared);
});
