// The state of the connection in words: one that names it, and what is to be said beside it. Pure.
import type { ConnectionState } from "../client/index.ts";

const WORDS: Record<ConnectionState["kind"], string> = {
  connecting: "Connecting",
  connected: "Connected",
  asking_why: "Disconnected",
  reconnecting: "Reconnecting",
  gateway_down: "Gateway down",
  moved: "Moved",
  signed_out: "Signed out",
  refused: "Refused",
};

export type StateWords = {
  readonly word: string;
  /** Read after the word; undefined: it says it all. */
  readonly more: string | undefined;
};

export function stateWords(connection: ConnectionState): StateWords {
  const word = WORDS[connection.kind];
  const message = messageOf(connection);
  if (message === undefined || message === `${word}.`) return { word, more: undefined };
  // "Signed out in another tab or window.": a message that begins with the word goes on from it.
  return { word, more: message.startsWith(`${word} `) ? message.slice(word.length + 1) : message };
}

function messageOf(connection: ConnectionState): string | undefined {
  if ("message" in connection) return connection.message;
  return "refusal" in connection ? connection.refusal.message : undefined;
}
