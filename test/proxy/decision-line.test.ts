import { expect, test } from "vitest";
import { auditEvent } from "../../core/audit.ts";
import { decisionLine } from "../../proxy/decision-line.ts";
import { verifiedAlice } from "../support/identity-fixture.ts";
import { parsedRequest, REQUEST_ID } from "./request-fixture.ts";
import { grantOf, upstreamOf } from "./upstream-fixture.ts";

const ASKED = parsedRequest({ path: "/agents/coder/ws", query: "?code=secret" });
const REQUEST = {
  kind: "decision",
  requestId: REQUEST_ID,
  peer: "198.51.100.7",
  method: "GET",
  path: "/agents/coder/ws",
} as const;

test("an allowed request's line says who, what, where, and by which rules", async () => {
  const grant = grantOf({}, "coder");
  const upstream = await upstreamOf(undefined, {}, grant);
  expect(
    decisionLine(ASKED, { identity: grant.identity, agent: "coder", grant, upstream }, undefined),
  ).toEqual(
    auditEvent({
      ...REQUEST,
      outcome: "allowed",
      reason: 'groups["everybody"]; routes[0], home cloud-1',
      userId: grant.identity.userId,
      email: "alice@example.com",
      sid: grant.identity.sid,
      agent: "coder",
      gateway: "cloud",
      endpoint: "cloud-1",
    }),
  );
});

test("a denied request's line says as much as was known, and the exact reason", () => {
  const identity = verifiedAlice({ email: null });
  expect(decisionLine(ASKED, { identity, agent: "../x" }, { code: "agent_unknown", agent: "../x" })).toEqual(
    auditEvent({
      ...REQUEST,
      outcome: "denied",
      code: "agent_unknown",
      reason: "agent_unknown agent=../x",
      userId: identity.userId,
      sid: identity.sid,
      agent: "../x",
    }),
  );
  expect(decisionLine({ ...ASKED, path: null }, {}, { code: "path_unknown" })).toEqual(
    auditEvent({ ...REQUEST, path: null, outcome: "denied", code: "path_unknown", reason: "path_unknown" }),
  );
});
