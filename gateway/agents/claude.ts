// Agents that answer through the Claude API. The only place in the gateway that makes outgoing requests, and only
// to the configured address. What goes wrong there is told without the key, the request or the answer's headers.
import Anthropic, {
  APIConnectionError,
  APIConnectionTimeoutError,
  APIError,
  AuthenticationError,
  NotFoundError,
  PermissionDeniedError,
  RateLimitError,
} from "@anthropic-ai/sdk";
import type { Clock } from "../../core/clock.ts";
import type { Log } from "../../core/log.ts";
import type { Agent, AgentTurn, AnswerPiece } from "./agent.ts";

export type ClaudeOptions = {
  /** A secret. */
  readonly apiKey: string;
  readonly baseUrl: string | undefined;
  /** For one whole answer. */
  readonly timeoutMs: number;
  readonly maxOutputTokens: number;
  readonly clock: Clock;
  readonly log: Log;
};

const PUBLIC_API = "https://api.anthropic.com";
const DECLINED = "The model declined to answer this.";
const CUT_SHORT = "The answer was cut at its length limit. Ask the agent to go on.";
const BROKE_OFF = "The model's answer broke off. Try again.";

export function createClaudeAgent(options: ClaudeOptions): Agent {
  const client = new Anthropic({
    apiKey: options.apiKey,
    // Named even when it is the default: otherwise the library would take it from the environment.
    baseURL: options.baseUrl ?? PUBLIC_API,
    timeout: options.timeoutMs,
    logLevel: "off",
  });

  return {
    async *answer(turn, signal) {
      // The library's timeout ends with the answer's first byte; a stream that stalls would hold its lane for ever.
      const deadline = new AbortController();
      const cancelDeadline = options.clock.after(options.timeoutMs, () => deadline.abort());
      try {
        yield* stream(client, turn, options.maxOutputTokens, AbortSignal.any([signal, deadline.signal]));
      } catch (error) {
        if (!signal.aborted && !deadline.signal.aborted) {
          options.log.warn({ ...loggable(error), agent: turn.agent.id }, "the model did not answer");
          yield { kind: "failed", message: explain(error, turn.agent.model) };
        }
      } finally {
        cancelDeadline();
      }
      if (deadline.signal.aborted && !signal.aborted)
        yield { kind: "failed", message: "The model took too long to answer. Try again." };
    },
  };
}

async function* stream(
  client: Anthropic,
  turn: AgentTurn,
  maxOutputTokens: number,
  signal: AbortSignal,
): AsyncGenerator<AnswerPiece> {
  const events = await client.messages.create(
    {
      model: turn.agent.model,
      max_tokens: maxOutputTokens,
      system: turn.agent.instructions,
      messages: turn.conversation.map(({ role, text }) => ({ role, content: text })),
      stream: true,
    },
    { signal },
  );
  let input = 0;
  for await (const event of events) {
    switch (event.type) {
      case "message_start":
        input = event.message.usage.input_tokens;
        break;
      case "content_block_delta":
        if (event.delta.type === "text_delta") yield { kind: "text", text: event.delta.text };
        break;
      case "message_delta":
        yield { kind: "usage", usage: { input, output: event.usage.output_tokens } };
        if (event.delta.stop_reason === "refusal") return yield { kind: "failed", message: DECLINED };
        if (event.delta.stop_reason === "max_tokens") return yield { kind: "failed", message: CUT_SHORT };
        break;
      case "message_stop":
        return;
    }
  }
  // The connection closed in the middle: half an answer must not pass for a whole one.
  if (!signal.aborted) yield { kind: "failed", message: BROKE_OFF };
}

function explain(error: unknown, model: string): string {
  if (error instanceof AuthenticationError || error instanceof PermissionDeniedError)
    return "The model did not accept this gateway's key. Operations must correct it.";
  if (error instanceof RateLimitError)
    return "The model takes no more requests at the moment (rate limit). Try again in a minute.";
  if (error instanceof NotFoundError)
    return `The model "${model}" is not known at the configured address. Operations must correct it.`;
  if (error instanceof APIConnectionTimeoutError) return "The model took too long to answer. Try again.";
  if (error instanceof APIConnectionError) return "The model could not be reached. Try again soon.";
  if (!(error instanceof APIError)) return BROKE_OFF;
  if (error.type === "overloaded_error" || error.status === 529)
    return "The model is overloaded at the moment. Try again in a minute.";
  if (error.type === "billing_error" || error.status === 402)
    return "The model's account cannot be billed. Operations must look into it.";
  if (error.status === 413) return "The conversation has become too long for the model. Start a new session.";
  if (error.status === 400)
    return "The model did not accept this conversation. If it is very long, start a new session.";
  return "The model had a fault of its own. Try again soon.";
}

// Not the error itself: it carries the answer's headers, and its message may quote the conversation.
function loggable(error: unknown): Record<string, unknown> {
  if (!(error instanceof APIError)) return { fault: error instanceof Error ? error.name : "unknown" };
  return {
    fault: error.constructor.name,
    status: error.status,
    type: error.type,
    modelRequestId: error.requestID,
  };
}
