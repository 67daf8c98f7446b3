// What the portal knows and when it asks again. Knows no page. It asks while somebody looks, and not for ever: each
// question counts as use of the session, and a tab left open must not keep one alive.
import type { MeAnswer } from "../../core/api.ts";
import type { DoorDeps } from "../client/ask-door.ts";
import { askMe, type MeOutcome } from "../client/ask-me.ts";
import { endMyOtherSessions, endMySession, listMySessions, type MySession } from "../client/my-sessions.ts";
import { askTold, type Told } from "./ask-told.ts";

export type PortalView = {
  /** The newest answer; null: none yet. */
  readonly outcome: MeOutcome | null;
  /** What was known last, also while there is no answer. */
  readonly me: MeAnswer | null;
  /** null: not answered yet, or they cannot be told now. */
  readonly sessions: readonly MySession[] | null;
  /** What went wrong with the last press of a button. */
  readonly notice: string | null;
  /** By agent; null while it is being asked for. */
  readonly told: ReadonlyMap<string, Told | null>;
};

export type Portal = {
  /** The page comes into view. */
  arrive(): void;
  /** Somebody is at it. */
  stir(): void;
  leave(): void;
  endSession(sid: string): Promise<void>;
  endOthers(): Promise<void>;
  tell(agent: string): Promise<void>;
};

export type PortalDeps = DoorDeps & {
  readonly show: (view: PortalView) => void;
  /** Nobody was signed in when the page came. */
  readonly toLogin: () => void;
};

/** What is known of a person who has only just come. */
const NOTHING: Pick<PortalView, "sessions" | "notice" | "told"> = {
  sessions: null,
  notice: null,
  told: new Map(),
};

const ASK_EVERY_MS = 15_000;
/** After the newest sign of a person: ten minutes. */
const ASKS_UNATTENDED = 40;

export function createPortal({ show, toLogin, ...door }: PortalDeps): Portal {
  let view: PortalView = { outcome: null, me: null, ...NOTHING };
  let asksLeft = 0;
  let asking = false;
  let inView = false;
  let cancelNext = () => {};

  function change(changes: Partial<PortalView>) {
    view = { ...view, ...changes };
    show(view);
  }

  async function ask() {
    cancelNext();
    if (asking) return;
    asking = true;
    asksLeft -= 1;
    const outcome = await askMe(door);
    asking = false;
    if (outcome.kind === "signed_out" && view.me === null) return toLogin();
    if (outcome.kind === "signed_in") {
      // Somebody else signed in meanwhile: nothing of the one before may be shown to them.
      change({ ...(view.me?.id === outcome.me.id ? {} : NOTHING), outcome, me: outcome.me });
    } else change({ outcome });
    askLater();
  }

  async function askAgain() {
    await ask();
    if (view.outcome?.kind === "signed_in" && view.sessions === null) await listSessions();
  }

  /** @returns what changes the view no more once it is another person's */
  function ofThisPerson(): typeof change {
    const whose = view.me?.id;
    return (changes) => {
      if (view.me?.id === whose) change(changes);
    };
  }

  function askLater() {
    cancelNext();
    const { outcome } = view;
    const over = outcome?.kind === "signed_out" || outcome?.kind === "denied";
    if (!inView || over || asksLeft <= 0) return;
    const notBeforeMs = outcome?.kind === "unavailable" ? outcome.retryAfterMs : 0;
    cancelNext = door.after(Math.max(ASK_EVERY_MS, notBeforeMs), () => void askAgain());
  }

  async function listSessions() {
    const tell = ofThisPerson();
    tell({ sessions: (await listMySessions(door)) ?? null });
  }

  async function afterEnding(ended: Promise<boolean>) {
    const tell = ofThisPerson();
    tell({ notice: (await ended) ? null : "That did not work. Try again." });
    await listSessions();
  }

  return {
    async arrive() {
      inView = true;
      asksLeft = ASKS_UNATTENDED;
      await ask();
      if (view.outcome?.kind === "signed_in") await listSessions();
    },
    stir() {
      const stopped = asksLeft <= 0;
      asksLeft = ASKS_UNATTENDED;
      if (stopped && inView) void askAgain();
    },
    leave() {
      inView = false;
      cancelNext();
    },
    endSession: (sid) => afterEnding(endMySession(door, sid)),
    endOthers: () => afterEnding(endMyOtherSessions(door)),
    async tell(agent) {
      const tell = ofThisPerson();
      tell({ told: new Map(view.told).set(agent, null) });
      const told = await askTold(door, agent);
      tell({ told: new Map(view.told).set(agent, told) });
    },
  };
}
