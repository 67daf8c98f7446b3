// Headers for a gateway, as the stage that signs hands them on.
import { HeaderBlock } from "../../proxy/assert/header-block.ts";
import type { OutgoingHeaders } from "../../proxy/assert/outgoing-headers.ts";

export function outgoingOf(list: readonly string[]): OutgoingHeaders {
  return { shared: new HeaderBlock(list), own: [] };
}
