import { expect, test } from "vitest";
import { createDirectEnds } from "../../../proxy/control/direct-ends.ts";
import type { EndFrame } from "../../../proxy/control/end-frame.ts";

const REMOVED = { event: 7, code: 1008, words: "IT removed your access" } as const;
const MOVED = { event: 7, code: 1012, words: "your agent has moved" } as const;

function create() {
  const sent: EndFrame[] = [];
  return { sent, ends: createDirectEnds((frame) => sent.push(frame)) };
}

test("ends that come together go out in one frame for each reason, without waiting", async () => {
  const { sent, ends } = create();
  ends.add("jti-a", REMOVED);
  ends.add("jti-b", MOVED);
  ends.add("jti-c", REMOVED);
  expect(sent).toEqual([]);
  await Promise.resolve();
  const expected = [
    { type: "end_direct", ...REMOVED, jtis: ["jti-a", "jti-c"] },
    { type: "end_direct", ...MOVED, jtis: ["jti-b"] },
  ];
  expect(sent).toEqual(expected);
  ends.add("jti-d", MOVED);
  await Promise.resolve();
  expect(sent).toEqual([...expected, { type: "end_direct", ...MOVED, jtis: ["jti-d"] }]);
});

test("what was gathered goes out at once before a channel closes, and once", async () => {
  const { sent, ends } = create();
  ends.add("jti-a", REMOVED);
  ends.flush();
  expect(sent).toEqual([{ type: "end_direct", ...REMOVED, jtis: ["jti-a"] }]);
  await Promise.resolve();
  expect(sent).toHaveLength(1);
});

test("more than a frame holds go out in several", async () => {
  const { sent, ends } = create();
  for (let count = 0; count < 10_001; count += 1) ends.add(`jti-${count}`, REMOVED);
  await Promise.resolve();
  expect(sent.map((frame) => frame.type === "end_direct" && frame.jtis.length)).toEqual([10_000, 1]);
});
