// Ending access by command: one session, a person's sessions, or what a group or a gateway has open. Each is an
// event like any other, so that it reaches exactly what it concerns.
import { z } from "zod";
import type { RoutingTable } from "../../config/routes.ts";
import { isUserId, parseEndpointId, parseGatewayId, parseSessionId } from "../../core/ids.ts";
import type { Store } from "../../core/store.ts";
import type { SessionEndings } from "../identify/session-endings.ts";
import { type AccessEvent, formatAccessEvent } from "../live/access-event.ts";
import type { LiveConnection, LiveConnections } from "../live/live-connections.ts";
import { type AdminAction, cannot } from "./admin-action.ts";
import type { AdminClosedAnswer, AdminEndedAnswer, UsersEndedAnswer } from "./answers.ts";
import { type NamedPeopleDeps, sessionsNamed, spelled } from "./named-people.ts";

export type EndAccessDeps = NamedPeopleDeps & {
  readonly endings: SessionEndings;
  readonly live: Pick<LiveConnections, "list">;
  readonly store: Pick<Store, "commit">;
  readonly table: () => RoutingTable;
};

export function endSession({ endings }: EndAccessDeps): AdminAction {
  return async ({ body }) => {
    const sid = parseSessionId(fieldOf(body, "sid") ?? "");
    if (sid === undefined) return cannot(400, "a session id is s_ and 22 characters", "sessions end");
    const { sids, eventNumber } = await endings.endOne(sid, "ended_by_admin");
    if (sids.length === 0) return cannot(404, `there is no session ${sid}`, "sessions end");
    const answer: AdminEndedAnswer = { ended: sids, event: eventNumber };
    return { status: 200, body: answer, lines: [{ reason: "sessions end", sid, event: eventNumber }] };
  };
}

/**
 * Everybody whom the name may mean, with all that they have: like a rule that denies, this must not miss anybody. An
 * e-mail that people of several providers assert is all of them, until one provider is named.
 */
export function endUser(deps: NamedPeopleDeps & Pick<EndAccessDeps, "endings">): AdminAction {
  return async ({ body }) => {
    const who = spelled(fieldOf(body, "who") ?? "");
    if (!isUserId(who) && !who.includes("@"))
      return cannot(400, "name a person by user id (u_…) or e-mail", "users end");
    const provider = providerIn(body);
    if (provider === undefined) return cannot(400, "name a provider by its id", "users end");
    const found = await sessionsNamed({ who, provider }, deps);
    if (!found.ok) return cannot(404, found.error, "users end");
    // What is stored of a session may be unreadable, and its person is to be found all the same.
    const users = isUserId(who) && provider === null ? [who] : found.value.map(({ userId }) => userId);
    const { people, eventNumber } = await deps.endings.endPeople([...new Set(users)], "ended_by_admin");
    if (people.length === 0) {
      const where = provider === null ? "" : ` at the provider ${provider}`;
      return cannot(404, `${who} has no session${where}`, "users end");
    }
    const answer: UsersEndedAnswer = {
      people: people.map(({ userId, sids }) => {
        const newest = found.value.find((session) => session.userId === userId);
        return { userId, email: newest?.email ?? null, provider: newest?.provider ?? null, ended: sids };
      }),
      event: eventNumber,
    };
    const lines = answer.people.map(({ ended, ...person }) => ({
      reason: `users end: ${ended.length} sessions`,
      event: eventNumber,
      ...person,
    }));
    return { status: 200, body: answer, lines };
  };
}

export function endGroup(deps: EndAccessDeps): AdminAction {
  return async ({ body }) => {
    const group = fieldOf(body, "group");
    if (group === undefined) return cannot(400, "name a group", "groups end");
    const event = { kind: "group_ended", group } as const;
    const answer = await close(deps, event, ({ identity }) => identity.groups.includes(group));
    return {
      status: 200,
      body: answer,
      lines: [{ reason: `groups end: ${JSON.stringify(group)}`, event: answer.event }],
    };
  };
}

export function endGateway(deps: EndAccessDeps): AdminAction {
  return async ({ body }) => {
    const [name = "", place] = (fieldOf(body, "gateway") ?? "").split("/", 2);
    const known = deps.table().gateways;
    const id = parseGatewayId(name);
    const gateway = id === undefined ? undefined : known.get(id);
    if (gateway === undefined) {
      return cannot(
        404,
        `there is no such gateway; there are ${[...known.keys()].join(", ")}`,
        "gateways end",
      );
    }
    const ids = gateway.endpoints.map(({ id }) => id);
    const endpoint = place === undefined ? null : ids.find((id) => id === parseEndpointId(place));
    if (endpoint === undefined) {
      return cannot(404, `${gateway.id} has no such endpoint; it has ${ids.join(", ")}`, "gateways end");
    }
    const event = { kind: "gateway_ended", gateway: gateway.id, endpoint } as const;
    const answer = await close(
      deps,
      event,
      ({ decided }) =>
        decided?.gateway === gateway.id && (endpoint === null || decided.endpoint === endpoint),
    );
    return {
      status: 200,
      body: answer,
      lines: [{ reason: "gateways end", gateway: gateway.id, endpoint, event: answer.event }],
    };
  };
}

async function close(
  { live, store }: EndAccessDeps,
  event: AccessEvent,
  concerns: (connection: LiveConnection) => boolean,
): Promise<AdminClosedAnswer> {
  const connections = live.list().filter(concerns).length;
  return { connections, event: await commitEvent(store, event) };
}

/** @returns the event's number */
export async function commitEvent(store: Pick<Store, "commit">, event: AccessEvent): Promise<number> {
  const committed = await store.commit([{ kind: "event", payload: formatAccessEvent(event) }]);
  if (!committed.ok) throw new Error("an event alone cannot conflict");
  return committed.value.eventNumber;
}

function fieldOf(body: unknown, name: string): string | undefined {
  const read = z.object({ [name]: z.string().min(1).max(256) }).safeParse(body);
  return read.success ? read.data[name] : undefined;
}

/** @returns null when none is named; undefined for what is no name, which must not pass for none: that means all of them */
function providerIn(body: unknown): string | null | undefined {
  const read = z.object({ provider: z.string().max(256).optional() }).safeParse(body);
  return read.success ? (read.data.provider ?? null) : undefined;
}
