// The state of a turn in words, also while there is no connection: then what is true is when the rest will be seen. A
// turn is its gateway's and goes on whatever becomes of the connection. Pure.
import type { ConnectionState, Turn } from "../client/index.ts";

export type Link = ConnectionState["kind"];

/** Null: its answer says it all. */
export function turnWords(turn: Turn, link: Link): string | null {
  switch (turn.phase) {
    case "sending":
      return link === "connected" ? "Sending…" : `Will be sent ${WHEN[link]}.`;
    case "not_sent":
      return `Not sent: ${turn.note}`;
    case "accepted":
      return link === "connected" ? "Waiting for the answer…" : restWords(turn, link);
    case "queued":
      return link === "connected" ? placeWords(turn.position) : restWords(turn, link);
    case "running":
      return link === "connected" ? "Answering…" : restWords(turn, link);
    case "done":
      return null;
    case "stopped":
      return turn.answer === "" ? "Stopped before it was answered." : "Stopped.";
    case "failed":
      return turn.note === null ? "The answer failed." : `The answer failed: ${turn.note}`;
    case "interrupted":
      return "Interrupted: the rest of this answer is lost.";
    case "unanswered":
      return "No answer.";
  }
}

const WHEN: Record<Exclude<Link, "connected">, string> = {
  connecting: "when there is a connection",
  asking_why: "when there is a connection",
  reconnecting: "when the connection is back",
  moved: "when the connection is back",
  gateway_down: "when the gateway answers again",
  signed_out: "when you have signed in again",
  refused: "when you may connect again",
};

function restWords({ answer }: Turn, link: Exclude<Link, "connected">): string {
  const rest = answer === "" ? "The answer" : "The rest of this answer";
  if (link === "moved") return `${rest} stays where your agent ran.`;
  // A gateway that was killed, or whose machine went away, comes back without it.
  const mayBeLost = link === "reconnecting" || link === "gateway_down";
  return `${rest} is shown ${WHEN[link]}${mayBeLost ? ", if the gateway still has it" : ""}.`;
}

function placeWords(position: number): string {
  return position <= 1 ? "Waiting: next in line." : `Waiting: number ${position} in line.`;
}
