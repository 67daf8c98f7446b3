// Which simple requests are taken: those that are to be forwarded. Whatever is not, or is malformed, is left to Node's
// server, so that pages and refusals of form have one way alone.
import type { Socket } from "node:net";
import type { Log } from "../../core/log.ts";
import type { ClientSide } from "../client-answer.ts";
import { cutOnFault } from "../cut-on-fault.ts";
import type { Target } from "../decide/decide.ts";
import { httpTarget, upgradeTarget } from "../forward-target.ts";
import { type Arrival, parseRepeated, parseRequest, type RequestRules } from "../request/parse-request.ts";
import type { ParsedRequest } from "../request/parsed-request.ts";
import type { TakesSimple } from "./simple-connection.ts";
import type { SimpleHead } from "./simple-head.ts";

export function forwardSimple(deps: {
  readonly rules: RequestRules;
  /** All stages; both answer whatever comes of it. */
  readonly forwardHttp: (request: ParsedRequest, target: Target, client: ClientSide) => Promise<void>;
  readonly forwardUpgrade: (request: ParsedRequest, target: Target, socket: Socket) => Promise<void>;
  readonly log: Log;
}): TakesSimple<ParsedRequest> {
  const { rules, log } = deps;

  function parse(
    { method, url, fields }: SimpleHead,
    socket: Socket,
    arrival: Arrival,
  ): ParsedRequest | undefined {
    const head = { method, url, httpVersion: "1.1", rawHeaders: fields.rawHeaders, socket };
    const parsed = parseRequest(head, arrival, rules);
    return parsed.ok ? parsed.value : undefined;
  }

  return {
    request(head, socket, answer, before) {
      const request =
        before === undefined
          ? parse(head, socket, { kind: "request" })
          : parseRepeated(before, head.method, head.url);
      const target = request === undefined ? undefined : httpTarget(request);
      if (request === undefined || target === undefined) return undefined;
      cutOnFault(deps.forwardHttp(request, target, { answer, body: undefined }), socket, log);
      return request;
    },

    upgrade(head, socket) {
      const request = parse(head, socket, { kind: "upgrade", bytesBehind: 0 });
      const target = request === undefined ? undefined : upgradeTarget(request);
      if (request === undefined || target === undefined) return false;
      cutOnFault(deps.forwardUpgrade(request, target, socket), socket, log);
      return true;
    },
  };
}
