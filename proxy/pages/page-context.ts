// What the page handlers share: the parsed request behind an express request, and one way to refuse.
import type { IncomingMessage } from "node:http";
import type { RequestHandler, Response } from "express";
import type { Denial } from "../../core/denial.ts";
import { jsonRefusal, pageRefusal } from "../refuse/refusal.ts";
import type { ParsedRequest } from "../request/parsed-request.ts";

export type PageContext = {
  /** Remembers what the first stage read, so that no handler reads the raw request again. */
  attach(incoming: IncomingMessage, request: ParsedRequest): void;
  requestOf(incoming: IncomingMessage): ParsedRequest;
  refuse(request: ParsedRequest, response: Response, denial: Denial): void;
};

export type PageHandler = (request: ParsedRequest, response: Response) => Promise<void> | void;

export function createPageContext(contact: string): PageContext {
  const parsed = new WeakMap<IncomingMessage, ParsedRequest>();
  return {
    attach: (incoming, request) => void parsed.set(incoming, request),
    requestOf(incoming) {
      const request = parsed.get(incoming);
      if (request === undefined) throw new TypeError("a page was asked for without a parsed request");
      return request;
    },
    refuse(request, response, denial) {
      const shape = request.kind === "navigation" ? pageRefusal : jsonRefusal;
      const { status, headers, body } = shape(denial, { requestId: request.id, contact });
      response.status(status).set(headers).send(body);
    },
  };
}

export function handle(context: PageContext, handler: PageHandler): RequestHandler {
  return (incoming, response, next) => {
    Promise.resolve(handler(context.requestOf(incoming), response)).catch(next);
  };
}
