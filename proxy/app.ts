// The life of a request: request → identify → decide → route → assert → forward. Each stage takes what only the
// one before can make; the first that says no ends it, with one audit line. Nothing here does a stage's work.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Limits } from "../config/limits.ts";
import { addressOf } from "../config/routes.ts";
import type { AssertionUse } from "../core/assertion.ts";
import type { Audit } from "../core/audit.ts";
import type { Denial } from "../core/denial.ts";
import type { Identity, VerifiedIdentity } from "../core/identity.ts";
import type { Log } from "../core/log.ts";
import { err, ok, type Result } from "../core/result.ts";
import { StoreUnavailable } from "../core/store.ts";
import type { Asserter, SignedRequest } from "./assert/assert.ts";
import type { ClientAnswer, ClientSide } from "./client-answer.ts";
import { decide, type Grant, type Target } from "./decide/decide.ts";
import { type Asked, decisionLine, type Trail } from "./decision-line.ts";
import { AccessWatch } from "./forward/access-watch.ts";
import type { HttpForwarder } from "./forward/forward-http.ts";
import type { UpgradeForwarder } from "./forward/forward-upgrade.ts";
import type { Tunnel, TunnelEnd } from "./forward/tunnel.ts";
import { httpTarget, methodFault, upgradeTarget } from "./forward-target.ts";
import type { Identify } from "./identify/identify.ts";
import { closeOf, type EndReason } from "./live/access-event.ts";
import type { BeginEntry, Entry } from "./live/begin-entry.ts";
import type { LastUse } from "./live/last-use.ts";
import type { EndConnection, PendingConnection } from "./live/live-entry.ts";
import type { PageApp } from "./pages/page-app.ts";
import { whyNotPage } from "./pages/page-gate.ts";
import type { PolicyInForce } from "./policy/policy-in-force.ts";
import { denialReason } from "./refuse/denial-reason.ts";
import { type AskedFor, jsonRefusal, pageRefusal, refusalContext, type Wording } from "./refuse/refusal.ts";
import { refuseUpgrade } from "./refuse/refuse-upgrade.ts";
import { type Arrival, parseRequest, type RequestRules } from "./request/parse-request.ts";
import type { ParsedRequest } from "./request/parsed-request.ts";
import type { Router, Upstream } from "./route/pick-endpoint.ts";
import { forwardSimple } from "./simple/forward-simple.ts";
import type { TakesSimple } from "./simple/simple-connection.ts";

export type AppDeps = {
  readonly rules: RequestRules;
  readonly identify: Identify;
  readonly policy: PolicyInForce;
  readonly route: Router;
  readonly assert: Asserter;
  readonly forwardHttp: HttpForwarder;
  readonly forwardUpgrade: UpgradeForwarder;
  readonly begin: BeginEntry;
  readonly lastUse: Pick<LastUse, "note">;
  /** Of what the door answers itself: bytes in a request's body, and time without a byte either way. */
  readonly pageLimits: Pick<Limits, "pageBodyBytes" | "pageTimeout">;
  readonly pages: PageApp;
  readonly audit: Audit;
  readonly log: Log;
  readonly wording: Wording;
  /** Of every answer that is the door's own. */
  readonly securityHeaders: Readonly<Record<string, string>>;
  /** Why nothing new is taken on at the moment, whatever it is. */
  readonly notNow: () => Denial | undefined;
};

export type App = {
  /** @param refusal what its connection is refused with, whatever it asks for */
  onRequest(incoming: IncomingMessage, response: ServerResponse, refusal: Denial | undefined): Promise<void>;
  onUpgrade(
    incoming: IncomingMessage,
    socket: Socket,
    bytesBehind: number,
    refusal: Denial | undefined,
  ): Promise<void>;
  /** What forwards simple requests; what is not to be forwarded, or is malformed, it does not take. */
  readonly takesSimple: TakesSimple<ParsedRequest>;
  readonly admit: Admit;
};

/** All stages but the last. Never rejects; whoever calls it writes the audit line. */
export type Admit = (
  request: ParsedRequest,
  target: Target,
  use: AssertionUse,
  connection: Entry,
  end: EndConnection,
  trail: Trail,
) => Promise<Result<Admitted, Denial>>;

export type Admitted = { readonly upstream: Upstream; readonly signed: SignedRequest };

