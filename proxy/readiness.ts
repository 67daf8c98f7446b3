// Whether this door should get traffic, and what is wrong if not. It is ready once it has reached the provider;
// a provider that goes away later stops new logins, not the people who are signed in.
import type { Audit } from "../core/audit.ts";
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { ProviderClock } from "../token-exchange/provider-clock.ts";
import type { ProviderMetadataSource } from "../token-exchange/provider-metadata.ts";
import type { Readiness } from "./private-server.ts";
import type { StoreWatch } from "./store-watch.ts";

const RETRY_MS = 3_000;

export function createReadiness(deps: {
  metadata: ProviderMetadataSource;
  providerClock: Pick<ProviderClock, "state">;
  provider: string;
  store: StoreWatch["state"];
  audit: Audit;
  clock: Clock;
  log: Log;
  /** Of the public listener; undefined without TLS. */
  certificate: () => string | undefined;
  stopping: () => boolean;
}): { state: () => Readiness; close: () => void } {
  const { metadata, clock, log } = deps;
  let reached = false;
  let warned = false;
  let cancel = () => {};

  async function reach() {
    const found = await metadata.get();
    if (found.ok) {
      reached = true;
      log.info({ provider: deps.provider }, "the identity provider answers");
      return;
    }
    const what = found.error.code === "provider_unavailable" ? found.error.what : found.error.code;
    if (!warned)
      log.warn(
        { provider: deps.provider, what },
        "not ready: the identity provider does not answer; trying on",
      );
    warned = true;
    cancel = clock.after(RETRY_MS, () => void reach());
  }
  void reach();

  return {
    state() {
      const certificate = deps.certificate();
      const store = deps.store();
      const checks = {
        provider: metadata.state(),
        clock: deps.providerClock.state(),
        store,
        audit: deps.audit.accepting ? "ok" : "cannot be written",
        ...(certificate === undefined ? {} : { certificate }),
        process: deps.stopping() ? "stopping" : "ok",
      };
      const ready = reached && store === "ok" && deps.audit.accepting && !deps.stopping();
      return { ready, checks };
    },
    close: () => cancel(),
  };
}
