// Writes docs/errors.md from the one switch that answers denials: `node dist/dev/error-reference.js`, in the
// project's folder. test/core/error-reference.test.ts holds the committed file equal to what this makes.
import { realpathSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { DenialAnswer } from "../core/answer-shape.ts";
import { answerTo } from "../core/denial-answer.ts";
import { DENIAL_SAMPLES } from "./denial-samples.ts";

export const ERROR_REFERENCE_PATH = "docs/errors.md";

/** The whole page: one row for each code, in the order of the union `Denial`. */
export function errorReference(): string {
  const rows = Object.values(DENIAL_SAMPLES).map((denial) => rowOf(answerTo(denial)));
  return `${INTRODUCTION}\n${rows.join("\n")}\n`;
}

const INTRODUCTION = `# Errors

Generated from \`core/denial-answer.ts\` by \`node dist/dev/error-reference.js\`; do not edit.

Every refusal has a code, and codes are never renamed. Programs get it as JSON, \`{ "error": { "code", "message",
"requestId", … } }\`, people as a page; an upgrade is refused in HTTP, before \`101\`. On a WebSocket that is already
open the connection ends with the close code instead. What is said is vague where exactness would help an attacker:
the audit line with the same request id holds the exact reason. Names and numbers in the texts are examples.

| code | status | close | retry after | title | what to do |
|---|---|---|---|---|---|`;

function rowOf({ code, status, closeCode, retryAfterSeconds, title, message }: DenialAnswer): string {
  const retry = retryAfterSeconds === undefined ? "" : `${retryAfterSeconds} s`;
  return `| \`${code}\` | ${status} | ${closeCode} | ${retry} | ${title} | ${message} |`;
}

const startedAs = process.argv[1];
if (startedAs !== undefined && realpathSync(startedAs) === fileURLToPath(import.meta.url)) {
  writeFileSync(ERROR_REFERENCE_PATH, errorReference());
}
