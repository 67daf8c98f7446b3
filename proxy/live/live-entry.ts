// One entry of the live index: what is known of a connection, from before anybody knows whose it is to its end. Decides
// nothing: the index does (live-connections.ts).
import type { AssertionUse } from "../../core/assertion.ts";
import type { Identity, VerifiedIdentity } from "../../core/identity.ts";
import type { AgentId } from "../../core/ids.ts";
import type { Target } from "../decide/decide.ts";
import { NOWHERE, type Placed } from "../swap-list.ts";
import type { AccessEvent, EndReason } from "./access-event.ts";

/** @param event number of the event that ended it; null for an end of its own, such as expiry */
export type EndConnection = (reason: EndReason, event: number | null) => void;

/** What was decided about a connection, and by which snapshot of the policy. */
export type Decided = {
  readonly target: Target;
  readonly agents: readonly AgentId[];
  readonly gateway: string;
  readonly endpoint: string;
  /** The endpoint's, as `addressOf` gives it: the same name at another one is another place. */
  readonly address: string;
  readonly snapshot: number;
};

/** An entry of which nobody knows yet whose it is. */
export type PendingConnection = {
  /**
   * Binds the entry to whom it belongs. `end` is called at most once, as soon as their access ends.
   * @returns what ended it while the entry was pending: then nothing may be forwarded
   */
  bind(identity: VerifiedIdentity, end: EndConnection): EndReason | undefined;
  /**
   * Says what was decided; to be called before anything is forwarded.
   * @returns `again` if the policy has changed since, so that it must be decided anew; else why it ends, if it does
   */
  settle(decided: Decided): "again" | EndReason | undefined;
  /** The connection is over, or never came to be. */
  remove(): void;
};

/** What an entry asks of the index that it is in. */
export type LiveIndex = {
  bind(entry: LiveEntry, identity: VerifiedIdentity, end: EndConnection): EndReason | undefined;
  settle(entry: LiveEntry, decided: Decided): "again" | EndReason | undefined;
  remove(entry: LiveEntry): void;
};

// One object for each request: closures that know each other would outlive it by far, and cost more than deciding.
export class LiveEntry implements PendingConnection, Placed {
  placedAt = NOWHERE;
  readonly index: LiveIndex;
  readonly use: AssertionUse;
  readonly since: number;
  identity: Identity | undefined;
  decided: Decided | undefined;
  end: EndConnection = ignore;
  /** What happened before it was settled. */
  missed: readonly AccessEvent[] = NOTHING_MISSED;
  endedBy: EndReason | undefined;
  /** Other groups came after it was bound: what was decided may not hold for them. */
  regrouped = false;

  constructor(index: LiveIndex, use: AssertionUse, since: number) {
    this.index = index;
    this.use = use;
    this.since = since;
  }

  bind(identity: VerifiedIdentity, end: EndConnection) {
    return this.index.bind(this, identity, end);
  }

  settle(decided: Decided) {
    return this.index.settle(this, decided);
  }

  remove() {
    this.index.remove(this);
  }
}

export const NOTHING_MISSED: readonly AccessEvent[] = [];

function ignore() {}
