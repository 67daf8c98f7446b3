// The frames that end access at a gateway. Pure.
import { CONTROL_SESSIONS_PER_FRAME, type DoorControlFrame } from "../../core/control-channel.ts";

export type EndFrame = Extract<DoorControlFrame, { type: "end" }>;

/** As many frames as the sessions need; none for nobody. */
export function endFramesOf(end: Omit<EndFrame, "type">): readonly EndFrame[] {
  const { sids } = end;
  if (sids === "all") return [{ type: "end", ...end }];
  const frames: EndFrame[] = [];
  for (let from = 0; from < sids.length; from += CONTROL_SESSIONS_PER_FRAME)
    frames.push({ type: "end", ...end, sids: sids.slice(from, from + CONTROL_SESSIONS_PER_FRAME) });
  return frames;
}
