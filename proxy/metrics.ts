// What Prometheus reads on the private listener. Counters are counted from audit lines, so that the two can never
// disagree. Labels are words of our own: no path, name or address, of which there is no end.
import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";
import type { Audit, AuditEvent } from "../core/audit.ts";
import type { DocumentState } from "../token-exchange/cached-document.ts";
import type { BothWays, Traffic } from "./forward/traffic-tally.ts";

export type Metrics = {
  /** The same audit log, counted. */
  counting(audit: Audit): Audit;
  policyFault(): void;
  /** @param expiresAt of the public listener's certificate, milliseconds since 1970 */
  watchCertificate(expiresAt: () => number): void;
  readonly contentType: string;
  expose(): Promise<string>;
};

/** Where the values come from that are not counted but looked at. */
export type MetricSources = {
  readonly policySnapshot: () => number;
  /** Gateway of each live connection. */
  readonly liveGateways: () => Iterable<string>;
  readonly webSocketTraffic: () => Traffic;
  /** Id of each provider, and how the newest request to it went. */
  readonly providers: () => Iterable<readonly [string, DocumentState]>;
};

export function createMetrics(sources: MetricSources): Metrics {
  const { policySnapshot, liveGateways, webSocketTraffic, providers } = sources;
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const decisions = new Counter({
    name: "gatehouse_decisions_total",
    help: "Requests decided on, by outcome and by the code of the refusal.",
    labelNames: ["outcome", "code"],
    registers,
  });
  const ended = new Counter({
    name: "gatehouse_connections_ended_total",
    help: "Forwarded connections that ended, by what ended them.",
    labelNames: ["reason"],
    registers,
  });
  const logins = new Counter({
    name: "gatehouse_logins_total",
    help: "Logins that came back from a provider, or could not start there.",
    labelNames: ["outcome", "provider"],
    registers,
  });
  const faults = new Counter({
    name: "gatehouse_policy_reload_failures_total",
    help: "Changed configuration files that had faults: what ran stayed.",
    registers,
  });

  new Gauge({
    name: "gatehouse_policy_snapshot",
    help: "Number of the policy snapshot in force.",
    registers,
    collect() {
      this.set(policySnapshot());
    },
  });
  new Gauge({
    name: "gatehouse_live_connections",
    help: "Connections that are being forwarded, by gateway.",
    labelNames: ["gateway"],
    registers,
    collect() {
      this.reset();
      for (const gateway of liveGateways()) this.inc({ gateway });
    },
  });

  new Gauge({
    name: "gatehouse_provider_up",
    help: "Whether the newest request to an identity provider went well; before the first one there is none.",
    labelNames: ["provider"],
    registers,
    collect() {
      this.reset();
      for (const [provider, state] of providers()) {
        if (state !== "unknown") this.set({ provider }, state === "up" ? 1 : 0);
      }
    },
  });

  function webSocketCounter(name: string, help: string, value: () => BothWays) {
    new Counter({
      name,
      help,
      labelNames: ["direction"],
      registers,
      collect() {
        const { toClient, toGateway } = value();
        this.reset();
        this.inc({ direction: "to_client" }, toClient);
        this.inc({ direction: "to_gateway" }, toGateway);
      },
    });
  }
  webSocketCounter(
    "gatehouse_websocket_messages_total",
    "Messages forwarded over WebSockets.",
    () => webSocketTraffic().messages,
  );
  webSocketCounter(
    "gatehouse_websocket_bytes_total",
    "Bytes forwarded over WebSockets, frame heads and control frames included.",
    () => webSocketTraffic().bytes,
  );

  // Finding a counter by its labels costs more than counting.
  const decisionsBy = remembering(decisions);
  const endedBy = remembering(ended);

  function count({ kind, outcome, code, reason, provider }: AuditEvent) {
    if (kind === "decision") decisionsBy(outcome, code ?? "").inc();
    else if (kind === "connection_closed") endedBy(ONE_WORD.test(reason) ? reason : "other").inc();
    else if (kind === "login") logins.inc({ outcome, provider: provider ?? "" });
  }

  return {
    counting: (audit) => ({
      record(event) {
        count(event);
        audit.record(event);
      },
      get accepting() {
        return audit.accepting;
      },
      close: () => audit.close(),
    }),
    policyFault: () => faults.inc(),
    watchCertificate(expiresAt) {
      new Gauge({
        name: "gatehouse_tls_certificate_expiration_timestamp_seconds",
        help: "When the public listener's certificate expires, in seconds since 1970.",
        registers,
        collect() {
          this.set(expiresAt() / 1000);
        },
      });
    },
    contentType: registry.contentType,
    expose: () => registry.metrics(),
  };
}

/** @returns the counter of these labels, which are words of closed lists */
function remembering(counter: Counter): (...labels: string[]) => { inc(): void } {
  const found = new Map<string, { inc(): void }>();
  return (...labels) => {
    const key = labels.join();
    const known = found.get(key) ?? counter.labels(...labels);
    found.set(key, known);
    return known;
  };
}

/** Reasons are words of a closed list, or else sentences with a number in them. */
const ONE_WORD = /^[a-z]+(?:[_-][a-z]+)*$/;
