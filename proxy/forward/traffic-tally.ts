// How much has been forwarded over WebSockets. Every tunnel counts for itself; sums are made when somebody asks, so
// that no message pays for a metric.
import { type Placed, SwapList } from "../swap-list.ts";

export type Traffic = { readonly messages: BothWays; readonly bytes: BothWays };

export type BothWays = { readonly toClient: number; readonly toGateway: number };

export type Counted = Placed & {
  /** What was forwarded until now. */
  readonly traffic: Traffic;
};

export type TrafficTally = {
  open(tunnel: Counted): void;
  close(tunnel: Counted): void;
  /** Of the tunnels that are open and of all that were. */
  totals(): Traffic;
};

export function createTrafficTally(): TrafficTally {
  const live = new SwapList<Counted>();
  let ended: Traffic = { messages: NONE, bytes: NONE };
  return {
    open: (tunnel) => void live.add(tunnel),
    close(tunnel) {
      if (live.remove(tunnel)) ended = sum(ended, tunnel.traffic);
    },
    totals() {
      let totals = ended;
      for (const { traffic } of live.all()) totals = sum(totals, traffic);
      return totals;
    },
  };
}

const NONE: BothWays = { toClient: 0, toGateway: 0 };

function sum(one: Traffic, other: Traffic): Traffic {
  return { messages: add(one.messages, other.messages), bytes: add(one.bytes, other.bytes) };
}

function add(one: BothWays, other: BothWays): BothWays {
  return { toClient: one.toClient + other.toClient, toGateway: one.toGateway + other.toGateway };
}
