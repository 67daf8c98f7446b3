import { expect, test } from "vitest";
import { type Audit, type AuditEvent, auditEvent } from "../../core/audit.ts";
import type { Traffic } from "../../proxy/forward/traffic-tally.ts";
import { createMetrics } from "../../proxy/metrics.ts";

const NOTHING: Traffic = {
  messages: { toClient: 0, toGateway: 0 },
  bytes: { toClient: 0, toGateway: 0 },
};

function start(liveGateways: readonly string[] = []) {
  let traffic = NOTHING;
  const metrics = createMetrics({
    policySnapshot: () => 7,
    liveGateways: () => liveGateways,
    webSocketTraffic: () => traffic,
    providers: () => [
      ["okta", "up"],
      ["partner", "down"],
      ["new", "unknown"],
    ],
  });
  const written: AuditEvent[] = [];
  const audit: Audit = {
    record: (event) => void written.push(event),
    accepting: false,
    close: async () => void written.splice(0),
  };
  const forwarded = (now: Traffic) => {
    traffic = now;
  };
  return { metrics, written, audit: metrics.counting(audit), forwarded };
}

async function ours(metrics: ReturnType<typeof createMetrics>): Promise<string[]> {
  const lines = (await metrics.expose()).split("\n");
  return lines.filter((line) => line.startsWith("gatehouse_"));
}

test("what the audit log is told is counted, and told to it all the same", async () => {
  const { metrics, written, audit } = start();
  const lines = [
    auditEvent({ kind: "decision", outcome: "allowed", reason: "groups.engineering" }),
    auditEvent({ kind: "decision", outcome: "denied", code: "agent_not_allowed", reason: "coder" }),
    auditEvent({ kind: "decision", outcome: "denied", code: "agent_not_allowed", reason: "analyst" }),
    auditEvent({ kind: "login", outcome: "allowed", reason: "signed in", provider: "okta" }),
    auditEvent({ kind: "connection_closed", outcome: "allowed", reason: "signed_out" }),
    auditEvent({ kind: "connection_closed", outcome: "allowed", reason: "gateway-lost" }),
    auditEvent({ kind: "config", outcome: "allowed", reason: "policy snapshot 2" }),
  ];
  for (const line of lines) audit.record(line);
  expect(written).toEqual(lines);
  expect(await ours(metrics)).toEqual([
    'gatehouse_decisions_total{outcome="allowed",code=""} 1',
    'gatehouse_decisions_total{outcome="denied",code="agent_not_allowed"} 2',
    'gatehouse_connections_ended_total{reason="signed_out"} 1',
    'gatehouse_connections_ended_total{reason="gateway-lost"} 1',
    'gatehouse_logins_total{outcome="allowed",provider="okta"} 1',
    "gatehouse_policy_reload_failures_total 0",
    "gatehouse_policy_snapshot 7",
    'gatehouse_provider_up{provider="okta"} 1',
    'gatehouse_provider_up{provider="partner"} 0',
    'gatehouse_websocket_messages_total{direction="to_client"} 0',
    'gatehouse_websocket_messages_total{direction="to_gateway"} 0',
    'gatehouse_websocket_bytes_total{direction="to_client"} 0',
    'gatehouse_websocket_bytes_total{direction="to_gateway"} 0',
  ]);
});

test("a reason that is a sentence is no label", async () => {
  const { metrics, audit } = start();
  for (const reason of ["1001 idle for too long", 'x"} 1', "Alice"])
    audit.record(auditEvent({ kind: "connection_closed", outcome: "allowed", reason }));
  expect(await ours(metrics)).toContain('gatehouse_connections_ended_total{reason="other"} 3');
});

test("live connections are what is live when somebody asks", async () => {
  const live = ["cloud", "berlin", "cloud"];
  const { metrics } = start(live);
  const lines = (await ours(metrics)).filter((line) => line.startsWith("gatehouse_live"));
  expect(lines).toEqual([
    'gatehouse_live_connections{gateway="cloud"} 2',
    'gatehouse_live_connections{gateway="berlin"} 1',
  ]);
  live.splice(0);
  expect((await ours(metrics)).filter((line) => line.startsWith("gatehouse_live"))).toEqual([]);
});

test("what was forwarded over WebSockets is what it is when somebody asks, and not added up again", async () => {
  const { metrics, forwarded } = start();
  const counted = async () =>
    (await ours(metrics))
      .filter((line) => line.startsWith("gatehouse_websocket"))
      .map((line) => line.slice(20));
  forwarded({ messages: { toClient: 1, toGateway: 2 }, bytes: { toClient: 30, toGateway: 40 } });
  await counted();
  forwarded({ messages: { toClient: 5, toGateway: 6 }, bytes: { toClient: 70, toGateway: 80 } });
  expect(await counted()).toEqual([
    'messages_total{direction="to_client"} 5',
    'messages_total{direction="to_gateway"} 6',
    'bytes_total{direction="to_client"} 70',
    'bytes_total{direction="to_gateway"} 80',
  ]);
});

test("whether audit lines are accepted, and closing, stay the audit log's own", async () => {
  const { audit, written } = start();
  audit.record(auditEvent({ kind: "config", outcome: "allowed", reason: "one" }));
  expect(audit.accepting).toBe(false);
  await audit.close();
  expect(written).toEqual([]);
});

test("a fault of the files is counted, and the process is described", async () => {
  const { metrics } = start();
  metrics.policyFault();
  expect(await ours(metrics)).toContain("gatehouse_policy_reload_failures_total 1");
  expect(await metrics.expose()).toContain("process_resident_memory_bytes");
});

test("the certificate's end is told when there is one, and moves with it", async () => {
  const { metrics } = start();
  const name = "gatehouse_tls_certificate_expiration_timestamp_seconds";
  const told = async () => (await ours(metrics)).filter((line) => line.startsWith(name));
  expect(await told()).toEqual([]);
  let expiresAt = 1_800_000_000_500;
  metrics.watchCertificate(() => expiresAt);
  expect(await told()).toEqual([`${name} 1800000000.5`]);
  expiresAt += 1_000;
  expect(await told()).toEqual([`${name} 1800000001.5`]);
});
