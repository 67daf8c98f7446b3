// `/auth/verify`: the stages without the last one, for a proxy that forwards by itself (nginx auth_request and its
// like). Each question is decided anew, each upgrade gets an assertion of its own; nothing is handed over that could
// not be ended afterwards.
import type { Audit } from "../../core/audit.ts";
import type { Denial } from "../../core/denial.ts";
import { newRequestId } from "../../core/ids.ts";
import { err, type Result } from "../../core/result.ts";
import type { Admit, Admitted } from "../app.ts";
import type { ClientAnswer } from "../client-answer.ts";
import type { ControlChannels } from "../control/control-channels.ts";
import type { DirectConnections } from "../control/direct-connections.ts";
import type { Target } from "../decide/decide.ts";
import { type Asked, decisionLine, type Trail } from "../decision-line.ts";
import { httpTarget, methodFault, upgradeTarget } from "../forward-target.ts";
import type { EndReason } from "../live/access-event.ts";
import type { BeginEntry } from "../live/begin-entry.ts";
import type { Wording } from "../refuse/refusal.ts";
import { type Arrival, parseRequest, type RequestRules } from "../request/parse-request.ts";
import type { ParsedRequest } from "../request/parsed-request.ts";
import { originalRequest, type Question } from "./original-request.ts";
import { answerNo, answerYes } from "./verify-answer.ts";

export type Verify = (asked: Question, answer: ClientAnswer) => Promise<void>;

export type VerifyDeps = {
  readonly rules: RequestRules;
  readonly admit: Admit;
  readonly begin: BeginEntry;
  readonly direct: Pick<DirectConnections, "begin">;
  readonly channels: Pick<ControlChannels, "stateOf">;
  readonly audit: Audit;
  readonly wording: Wording;
};

export function createVerify(deps: VerifyDeps): Verify {
  const { audit, wording } = deps;

  async function decideUpgrade(request: ParsedRequest, target: Target, trail: Trail): Promise<Verdict> {
    const { connection, end, complete } = deps.direct.begin(request.peer);
    const admitted = reachable(await deps.admit(request, target, "direct", connection, end, trail));
    const { identity, grant } = trail;
    if (!admitted.ok || identity === undefined || grant === undefined) {
      connection.remove();
      return admitted;
    }
    const { upstream, signed } = admitted.value;
    const place = { gateway: upstream.gateway.id, endpoint: upstream.endpoint };
    const denial = complete(place, signed.jti, identity, grant.agent);
    if (denial === undefined) return admitted;
    // Nobody will hold it, so nobody would ever give its place back.
    connection.remove();
    return err(denial);
  }

  async function decideHttp(request: ParsedRequest, target: Target, trail: Trail): Promise<Verdict> {
    const fault = methodFault(request.method);
    if (fault !== undefined) return err(fault);
    const connection = deps.begin("http", request.peer);
    let ended: EndReason | undefined;
    try {
      const end = (reason: EndReason) => {
        ended = reason;
      };
      const admitted = reachable(await deps.admit(request, target, "http", connection, end, trail));
      return still(admitted, ended);
    } finally {
      connection.remove();
    }
  }

  function reachable(admitted: Verdict): Verdict {
    if (!admitted.ok) return admitted;
    const { gateway, endpoint } = admitted.value.upstream;
    // A proxy believes any certificate of its CAs: the assertion would go to whoever has one.
    if (endpoint.fingerprint !== undefined)
      return err({ code: "proxy_refused", gateway: gateway.id, what: "its certificate is pinned" });
    // Without a channel nobody could end there what a proxy holds.
    if (deps.channels.stateOf(endpoint) === "connected") return admitted;
    return err({ code: "control_channel_away", gateway: gateway.id, endpoint: endpoint.id });
  }

  return async (asked, answer) => {
    const refuse = (by: Asked, trail: Trail, denial: Denial) => {
      audit.record(decisionLine(by, trail, denial));
      answerNo(answer, denial, { requestId: by.id, ...wording });
    };
    const original = originalRequest(asked);
    if (!original.ok) {
      const peer = asked.socket.remoteAddress ?? "unknown";
      const by = { id: newRequestId(), peer, method: asked.method ?? "", path: null };
      return refuse(by, {}, { code: "request_malformed", what: original.error });
    }
    const { head, isUpgrade } = original.value;
    const arrival: Arrival = isUpgrade ? { kind: "upgrade", bytesBehind: 0 } : { kind: "request" };
    const parsed = parseRequest(head, arrival, deps.rules);
    if (!parsed.ok) return refuse(parsed.error, {}, parsed.error.denial);
    const request = parsed.value;
    const target = isUpgrade ? upgradeTarget(request) : httpTarget(request);
    if (target === undefined) return refuse(request, {}, { code: "path_unknown" });
    const trail: Trail = {};
    const verdict = await (isUpgrade ? decideUpgrade : decideHttp)(request, target, trail);
    if (!verdict.ok) return refuse(request, trail, verdict.error);
    audit.record(decisionLine(request, trail, undefined));
    answerYes(answer, verdict.value.upstream, verdict.value.signed.headers);
  };
}

type Verdict = Result<Admitted, Denial>;

function still(admitted: Verdict, ended: EndReason | undefined): Verdict {
  return ended === undefined ? admitted : err({ code: "access_changed", reason: ended.code });
}
