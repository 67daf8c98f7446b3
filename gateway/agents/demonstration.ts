// The agent that answers when there is no model: for trying out sign-in, routing, stop and reconnect. It says what
// it is, and tells only what the gateway was told. No network.
import type { Clock } from "../../core/clock.ts";
import type { TokenUsage } from "../../core/gateway-protocol.ts";
import type { EndpointId, GatewayId } from "../../core/ids.ts";
import type { Agent, AgentTurn } from "./agent.ts";

export type DemonstrationOptions = {
  readonly gateway: GatewayId;
  readonly endpoint: EndpointId;
  readonly clock: Clock;
};

/** What it has an answer of its own to, and what that shows. */
export const DEMONSTRATION_WORDS: ReadonlyMap<string, string> = new Map([
  ["whoami", "who the gateway was told you are"],
  ["where", "which machine answers"],
  ["slow", "a long answer, to try stop and reload"],
  ["markdown", "an answer with headings, lists, a table and code"],
]);

const WORD_MS = 25;
const SLOW_WORD_MS = 200;
/** A minute at five words a second. */
const SLOW_WORDS = 300;

const MARKDOWN = `# Formatted text

An answer may have **strong** and *stressed* words, \`code\`, ~~what no longer holds~~ and [links](https://example.com/).

1. First this,
2. then that:
   - with a list
   - inside of it

> Words of somebody else.

| agent | does |
|---|---|
| Coder | writes code |
| Analyst | reads figures |

\`\`\`js
// Copied with one press.
const sum = [1, 2, 3].reduce((total, number) => total + number, 0);
\`\`\`

<b>Markup</b> stays text, and ![a picture](https://example.com/picture.png) is a link.`;

export function createDemonstrationAgent({ gateway, endpoint, clock }: DemonstrationOptions): Agent {
  function answerTo(turn: AgentTurn): { readonly text: string; readonly wordMs: number } {
    const asked = turn.conversation.at(-1)?.text ?? "";
    switch (asked.trim().toLowerCase()) {
      case "whoami":
        return { text: whoami(turn), wordMs: WORD_MS };
      case "where":
        return {
          text: `Agent: ${turn.agent.id}\nGateway: ${gateway}\nEndpoint: ${endpoint}`,
          wordMs: WORD_MS,
        };
      case "slow":
        return { text: slow(), wordMs: SLOW_WORD_MS };
      case "markdown":
        return { text: MARKDOWN, wordMs: WORD_MS };
      default:
        return { text: explanation(turn, asked), wordMs: WORD_MS };
    }
  }

  return {
    async *answer(turn, signal) {
      const { text, wordMs } = answerTo(turn);
      // Spaces and line breaks travel with the word before them, so the pieces add up to the text.
      for (const word of text.match(/\S+\s*/g) ?? []) {
        await pause(clock, wordMs, signal);
        if (signal.aborted) return;
        yield { kind: "text", text: word };
      }
      yield { kind: "usage", usage: estimate(turn, text) };
    },
  };
}

// There is no model that would count: four characters to a token is what English text comes to.
function estimate({ conversation }: AgentTurn, answer: string): TokenUsage {
  const asked = conversation.reduce((sum, { text }) => sum + text.length, 0);
  return { input: Math.ceil(asked / 4), output: Math.ceil(answer.length / 4), estimated: true };
}

function whoami({ speaker }: AgentTurn): string {
  return [
    "The front door told this gateway that you are:",
    `Name: ${speaker.name ?? "(none)"}`,
    `E-mail: ${speaker.email ?? "(none)"}`,
    `User id: ${speaker.userId}`,
    `Session id: ${speaker.sid}`,
    `Agents on this connection: ${speaker.agents.join(", ")}`,
  ].join("\n");
}

function slow(): string {
  return Array.from({ length: SLOW_WORDS }, (_, index) => `word-${index + 1}`).join(" ");
}

function explanation({ agent }: AgentTurn, asked: string): string {
  return [
    `I am ${agent.name}, a demonstration agent without a model.`,
    `You wrote: ${asked}`,
    `Try: ${[...DEMONSTRATION_WORDS].map(([word, shows]) => `${word} (${shows})`).join(", ")}.`,
  ].join("\n\n");
}

function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const cancel = clock.after(delayMs, () => {
      signal.removeEventListener("abort", stop);
      resolve();
    });
    function stop() {
      cancel();
      resolve();
    }
    signal.addEventListener("abort", stop, { once: true });
  });
}
