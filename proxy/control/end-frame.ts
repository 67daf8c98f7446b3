// The frames that end access at a gateway. Pure.
import { CONTROL_SESSIONS_PER_FRAME, type DoorControlFrame } from "../../core/control-channel.ts";

/** Of whole sessions, or of single connections. */
export type EndFrame = Extract<DoorControlFrame, { type: "end" | "end_direct" }>;
export type SessionsEnd = Omit<Extract<EndFrame, { type: "end" }>, "type">;
export type DirectEnd = Omit<Extract<EndFrame, { type: "end_direct" }>, "type">;

/** As many frames as the sessions need; none for nobody. */
export function endFramesOf(end: SessionsEnd): readonly EndFrame[] {
  const { sids } = end;
  if (sids === "all") return [{ type: "end", ...end }];
  return chunked(sids).map((some) => ({ type: "end", ...end, sids: some }));
}

/** As many frames as the connections need; none for none. */
export function directEndFramesOf(end: DirectEnd): readonly EndFrame[] {
  return chunked(end.jtis).map((some) => ({ type: "end_direct", ...end, jtis: some }));
}

function chunked<T>(all: readonly T[]): T[][] {
  const chunks: T[][] = [];
  for (let from = 0; from < all.length; from += CONTROL_SESSIONS_PER_FRAME)
    chunks.push(all.slice(from, from + CONTROL_SESSIONS_PER_FRAME));
  return chunks;
}
