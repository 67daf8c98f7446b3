// The client's IP address: the socket's own, unless that is a proxy which the operator named. Everything
// in X-Forwarded-For left of the last named proxy is the client's own word (S20, S21).
import { type BlockList, isIP } from "node:net";

/**
 * @param remoteAddress of the socket; `::ffff:` forms are folded to IPv4, so that one client has one address (S22)
 * @param forwardedFor untrusted header value
 * @param trusted addresses of the operator's proxies
 */
export function peerAddress(
  remoteAddress: string | undefined,
  forwardedFor: string | undefined,
  trusted: BlockList | undefined,
): string {
  let peer = foldMapped(remoteAddress ?? "unknown");
  if (trusted === undefined || forwardedFor === undefined) return peer;
  const hops = forwardedFor.split(",").map((hop) => foldMapped(hop.trim()));
  while (isTrusted(peer, trusted)) {
    const hop = hops.pop();
    if (hop === undefined || isIP(hop) === 0) return peer;
    peer = hop;
  }
  return peer;
}

function foldMapped(address: string): string {
  const mapped = /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i.exec(address);
  return mapped?.[1] ?? address.toLowerCase();
}

/** @param address as {@link peerAddress} gives it */
export function isTrusted(address: string, trusted: BlockList): boolean {
  const version = isIP(address);
  return version !== 0 && trusted.check(address, version === 4 ? "ipv4" : "ipv6");
}
