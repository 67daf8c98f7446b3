import { expect, test } from "vitest";
import {
  isLoopbackOrigin,
  isLoopbackTarget,
  isNeverTarget,
  isPrivateAddress,
} from "../../config/network-zone.ts";

test.each([
  ["http://localhost", "origin target"],
  ["http://127.0.0.1", "origin target"],
  ["http://127.9.9.9", "origin target"],
  ["http://0x7f.1", "origin target"],
  ["http://[::1]", "origin target"],
  ["http://claw.localhost", "origin"],
  ["http://localhost.example.com", ""],
  ["http://evil-localhost", ""],
  ["http://127.0.0.1.example.com", ""],
  ["http://10.0.0.1", "private"],
  ["http://172.16.0.1", "private"],
  ["http://172.32.0.1", ""],
  ["http://192.168.1.1", "private"],
  ["http://100.64.0.1", "private"],
  ["http://[fd7a:115c:a1e0::1]", "private"],
  ["http://8.8.8.8", ""],
  ["http://169.254.169.254", "never"],
  ["http://2852039166", "never"],
  ["http://0xa9fea9fe", "never"],
  ["http://[::ffff:169.254.169.254]", "never"],
  ["http://[64:ff9b::a9fe:a9fe]", "never"],
  ["http://[fe80::1]", "never"],
  ["http://[fd00:ec2::254]", "private never"],
  ["http://100.100.100.200", "private never"],
  ["http://0.0.0.0", "never"],
  ["http://[::]", "never"],
])("%s is: %s", (url, expected) => {
  const { hostname } = new URL(url);
  const zones = {
    origin: isLoopbackOrigin(hostname),
    target: isLoopbackTarget(hostname),
    private: isPrivateAddress(hostname),
    never: isNeverTarget(hostname),
  };
  const holding = Object.entries(zones).filter(([, holds]) => holds);
  expect(holding.map(([zone]) => zone).join(" ")).toBe(expected);
});
