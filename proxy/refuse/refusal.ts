// Shapes a refusal for whoever asked: a page for people, JSON for programs. The words come from
// core/denial-answer.ts; here they only get a form.

import type { DenialAnswer } from "../../core/answer-shape.ts";
import type { ErrorAnswer } from "../../core/api.ts";
import type { Denial } from "../../core/denial.ts";
import { answerTo } from "../../core/denial-answer.ts";
import type { Identity } from "../../core/identity.ts";
import type { RequestId } from "../../core/ids.ts";
import { type RefusalContext, refusalPage } from "./refusal-page.ts";

export type Refusal = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

/** What every refusal of this front door says in the same way. */
export type Wording = Pick<RefusalContext, "contact" | "names">;

/** What a refusal needs to know of the request; the rest is unknown when not even its form could be read. */
export type AskedFor = {
  readonly id: RequestId;
  readonly method: string;
  readonly path: string | null;
  readonly query?: string;
};

/** @param identity who is known to ask, for the page to say */
export function refusalContext(
  asked: AskedFor,
  { contact, names }: Wording,
  identity?: Identity,
): RefusalContext {
  const { id: requestId, method, path, query = "" } = asked;
  const repeatable = path !== null && (method === "GET" || method === "HEAD");
  return {
    requestId,
    contact,
    names,
    address: repeatable ? `${path}${query}` : null,
    choice: null,
    signedInAs: identity === undefined ? null : (identity.email ?? identity.name ?? identity.userId),
    signedInWith: identity === undefined ? null : names.provider(identity.issuer),
  };
}

export function jsonRefusal(denial: Denial, context: Wording & Pick<RefusalContext, "requestId">): Refusal {
  const answer = answerTo(denial, context.names);
  const body: ErrorAnswer = {
    error: {
      code: answer.code,
      message: `${answer.title}. ${answer.message}`,
      requestId: context.requestId,
      contact: context.contact,
      ...(denial.code === "agent_not_allowed"
        ? { grantedBy: context.names.groupsOf(denial.issuer, denial.grantedBy) }
        : {}),
    },
  };
  return {
    status: answer.status,
    headers: { ...headersOf(answer, context.requestId), "content-type": "application/json; charset=utf-8" },
    body: JSON.stringify(body),
  };
}

export function pageRefusal(denial: Denial, context: RefusalContext): Refusal {
  const answer = answerTo(denial, context.names);
  return {
    status: answer.status,
    headers: { ...headersOf(answer, context.requestId), "content-type": "text/html; charset=utf-8" },
    body: refusalPage(answer, context),
  };
}

function headersOf(answer: DenialAnswer, requestId: RequestId): Record<string, string> {
  return {
    "cache-control": "no-store",
    "x-request-id": requestId,
    ...(answer.retryAfterSeconds === undefined ? {} : { "retry-after": String(answer.retryAfterSeconds) }),
    ...(answer.wwwAuthenticate === undefined ? {} : { "www-authenticate": answer.wwwAuthenticate }),
    ...(answer.allow === undefined ? {} : { allow: answer.allow }),
  };
}
