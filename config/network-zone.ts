// Which network the host of a configured URL is in, as far as its text tells. No DNS: what a name resolves to
// is checked again where the connection is made (S40).
import { BlockList, isIP } from "node:net";

const LOOPBACK = rangeOf(["127.0.0.0/8", "::1/128"]);

// RFC 1918, RFC 6598 (carrier-grade NAT, which Tailscale uses), RFC 4193.
const PRIVATE = rangeOf(["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"]);

// Link-local, "this host" (0.0.0.0 reaches loopback), and the instance-metadata addresses that clouds keep
// outside link-local; 64:ff9b::/96 (RFC 6052) spells any IPv4 address in IPv6.
const NEVER = rangeOf([
  "169.254.0.0/16",
  "fe80::/10",
  "0.0.0.0/8",
  "::/128",
  "64:ff9b::/96",
  "fd00:ec2::254/128",
  "100.100.100.200/32",
  "168.63.129.16/32",
  "192.0.0.192/32",
]);

/** @param hostname a URL's `hostname`: normalised by the URL parser, IPv6 in brackets */
export function isLoopbackTarget(hostname: string): boolean {
  // Not *.localhost: a resolver may ask the network for it, and the request would leave this machine.
  return hostname === "localhost" || isWithin(LOOPBACK, hostname);
}

/** The same, and `*.localhost`, which a browser never looks up (RFC 6761 §6.3). For origins that we serve. */
export function isLoopbackOrigin(hostname: string): boolean {
  return hostname.endsWith(".localhost") || isLoopbackTarget(hostname);
}

/** An address that nothing may ever be sent to: link-local, instance metadata, unspecified. */
export function isNeverTarget(hostname: string): boolean {
  return isWithin(NEVER, hostname);
}

/** A private address, written as an address. */
export function isPrivateAddress(hostname: string): boolean {
  return isWithin(PRIVATE, hostname);
}

function isWithin(range: BlockList, hostname: string): boolean {
  const address = hostname.replace(/^\[(.*)\]$/, "$1");
  const version = isIP(address);
  // BlockList compares ::ffff:169.254.169.254 with the IPv4 rules too.
  return version !== 0 && range.check(address, version === 4 ? "ipv4" : "ipv6");
}

function rangeOf(prefixes: readonly string[]): BlockList {
  const range = new BlockList();
  for (const prefix of prefixes) {
    const [address = "", bits] = prefix.split("/");
    range.addSubnet(address, Number(bits), isIP(address) === 4 ? "ipv4" : "ipv6");
  }
  return range;
}
