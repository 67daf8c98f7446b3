import { expect, it } from "vitest";
import { createTrafficTally, type Traffic } from "../../../proxy/forward/traffic-tally.ts";
import { NOWHERE } from "../../../proxy/swap-list.ts";

function traffic(count: number): Traffic {
  return {
    messages: { toClient: count, toGateway: 10 * count },
    bytes: { toClient: 100 * count, toGateway: 1_000 * count },
  };
}

it("sums what is open now and what has been, each tunnel once", () => {
  const tally = createTrafficTally();
  expect(tally.totals()).toEqual(traffic(0));
  const one = { traffic: traffic(1), placedAt: NOWHERE };
  const other = { traffic: traffic(2), placedAt: NOWHERE };
  tally.open(one);
  tally.open(other);
  expect(tally.totals()).toEqual(traffic(3));
  one.traffic = traffic(5);
  expect(tally.totals()).toEqual(traffic(7));
  tally.close(one);
  expect(tally.totals()).toEqual(traffic(7));
  one.traffic = traffic(50);
  tally.close(one);
  expect(tally.totals()).toEqual(traffic(7));
});
