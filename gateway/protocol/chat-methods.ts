// chat.send, chat.history and chat.abort. Each turns the caller's key into a session of the caller's own before it
// does anything else.
import { z } from "zod";
import type {
  ChatAbortAnswer,
  ChatHistoryAnswer,
  ChatMessage,
  FrameError,
} from "../../core/gateway-protocol.ts";
import { err, ok, type Result } from "../../core/result.ts";
import type { Caller } from "../admit/caller.ts";
import { sessionKeyOf } from "../session/session-key.ts";
import type { Transcript } from "../session/transcript.ts";
import { textOf } from "../turn/conversation.ts";
import type { SendRefusal } from "../turn/turns.ts";
import { type MethodAnswer, type MethodDeps, method } from "./method.ts";
import { forbidden, ownSession } from "./own-session.ts";

/** Characters of one message. */
const MAX_MESSAGE_LENGTH = 1024 * 1024;
const DEFAULT_LIMIT = 200;
/** A page ends early with long messages, so that it fits into one frame. */
const MAX_PAGE_CHARACTERS = 2 * MAX_MESSAGE_LENGTH;
const RETRY_AFTER_MS = 5_000;

const sessionKey = z.string();
/** Also what a run is found by in a history file: nothing that JSON would escape. */
const runId = z.string().regex(/^[A-Za-z0-9._:-]{1,128}$/, "1 to 128 letters, digits and . _ : -");

const sendParams = z.object({
  sessionKey,
  message: z.string().regex(/\S/, "text that is not blank"),
  idempotencyKey: runId,
});
const historyParams = z.object({
  sessionKey,
  limit: z.int().min(1).max(500).default(DEFAULT_LIMIT),
  before: z.string().optional(),
});
const abortParams = z.object({ sessionKey, runId: runId.optional() });

export const chatSend = method(sendParams, send);
export const chatHistory = method(historyParams, history);
export const chatAbort = method(abortParams, abort);

async function send(params: z.output<typeof sendParams>, caller: Caller, deps: MethodDeps): MethodAnswer {
  if (params.message.length > MAX_MESSAGE_LENGTH)
    return err({
      code: "TOO_LARGE",
      message: `a message has at most ${MAX_MESSAGE_LENGTH.toLocaleString("en")} characters`,
    });
  const identity = ownSession(params.sessionKey, caller, "sessionKey");
  if (!identity.ok) return identity;
  const agent = deps.profiles.get(identity.value.agentId);
  if (agent === undefined) return err(forbidden(identity.value.agentId));
  const sent = await deps.turns.send({
    identity: identity.value,
    agent,
    speaker: caller,
    runId: params.idempotencyKey,
    text: params.message,
  });
  return sent.ok ? sent : err(errorOf(sent.error));
}

async function history(
  params: z.output<typeof historyParams>,
  caller: Caller,
  deps: MethodDeps,
): MethodAnswer {
  const identity = ownSession(params.sessionKey, caller, "sessionKey");
  if (!identity.ok) return identity;
  const sessions = await deps.store.sessionsOf(caller.userId);
  // Both in one step: an answer that ends just now is then either running or part of the history, never neither.
  const session = sessions.find(identity.value);
  const underWay = deps.turns.underWay(identity.value);
  const transcript = session === undefined ? undefined : await deps.store.read(session);
  const page = pageOf(transcript, params.limit, params.before);
  if (!page.ok) return page;
  const answer: ChatHistoryAnswer = {
    sessionKey: sessionKeyOf(identity.value),
    sessionId: session?.sessionId ?? null,
    ...page.value,
    ...underWay,
  };
  return ok(answer);
}

async function abort(params: z.output<typeof abortParams>, caller: Caller, deps: MethodDeps): MethodAnswer {
  const identity = ownSession(params.sessionKey, caller, "sessionKey");
  if (!identity.ok) return identity;
  const runIds = deps.turns.abort(identity.value, params.runId);
  const answer: ChatAbortAnswer = { ok: true, aborted: runIds.length > 0, runIds };
  return ok(answer);
}

function pageOf(
  transcript: Transcript | undefined,
  limit: number,
  before: string | undefined,
): Result<{ readonly messages: readonly ChatMessage[]; readonly hasMore: boolean }, FrameError> {
  const messages: ChatMessage[] = [];
  let characters = 0;
  let reached = before === undefined;
  let index = (transcript?.messageCount ?? 0) - 1;
  for (; transcript !== undefined && index >= 0; index -= 1) {
    if (messages.length >= limit || characters >= MAX_PAGE_CHARACTERS) break;
    const message = transcript.message(index);
    if (!reached) {
      reached = message.id === before;
      continue;
    }
    messages.push(message);
    characters += textOf(message).length;
  }
  if (!reached) return err({ code: "NOT_FOUND", message: "before: no such message in this session" });
  return ok({ messages: messages.reverse(), hasMore: index >= 0 });
}

function errorOf(refusal: SendRefusal): FrameError {
  switch (refusal) {
    case "other_text":
      return { code: "INVALID_REQUEST", message: "this idempotencyKey was used for another message" };
    case "queue_full":
      return unavailable("too many turns are waiting");
    case "stopping":
      return unavailable("the gateway is restarting");
    case "session_full":
      return { code: "TOO_LARGE", message: "this session is full; start a new one" };
    case "too_many_sessions":
      return { code: "TOO_LARGE", message: "you have too many sessions; go on in one of them" };
  }
}

function unavailable(message: string): FrameError {
  return { code: "UNAVAILABLE", message, retryable: true, retryAfterMs: RETRY_AFTER_MS };
}
