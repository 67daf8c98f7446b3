// The control channels of one front door: one to every endpoint of the routing table, as the table changes. What they
// carry is in channel.ts and docs/control-channel.md.
import { addressOf, type Endpoint, type RoutingTable } from "../../config/routes.ts";
import type { Store } from "../../core/store.ts";
import {
  type Channel,
  type ChannelDeps,
  type ChannelDescription,
  type ChannelState,
  createChannel,
} from "./channel.ts";
import { type DirectEnd, endFramesOf, type SessionsEnd } from "./end-frame.ts";
import { createEndpointKeys } from "./endpoint-keys.ts";
import type { DoorIdentity } from "./opening-tokens.ts";
import { keyOf, type Place } from "./place.ts";

export type ControlChannels = {
  /** `away` also for an address that two gateways share, unless the channels of both are open. */
  stateOf(endpoint: Endpoint): ChannelState;
  /** Whether a gateway at its address says that it takes no new work. */
  isDraining(endpoint: Endpoint): boolean;
  describe(): readonly ChannelDescription[];
  /** Ends access at every gateway now; where the channel is away, when it is back. */
  end(end: SessionsEnd): void;
  /** Ends one connection that no front door forwards, at its own gateway. */
  endDirect(place: Place, jti: string, why: Omit<DirectEnd, "jtis">): void;
  /** To be called when there is a newer key set. */
  keysChanged(): void;
  /** To be called when the table has changed: dials new endpoints, closes vanished ones. */
  sync(): void;
  close(): Promise<void>;
};

export type ControlChannelDeps = DoorIdentity &
  Omit<ChannelDeps, "door" | "endpointKeys"> & {
    readonly table: () => RoutingTable;
    /** Remembers the endpoints' keys. */
    readonly store: Store;
  };

/** Dials at once. */
export function createControlChannels(deps: ControlChannelDeps): ControlChannels {
  const { trust, issuer, table, store } = deps;
  const channelDeps = { ...deps, door: { trust, issuer }, endpointKeys: createEndpointKeys(store) };
  const channels = new Map<string, Channel>();
  const closing = new Set<Promise<void>>();
  let closed = false;

  function closeAll(except: ReadonlyMap<string, Place>) {
    for (const [key, channel] of channels) {
      if (except.has(key)) continue;
      channels.delete(key);
      const done = channel.close();
      closing.add(done);
      void done.then(() => closing.delete(done));
    }
  }

  function sync() {
    if (closed) return;
    const places = placesOf(table());
    closeAll(places);
    for (const [key, place] of places)
      if (!channels.has(key)) channels.set(key, createChannel(place, channelDeps));
  }

  function channelsTo(endpoint: Endpoint): Channel[] {
    const address = addressOf(endpoint);
    return [...channels.values()].filter(({ place }) => addressOf(place.endpoint) === address);
  }

  sync();
  return {
    stateOf(endpoint) {
      const there = channelsTo(endpoint);
      const connected = there.length > 0 && there.every((channel) => channel.state() === "connected");
      return connected ? "connected" : "away";
    },
    isDraining: (endpoint) => channelsTo(endpoint).some((channel) => channel.isDraining()),
    describe: () => [...channels.values()].map((channel) => channel.describe()),
    end(end) {
      for (const frame of endFramesOf(end)) for (const channel of channels.values()) channel.end(frame);
    },
    endDirect: (place, jti, why) => channels.get(keyOf(place))?.endDirect(jti, why),
    keysChanged() {
      for (const channel of channels.values()) channel.keysChanged();
    },
    sync,
    async close() {
      closed = true;
      closeAll(new Map());
      await Promise.all(closing);
    },
  };
}

function placesOf({ gateways }: RoutingTable): ReadonlyMap<string, Place> {
  const places = [...gateways.values()].flatMap((gateway) =>
    gateway.endpoints.map((endpoint): Place => ({ gateway: gateway.id, endpoint })),
  );
  return new Map(places.map((place) => [keyOf(place), place]));
}
