// Gathers the ends of single connections that come together, such as a whole group's, into few frames. Nothing waits:
// they are sent when what ends them has run through.
import { type DirectEnd, directEndFramesOf, type EndFrame } from "./end-frame.ts";

export type DirectEnds = {
  add(jti: string, why: Omit<DirectEnd, "jtis">): void;
  /** Sends at once what was gathered. */
  flush(): void;
};

export function createDirectEnds(send: (frame: EndFrame) => void): DirectEnds {
  let gathered = new Map<string, DirectEnd>();

  function flush() {
    const ends = gathered;
    gathered = new Map();
    for (const end of ends.values()) for (const frame of directEndFramesOf(end)) send(frame);
  }

  return {
    add(jti, why) {
      if (gathered.size === 0) queueMicrotask(flush);
      const key = JSON.stringify([why.event, why.code, why.words]);
      const end = gathered.get(key);
      if (end === undefined) gathered.set(key, { ...why, jtis: [jti] });
      else end.jtis.push(jti);
    },
    flush,
  };
}
