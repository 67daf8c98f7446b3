// Whether this door should get traffic, and what is wrong if not. It is ready once it has reached a provider; one
// that goes away later, or never came, stops new logins there, not the people who are signed in.
import type { Audit } from "../core/audit.ts";
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { Readiness } from "./private-server.ts";
import type { ProviderSide } from "./provider-side.ts";
import type { StoreWatch } from "./store-watch.ts";

const RETRY_MS = 3_000;

export function createReadiness(deps: {
  providers: readonly Pick<ProviderSide, "id" | "metadata" | "providerClock">[];
  store: StoreWatch["state"];
  audit: Audit;
  clock: Clock;
  log: Log;
  /** Of the public listener; undefined without TLS. */
  certificate: () => string | undefined;
  stopping: () => boolean;
}): { state: () => Readiness; close: () => void } {
  const { providers, clock, log } = deps;
  let reached = false;
  const waiting = new Map<string, () => void>();

  async function reach(provider: (typeof providers)[number], warned: boolean) {
    const { id, metadata } = provider;
    const found = await metadata.get();
    if (found.ok) {
      reached = true;
      waiting.delete(id);
      log.info({ provider: id }, "the identity provider answers");
      return;
    }
    const what = found.error.code === "provider_unavailable" ? found.error.what : found.error.code;
    if (!warned) log.warn({ provider: id, what }, "the identity provider does not answer; trying on");
    waiting.set(
      id,
      clock.after(RETRY_MS, () => void reach(provider, true)),
    );
  }
  for (const provider of providers) void reach(provider, false);

  return {
    state() {
      const certificate = deps.certificate();
      const store = deps.store();
      const checks = {
        ...Object.fromEntries(
          providers.flatMap(({ id, metadata, providerClock }) => [
            [`provider.${id}`, metadata.state()],
            [`clock.${id}`, providerClock.state()],
          ]),
        ),
        store,
        audit: deps.audit.accepting ? "ok" : "cannot be written",
        ...(certificate === undefined ? {} : { certificate }),
        process: deps.stopping() ? "stopping" : "ok",
      };
      const ready = reached && store === "ok" && deps.audit.accepting && !deps.stopping();
      return { ready, checks };
    },
    close() {
      for (const cancel of waiting.values()) cancel();
    },
  };
}
