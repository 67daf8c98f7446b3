// The file of one session: JSON lines, a head that says whose it is, then its messages and the names it was given, in
// the order they were written. Pure: bytes in, values out. Messages are parsed one by one as they are asked for.
import type { ChatMessage } from "../../core/gateway-protocol.ts";
import { isUserId, parseAgentId } from "../../core/ids.ts";
import type { SessionIdentity } from "./session-key.ts";

export type TranscriptHead = SessionIdentity & {
  readonly sessionId: string;
  readonly chatType: "direct";
  /** Milliseconds since 1970. */
  readonly createdAt: number;
};

/** A name given to the session; the last one counts. */
export type LabelLine = { readonly label: string | null };

export type Transcript = {
  readonly label: string | null;
  readonly messageCount: number;
  /** @param index from 0, the oldest */
  message(index: number): ChatMessage;
  /** The user's message that began this run. */
  userMessageOf(runId: string): ChatMessage | undefined;
};

/** A line that was complete and is not what was written: the disk or somebody changed it. */
export class TranscriptDamaged extends Error {
  constructor(what: string) {
    super(`a session's file is damaged: ${what}`);
    this.name = "TranscriptDamaged";
  }
}

const NEW_LINE = 0x0a;

const LABEL_START = Buffer.from('{"label":');

export function encodeLine(value: TranscriptHead | ChatMessage | LabelLine): Buffer {
  return Buffer.from(`${JSON.stringify(value)}\n`);
}

/** Bytes up to the last complete line: a write that a crash cut short was never acknowledged. */
export function completeLength(bytes: Buffer): number {
  return bytes.lastIndexOf(NEW_LINE) + 1;
}

/** @param bytes complete lines only, see {@link completeLength} */
export function readTranscript(bytes: Buffer): Transcript {
  const [, ...written] = linesOf(bytes);
  const lines = written.filter((line) => !isLabel(line));
  const labelLine = written.findLast(isLabel);

  function message(index: number): ChatMessage {
    const line = lines[index];
    if (line === undefined) throw new RangeError(`no message ${index}`);
    const value = parseLine(line);
    if (!isMessage(value)) throw new TranscriptDamaged(`message ${index} is not one`);
    return value;
  }

  return {
    label: labelLine === undefined ? null : labelOf(labelLine),
    messageCount: lines.length,
    message,
    userMessageOf(runId) {
      // Found as bytes: quotes inside a message's text are escaped, so only a real member can match.
      const needle = `"runId":${JSON.stringify(runId)}`;
      for (let index = lines.length - 1; index >= 0; index -= 1) {
        if (!lines[index]?.includes(needle)) continue;
        const found = message(index);
        if (found.role === "user" && found.runId === runId) return found;
      }
      return undefined;
    },
  };
}

/** Throws {@link TranscriptDamaged}. */
export function readHead(bytes: Buffer): TranscriptHead {
  const value = parseLine(bytes.subarray(0, bytes.indexOf(NEW_LINE) + 1));
  const { sessionId, userId, agentId, name, chatType, createdAt } = value;
  if (typeof sessionId !== "string" || typeof name !== "string" || typeof createdAt !== "number")
    throw new TranscriptDamaged("its head lacks a member");
  if (typeof userId !== "string" || !isUserId(userId) || chatType !== "direct")
    throw new TranscriptDamaged("its head names no owner");
  const agent = typeof agentId === "string" ? parseAgentId(agentId) : undefined;
  if (agent === undefined) throw new TranscriptDamaged("its head names no agent");
  return { sessionId, userId, agentId: agent, name, chatType, createdAt };
}

// A message begins with its id, so the first member tells the two apart without parsing either.
function isLabel(line: Buffer): boolean {
  return line.subarray(0, LABEL_START.length).equals(LABEL_START);
}

function labelOf(line: Buffer): string | null {
  const { label } = parseLine(line);
  if (typeof label !== "string" && label !== null) throw new TranscriptDamaged("a name is no text");
  return label;
}

function linesOf(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  let start = 0;
  for (let end = bytes.indexOf(NEW_LINE); end !== -1; end = bytes.indexOf(NEW_LINE, start)) {
    lines.push(bytes.subarray(start, end));
    start = end + 1;
  }
  return lines;
}

function parseLine(line: Buffer): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(line.toString("utf8"));
  } catch {
    throw new TranscriptDamaged("a line is not JSON");
  }
  if (typeof value !== "object" || value === null) throw new TranscriptDamaged("a line is no object");
  return value as Record<string, unknown>;
}

function isMessage(value: unknown): value is ChatMessage {
  const { id, role, content, timestamp, runId } = value as Record<string, unknown>;
  if (typeof id !== "string" || typeof runId !== "string" || typeof timestamp !== "number") return false;
  if (role !== "user" && role !== "assistant") return false;
  return Array.isArray(content) && content.every((part: unknown) => isTextPart(part));
}

function isTextPart(value: unknown): boolean {
  return typeof value === "object" && value !== null && "text" in value && typeof value.text === "string";
}
