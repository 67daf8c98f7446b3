import type { IncomingMessage } from "node:http";
import { describe, expect, test } from "vitest";
import { parseEndpointId, parseGatewayId } from "../../../core/ids.ts";
import { keyObjectOf } from "../../../core/key-set.ts";
import { type AdmissionDeps, createAdmission } from "../../../gateway/admit/admission.ts";
import { createReplayMemory } from "../../../gateway/admit/replay-memory.ts";
import { ALICE, agentId, createTestDoor, sessionId } from "../../support/assertion-fixture.ts";
import { HANDSHAKE } from "../../support/gateway-fixture.ts";
import { createManualClock } from "../../support/manual-clock.ts";

const NOW = Date.UTC(2026, 10, 2, 9, 0, 0);
const door = createTestDoor(() => NOW);
const [gateway, endpoint] = [parseGatewayId("cloud"), parseEndpointId("cloud-1")];
if (gateway === undefined || endpoint === undefined) throw new Error("not ids");

function deps(changes: Partial<AdmissionDeps> = {}): AdmissionDeps {
  const key = keyObjectOf({ ...door.signing.jwk, kid: door.signing.kid, alg: "ES256", use: "sig" });
  return {
    gateway: gateway as never,
    endpoint: endpoint as never,
    issuer: "gatehouse",
    agents: new Set([agentId("coder"), agentId("assistant")]),
    concurrentConnections: 10,
    keyRing: { keys: () => new Map([[door.signing.kid, key]]) },
    replayMemory: createReplayMemory(100),
    endedAccess: { remember: () => {}, whyNot: () => undefined },
    audit: { record: () => {}, accepting: true, close: async () => {} },
    clock: createManualClock(NOW),
    startedAt: NOW,
    openConnections: () => 0,
    stopping: () => false,
    ...changes,
  };
}

function handshake(url: string, assertion = door.assertion()): IncomingMessage {
  const headers = { ...HANDSHAKE, "x-gateway-assertion": assertion };
  const headersDistinct = { "x-gateway-assertion": [assertion] };
  return { method: "GET", url, headers, headersDistinct } as unknown as IncomingMessage;
}

describe("admission", () => {
  test("gives the person and exactly the agents of this connection", () => {
    const { upgrade } = createAdmission(deps());
    const admitted = upgrade(handshake("/ws?ignored", door.assertion({ agents: ["coder", "analyst"] })));
    expect(admitted).toMatchObject({
      ok: true,
      value: {
        caller: {
          userId: ALICE,
          sid: sessionId("A"),
          email: "alice@example.com",
          name: "Alice Archer",
          agents: ["coder"],
          direct: null,
        },
      },
    });
  });

  test("names a connection that no front door forwards by its assertion", () => {
    const { upgrade } = createAdmission(deps());
    const jti = "jti-of-one-connection";
    const admitted = upgrade(handshake("/ws", door.assertion({ use: "direct", jti })));
    expect(admitted).toMatchObject({ ok: true, value: { caller: { direct: jti } } });
    // It admits once, like any other.
    expect(upgrade(handshake("/ws", door.assertion({ use: "direct", jti })))).toMatchObject({
      ok: false,
      error: { denial: { code: "assertion_invalid", fault: "replayed" } },
    });
  });

  test("takes neither kind of assertion for a socket from a plain request", () => {
    const { plain } = createAdmission(deps());
    for (const use of ["upgrade", "direct"])
      expect(plain(handshake("/agents/coder/whoami", door.assertion({ use })))).toMatchObject({
        ok: false,
        error: { denial: { code: "assertion_invalid", fault: "wrong_use" } },
      });
  });

  test.each<[string, Partial<AdmissionDeps>, object]>([
    ["stopping", { stopping: () => true }, { code: "stopping" }],
    [
      "unable to write its audit log",
      { audit: { record: () => {}, accepting: false, close: async () => {} } },
      { code: "audit_unavailable" },
    ],
    [
      "without keys",
      { keyRing: { keys: () => undefined } },
      { code: "keys_unavailable", what: "no key set was accepted yet" },
    ],
    ["full", { openConnections: () => 10 }, { code: "gateway_full", what: "concurrentConnections" }],
    [
      "told that its session is over",
      {
        endedAccess: {
          remember: () => {},
          whyNot: ({ sid }) =>
            sid === sessionId("A") ? { code: "assertion_invalid", fault: "session_ended" } : undefined,
        },
      },
      { code: "assertion_invalid", fault: "session_ended" },
    ],
    [
      "out of memory for used assertions",
      { replayMemory: createReplayMemory(0) },
      { code: "assertion_invalid", fault: "replay_memory_full" },
    ],
  ])("refuses a valid assertion while the gateway is %s", (_, changes, denial) => {
    const { upgrade } = createAdmission(deps(changes));
    expect(upgrade(handshake("/ws"))).toMatchObject({ ok: false, error: { denial } });
  });
});