/** A policy that changes faster than a request can be decided admits nobody. */
const MAX_DECISIONS = 3;

export function createApp(deps: AppDeps): App {
  const { begin, pageLimits, audit, log } = deps;

  const runStages: Admit = async (request, target, use, connection, end, trail) => {
    const notNow = deps.notNow();
    if (notNow !== undefined) return err(notNow);
    if (!audit.accepting) return err({ code: "audit_unavailable" });
    const identity = await deps.identify(request);
    if (!identity.ok) return identity;
    trail.identity = identity.value;
    const full = connection.take(identity.value.userId);
    if (full !== undefined) return err(full);
    const ended = connection.bind(identity.value, end);
    if (ended !== undefined) return err({ code: "session_ended", how: "ended" });
    const placed = await place(identity.value, target, connection, trail);
    if (!placed.ok) return placed;
    const signed = deps.assert(request, placed.value.grant, placed.value.upstream, use);
    if (!signed.ok) return signed;
    deps.lastUse.note(identity.value.userId, placed.value.grant.agent);
    return ok({ upstream: placed.value.upstream, signed: signed.value });
  };

  /** Decides and routes by one policy snapshot; again by the next one if that took effect meanwhile. */
  async function place(
    identity: VerifiedIdentity,
    target: Target,
    connection: PendingConnection,
    trail: Trail,
  ): Promise<Result<{ readonly grant: Grant; readonly upstream: Upstream }, Denial>> {
    for (let attempt = 1; attempt <= MAX_DECISIONS; attempt += 1) {
      const { number: snapshot, access, routing } = deps.policy.current();
      const grant = decide(identity, target, access);
      if (!grant.ok) return grant;
      trail.grant = grant.value;
      const upstream = await deps.route(grant.value, routing);
      if (!upstream.ok) return upstream;
      trail.upstream = upstream.value;
      const { agents, gateway, endpoint } = upstream.value;
      const ended = connection.settle({
        target,
        agents,
        gateway: gateway.id,
        endpoint: endpoint.id,
        address: addressOf(endpoint),
        snapshot,
      });
      if (ended === undefined) return ok({ grant: grant.value, upstream: upstream.value });
      if (ended !== "again") return err({ code: "access_changed", reason: ended.code });
    }
    return err({ code: "access_changed", reason: "policy" });
  }

  const admit: Admit = (request, target, use, connection, end, trail) => {
    if (target.kind === "agent") trail.agent = target.agent;
    return runStages(request, target, use, connection, end, trail).catch((error) => err(denialOf(error)));
  };

  /** {@link admit}, with its audit line. */
  const decideOn: Admit = async (request, target, use, connection, end, trail) => {
    const admitted = await admit(request, target, use, connection, end, trail);
    audit.record(decisionLine(request, trail, admitted.ok ? undefined : admitted.error));
    return admitted;
  };

  function denialOf(error: unknown): Denial {
    if (error instanceof StoreUnavailable) return { code: "store_unavailable" };
    log.error({ error: error instanceof Error ? error.stack : String(error) }, "a stage failed");
    return { code: "internal_error" };
  }

  async function forwardHttp(request: ParsedRequest, target: Target, client: ClientSide): Promise<void> {
    const { answer } = client;
    const denial = methodFault(request.method);
    if (denial !== undefined) {
      return refuseHttp(request, answer, refused(request, denial));
    }
    const connection = begin("http", request.peer);
    const access = new AccessWatch();
    const trail: Trail = {};
    try {
      const admitted = await decideOn(request, target, "http", connection, () => access.end(), trail);
      if (!admitted.ok) return refuseHttp(request, answer, admitted.error, trail.identity);
      const { signed, upstream } = admitted.value;
      const done = await deps.forwardHttp(request, signed, upstream, client, access);
      if (done.ok) return;
      log.warn({ requestId: request.id, reason: denialReason(done.error) }, "not forwarded");
      refuseHttp(request, answer, done.error, trail.identity);
    } finally {
      connection.remove();
    }
  }

  async function forwardUpgrade(request: ParsedRequest, target: Target, socket: Socket): Promise<void> {
    const connection = begin("upgrade", request.peer);
    const trail: Trail = {};
    let ended:
      | (ReturnType<typeof closeOf> & { readonly by: EndReason; readonly event: number | null })
      | undefined;
    let tunnel: Tunnel | undefined;
    const end: EndConnection = (by, event) => {
      ended = { ...closeOf(by), by, event };
      tunnel?.end(ended.code, ended.words);
    };
    const admitted = await decideOn(request, target, "upgrade", connection, end, trail);
    if (!admitted.ok) {
      connection.remove();
      return refuseSocket(request, socket, admitted.error);
    }
    const opened = await deps.forwardUpgrade(
      request,
      admitted.value.signed,
      admitted.value.upstream,
      socket,
      () => (ended === undefined ? undefined : { code: "session_ended", how: "ended" }),
      (tunnelEnd) => {
        connection.remove();
        if (trail.grant) deps.lastUse.note(trail.grant.identity.userId, trail.grant.agent);
        audit.record({
          ...decisionLine(request, trail, undefined),
          kind: "connection_closed",
          reason: ended?.by.code ?? endReason(tunnelEnd),
          event: ended?.event ?? null,
        });
      },
    );
    if (!opened.ok) {
      connection.remove();
      log.warn({ requestId: request.id, reason: denialReason(opened.error) }, "not forwarded");
      return refuseSocket(request, socket, opened.error);
    }
    connection.opened();
    tunnel = opened.value;
    // Ended between the last check and now: the index has called `end` before there was a tunnel to end.
    if (ended !== undefined) tunnel.end(ended.code, ended.words);
  }

  /** With its audit line, as every refusal that no stage has made. */
  function refused(asked: Asked, denial: Denial): Denial {
    audit.record(decisionLine(asked, {}, denial));
    return denial;
  }

  function refuseHttp(
    asked: AskedFor & Pick<ParsedRequest, "kind">,
    answer: ClientAnswer,
    denial: Denial,
    identity?: Identity,
  ): void {
    if (answer.headersSent || answer.destroyed) return void answer.destroy();
    answer.setTimeout(pageLimits.pageTimeout);
    const shape = asked.kind === "navigation" ? pageRefusal : jsonRefusal;
    const { status, headers, body } = shape(denial, refusalContext(asked, deps.wording, identity));
    // What is left of the request's body is not worth reading.
    const fields = { ...deps.securityHeaders, ...headers, connection: "close" };
    answer.writeHead(status, Object.entries(fields).flat());
    answer.end(body);
  }

  function refuseSocket(asked: Asked, socket: Socket, denial: Denial): void {
    refuseUpgrade(socket, jsonRefusal(denial, { requestId: asked.id, ...deps.wording }));
  }

  return {
    admit,

    takesSimple: forwardSimple({ rules: deps.rules, forwardHttp, forwardUpgrade, log }),

    async onRequest(incoming, response, refusal) {
      const parsed = parseRequest(incoming, { kind: "request" }, deps.rules);
      if (!parsed.ok) return refuseHttp(parsed.error, response, refused(parsed.error, parsed.error.denial));
      const request = parsed.value;
      if (refusal !== undefined) return refuseHttp(request, response, refused(request, refusal));
      const target = httpTarget(request);
      if (target !== undefined) {
        const body = { incoming, invite: () => response.writeContinue() };
        return forwardHttp(request, target, { answer: response, body });
      }
      const whyNot = whyNotPage(request, deps.notNow(), pageLimits.pageBodyBytes);
      if (whyNot !== undefined) return refuseHttp(request, response, refused(request, whyNot));
      response.setTimeout(pageLimits.pageTimeout);
      return deps.pages(request, incoming, response);
    },

    async onUpgrade(incoming, socket, bytesBehind, refusal) {
      const arrival: Arrival = { kind: "upgrade", bytesBehind };
      const parsed = parseRequest(incoming, arrival, deps.rules);
      if (!parsed.ok) return refuseSocket(parsed.error, socket, refused(parsed.error, parsed.error.denial));
      const request = parsed.value;
      if (refusal !== undefined) return refuseSocket(request, socket, refused(request, refusal));
      const target = upgradeTarget(request);
      if (target === undefined)
        return refuseSocket(request, socket, refused(request, { code: "path_unknown" }));
      return forwardUpgrade(request, target, socket);
    },
  };
}

function endReason(end: TunnelEnd): string {
  return end.by === "door" ? `${end.code} ${end.words}` : end.by;
}
