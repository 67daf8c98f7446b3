// What counts as one address wherever something is counted by address.

/** @param peer as `peerAddress` gives it: a household or an office gets a /64 of IPv6 addresses, so that is one */
export function addressBucket(peer: string): string {
  if (!peer.includes(":")) return peer;
  const [head = "", tail] = peer.split("::");
  const left = head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros =
    tail === undefined ? [] : new Array<string>(Math.max(0, 8 - left.length - right.length)).fill("0");
  return [...left, ...zeros, ...right].slice(0, 4).join(":");
}
