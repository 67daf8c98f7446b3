// Shapes a refusal for whoever asked: a page for people, JSON for programs. The words come from
// core/denial-answer.ts; here they only get a form. Everything from outside is escaped.
import type { ErrorAnswer } from "../../core/api.ts";
import type { Denial } from "../../core/denial.ts";
import { answerTo, type DenialAnswer } from "../../core/denial-answer.ts";
import type { RequestId } from "../../core/ids.ts";
import { escapeHtml, page } from "./page.ts";

export type Refusal = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

export type RefusalContext = { readonly requestId: RequestId /** Whom to ask. */; readonly contact: string };

export function jsonRefusal(denial: Denial, context: RefusalContext): Refusal {
  const answer = answerTo(denial);
  const body: ErrorAnswer = {
    error: {
      code: answer.code,
      message: `${answer.title}. ${answer.message}`,
      requestId: context.requestId,
      contact: context.contact,
      ...(denial.code === "agent_not_allowed" ? { grantedBy: denial.grantedBy } : {}),
    },
  };
  return {
    status: answer.status,
    headers: { ...headersOf(answer, context), "content-type": "application/json; charset=utf-8" },
    body: JSON.stringify(body),
  };
}

export function pageRefusal(denial: Denial, context: RefusalContext): Refusal {
  const answer = answerTo(denial);
  const body = page(
    answer.title,
    `<h1>${escapeHtml(answer.title)}</h1>
<p>${escapeHtml(answer.message)}</p>
<p>If this seems wrong, ask ${escapeHtml(context.contact)} and give them this request id:</p>
<p><code>${escapeHtml(context.requestId)}</code> <span class="code">${escapeHtml(answer.code)}</span></p>
<p class="actions"><a class="button" href="/">Start page</a></p>${SIGN_OUT_CODES.has(answer.code) ? SIGN_OUT_FORM : ""}`,
  );
  return {
    status: answer.status,
    headers: { ...headersOf(answer, context), "content-type": "text/html; charset=utf-8" },
    body,
  };
}

// Signed in as somebody who may not: the way forward may be to sign in as somebody else.
const SIGN_OUT_CODES: ReadonlySet<string> = new Set(["user_denied", "agent_not_allowed", "no_agents"]);
const SIGN_OUT_FORM = `
<form method="post" action="/auth/logout"><button type="submit">Sign out</button></form>`;

function headersOf(answer: DenialAnswer, context: RefusalContext): Record<string, string> {
  return {
    "cache-control": "no-store",
    "x-request-id": context.requestId,
    ...(answer.retryAfterSeconds === undefined ? {} : { "retry-after": String(answer.retryAfterSeconds) }),
    ...(answer.wwwAuthenticate === undefined ? {} : { "www-authenticate": answer.wwwAuthenticate }),
    ...(answer.allow === undefined ? {} : { allow: answer.allow }),
  };
}
