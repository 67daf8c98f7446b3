// Which sessions still live, for the leases of a gateway's connections: those the session index names. It is
// written in the same commit as every end, so that an ended session is in no answer.
import type { SessionId } from "../../core/ids.ts";
import type { SessionIndex } from "../../token-exchange/session-index.ts";

export async function aliveSessions(
  index: Pick<SessionIndex, "find">,
  sids: readonly SessionId[],
): Promise<ReadonlySet<SessionId>> {
  const found = await Promise.all(sids.map((sid) => index.find(sid)));
  return new Set(sids.filter((_sid, place) => found[place] !== undefined));
}
