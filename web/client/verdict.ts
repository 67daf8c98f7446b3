// What the end of a connection means for the person: try again, or say plainly why not. Pure.

import type { MeOutcome, Refusal } from "./ask-me.ts";
import type { ConnectionEnd } from "./connection.ts";

export type Verdict =
  | {
      readonly kind: "reconnecting" | "gateway_down" | "moved";
      readonly message: string;
      /** Milliseconds to wait at least. */
      readonly notBeforeMs: number;
    }
  | { readonly kind: "signed_out" | "refused"; readonly refusal: Refusal };

/** True when only `/api/me` can tell why: the upgrade was refused, or a policy closed the connection. */
export function needsReason(end: ConnectionEnd): boolean {
  return end.refusal === null && (end.code === 1008 || (!end.welcomed && end.code !== 1002));
}

/** True when the agent now runs elsewhere, where its earlier conversations may not be. */
export function isMove(end: ConnectionEnd): boolean {
  return end.code === 1012 && /\bmoved\b/.test(end.reason);
}

/** @param me the answer of `/api/me` after the end; null when it was not asked, or not yet */
export function verdictOf(end: ConnectionEnd, me: MeOutcome | null, agent: string): Verdict {
  if (end.code === 1002) return refuse("This page is older or newer than the gateway. Reload it.");
  if (end.refusal !== null)
    return end.refusal.retryable === true ? again(end.refusal.message) : refuse(end.refusal.message);
  if (me?.kind === "signed_out") return { kind: "signed_out", refusal: inWordsOf(end, me.refusal) };
  if (me?.kind === "denied") return { kind: "refused", refusal: inWordsOf(end, me.refusal) };
  // RFC 6455 §7.4.1, 1008: a policy ended it. Connecting again by itself would only fight that decision.
  if (end.code === 1008)
    return refuse(end.reason === "" ? "The connection was ended by a policy." : sentence(end.reason));
  if (isMove(end)) return { kind: "moved", message: wordsFor(end), notBeforeMs: hintedMs(end) };
  if (me === null) return again(wordsFor(end), hintedMs(end));
  if (me.kind === "unavailable")
    return { kind: "reconnecting", message: me.refusal.message, notBeforeMs: me.retryAfterMs };
  const mine = me.me.agents.find((candidate) => candidate.id === agent);
  if (mine === undefined) return refuse("This agent is not among yours.");
  if (mine.gateway === null) return down("No gateway serves this agent for you yet.");
  const name = mine.gatewayLabel ?? mine.gateway;
  if (mine.state === "down") return down(`The gateway "${name}" is not answering.`);
  if (mine.state === "draining") return down(`The gateway "${name}" is being taken down.`);
  return again("The gateway could not be reached.");
}

// Whoever closed the connection knows why ("signed out in another tab"); the answer asked for later knows only what is.
function inWordsOf(end: ConnectionEnd, refusal: Refusal): Refusal {
  return end.code === 1008 && end.reason !== "" ? { ...refusal, message: sentence(end.reason) } : refusal;
}

function sentence(words: string): string {
  const text = words.charAt(0).toUpperCase() + words.slice(1);
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

function wordsFor(end: ConnectionEnd): string {
  if (end.code === 1012) return end.reason === "" ? "The gateway is restarting." : sentence(end.reason);
  if (end.code === 1009) return "The gateway closed the connection because a message was too large.";
  return end.code === 1013 && end.reason !== "" ? sentence(end.reason) : "The connection was lost.";
}

// "restarting, come back in 7 s": whoever restarts spreads those who come back. More than two minutes is no hint.
function hintedMs({ code, reason }: ConnectionEnd): number {
  const seconds = code === 1012 ? /\bin (\d{1,3}) ?s(?:econds?)?\b/.exec(reason)?.[1] : undefined;
  return seconds === undefined ? 0 : Math.min(Number(seconds), 120) * 1_000;
}

function again(message: string, notBeforeMs = 0): Verdict {
  return { kind: "reconnecting", message, notBeforeMs };
}

function down(message: string): Verdict {
  return { kind: "gateway_down", message, notBeforeMs: 0 };
}

function refuse(message: string): Verdict {
  return { kind: "refused", refusal: { message, requestId: null, contact: null } };
}
