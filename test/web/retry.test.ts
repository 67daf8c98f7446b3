import { expect, it } from "vitest";
import type { Fetch } from "../../web/client/ask-door.ts";
import { createRetry } from "../../web/refusal/retry.ts";
import { createManualTimers, settled } from "./manual-timers.ts";

type Answered = { readonly type?: string; readonly status: number } | "nobody";

function retrying(answers: readonly Answered[], firstMs = 5_000) {
  const timers = createManualTimers();
  const seen: string[] = [];
  let asked = 0;
  const fetch: Fetch = async (url, { method, redirect }) => {
    seen.push(`${method} ${url} ${redirect}`);
    const answer = answers[asked++] ?? "nobody";
    if (answer === "nobody") throw new TypeError("network");
    return answer as unknown as Response;
  };
  const retry = createRetry({
    href: "/chat/coder",
    firstMs,
    fetch,
    after: timers.after,
    waiting: () => {},
    arrived: () => void seen.push("arrived"),
  });
  return { retry, timers, seen };
}

const ASK = "HEAD /chat/coder manual";

it("waits as long as it was told, then twice as long each time, and goes on once", async () => {
  const { retry, timers, seen } = retrying([{ status: 503 }, "nobody", { status: 200 }]);
  retry.start();
  await timers.advance(4_999);
  expect(seen).toEqual([]);
  await timers.advance(1);
  expect(seen).toEqual([ASK]);
  await timers.advance(9_999);
  expect(seen).toEqual([ASK]);
  await timers.advance(1 + 20_000);
  expect(seen).toEqual([ASK, ASK, ASK, "arrived"]);
  await timers.advance(600_000);
  retry.now();
  await settled();
  expect(seen.length).toBe(4);
});

it.each([
  ["a sign-in to go to", { type: "opaqueredirect", status: 0 }, true],
  ["another refusal, which the person should see", { status: 403 }, true],
  ["too many attempts", { status: 429 }, false],
  ["a gateway that is still down", { status: 502 }, false],
])("takes %s for the end of waiting or not", async (_what, answer, over) => {
  const { retry, timers, seen } = retrying([answer]);
  retry.start();
  await timers.advance(5_000);
  expect(seen.includes("arrived")).toBe(over);
});

it("never waits longer than a minute", async () => {
  const { retry, timers, seen } = retrying([], 3_600_000);
  retry.start();
  await timers.advance(60_000);
  expect(seen).toEqual([ASK]);
  await timers.advance(60_000);
  expect(seen).toEqual([ASK, ASK]);
});

it("does not ask while nobody looks, and asks at once when somebody does", async () => {
  const { retry, timers, seen } = retrying([{ status: 503 }]);
  retry.start();
  retry.pause();
  await timers.advance(600_000);
  expect(seen).toEqual([]);
  retry.now();
  await settled();
  expect(seen).toEqual([ASK]);
});
