// What the page handlers share: the parsed request behind an express request, and one way to refuse.
import type { IncomingMessage } from "node:http";
import type { RequestHandler, Response } from "express";
import type { Denial } from "../../core/denial.ts";
import type { Identity } from "../../core/identity.ts";
import { jsonRefusal, pageRefusal, refusalContext, type Wording } from "../refuse/refusal.ts";
import type { ParsedRequest } from "../request/parsed-request.ts";

export type PageContext = {
  /** Whom to ask. */
  readonly contact: string;
  /** Remembers what the first stage read, so that no handler reads the raw request again. */
  attach(incoming: IncomingMessage, request: ParsedRequest): void;
  requestOf(incoming: IncomingMessage): ParsedRequest;
  refuse(request: ParsedRequest, response: Response, denial: Denial, known?: KnownOfAsker): void;
};

export type KnownOfAsker = {
  /** Who is known to ask. */
  readonly identity?: Identity;
  /** Path to ask again, where that is not the request's own. */
  readonly again?: string;
  /** Path of the choice between providers, where another one may help. */
  readonly choice?: string;
};

export type PageHandler = (request: ParsedRequest, response: Response) => Promise<void> | void;

export function createPageContext(wording: Wording): PageContext {
  const parsed = new WeakMap<IncomingMessage, ParsedRequest>();
  return {
    contact: wording.contact,
    attach: (incoming, request) => void parsed.set(incoming, request),
    requestOf(incoming) {
      const request = parsed.get(incoming);
      if (request === undefined) throw new TypeError("a page was asked for without a parsed request");
      return request;
    },
    refuse(request, response, denial, { identity, again, choice = null } = {}) {
      const shape = request.kind === "navigation" ? pageRefusal : jsonRefusal;
      const own = { ...refusalContext(request, wording, identity), choice };
      const { status, headers, body } = shape(denial, again === undefined ? own : { ...own, address: again });
      response.status(status).set(headers).send(body);
    },
  };
}

export function handle(context: PageContext, handler: PageHandler): RequestHandler {
  return (incoming, response, next) => {
    Promise.resolve(handler(context.requestOf(incoming), response)).catch(next);
  };
}
