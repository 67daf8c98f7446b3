import { describe, expect, it, test } from "vitest";
import { addressRangeOf } from "../../../config/field-values.ts";
import { peerAddress } from "../../../proxy/request/peer-address.ts";

const PROXIES = addressRangeOf(["10.0.0.0/8", "fd00::/8"]);

describe("the client's address", () => {
  it("is the socket's when no proxy is named, whatever was forwarded", () => {
    expect(peerAddress("10.0.0.1", "203.0.113.9", undefined)).toBe("10.0.0.1");
  });

  test.each([
    ["the socket's when it is no proxy", "198.51.100.7", "203.0.113.9", "198.51.100.7"],
    ["the socket's when nothing was forwarded", "10.0.0.1", undefined, "10.0.0.1"],
    ["what the proxy says", "10.0.0.1", "203.0.113.9", "203.0.113.9"],
    ["the last address that is no proxy", "10.0.0.1", "192.0.2.1, 203.0.113.9, 10.0.0.2", "203.0.113.9"],
    ["not what the client itself claims", "10.0.0.1", "127.0.0.1, 203.0.113.9", "203.0.113.9"],
    ["the first hop when all are proxies", "10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"],
    [
      "the nearest believed hop before one that is no address",
      "10.0.0.1",
      "203.0.113.9, a, 10.0.0.2",
      "10.0.0.2",
    ],
    ["the proxy's when it forwards no address", "10.0.0.1", "a", "10.0.0.1"],
    ["the proxy's when it forwards nothing", "10.0.0.1", "", "10.0.0.1"],
    ["the proxy's when it forwards an address with a port", "10.0.0.1", "203.0.113.9:4711", "10.0.0.1"],
    ["IPv6 in lower case", "fd00::1", "2001:DB8::9", "2001:db8::9"],
    ["IPv4 when it is written as IPv6", "::ffff:198.51.100.7", undefined, "198.51.100.7"],
    ["IPv4 behind a proxy written as IPv6", "::FFFF:10.0.0.1", "::ffff:203.0.113.9", "203.0.113.9"],
    ["unknown when the socket is gone", undefined, "203.0.113.9", "unknown"],
  ])("is %s", (_what, remote, forwarded, peer) => {
    expect(peerAddress(remote, forwarded, PROXIES)).toBe(peer);
  });
});
