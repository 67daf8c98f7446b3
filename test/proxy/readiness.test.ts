import { expect, it } from "vitest";
import { createLog } from "../../core/log.ts";
import { err, ok } from "../../core/result.ts";
import { createReadiness } from "../../proxy/readiness.ts";
import type { DocumentState } from "../../token-exchange/cached-document.ts";
import type { ProviderMetadata, ProviderMetadataSource } from "../../token-exchange/provider-metadata.ts";
import { createManualClock } from "../support/manual-clock.ts";
import { NOW } from "../support/provider-fixture.ts";
import { recordedAudit } from "./recorded-audit.ts";

function providerThat(id: string, first: DocumentState) {
  let state = first;
  let asked = 0;
  const metadata = {
    async get() {
      asked += 1;
      if (state === "up") return ok({} as ProviderMetadata);
      return err({ code: "provider_unavailable", provider: id, what: "hung up" } as const);
    },
    state: () => state,
  } as unknown as ProviderMetadataSource;
  return {
    id,
    metadata,
    providerClock: { state: () => "ok", measured: () => undefined as never, tooFarApart: () => undefined },
    become: (next: DocumentState) => {
      state = next;
    },
    asked: () => asked,
  };
}

function start(...providers: ReturnType<typeof providerThat>[]) {
  const clock = createManualClock(NOW);
  const readiness = createReadiness({
    providers,
    audit: recordedAudit(),
    clock,
    log: createLog("test", "silent"),
    certificate: () => undefined,
    store: () => "ok",
    stopping: () => false,
  });
  const settled = () => new Promise<void>((resolve) => setImmediate(resolve));
  return { clock, readiness, settled };
}

it("a door is ready when one of its providers has answered, and goes on asking for the others", async () => {
  const [company, partner] = [providerThat("company", "down"), providerThat("partner", "down")];
  const { clock, readiness, settled } = start(company, partner);
  await settled();
  expect(readiness.state().ready).toBe(false);
  partner.become("up");
  clock.advance(3_000);
  await settled();
  expect(readiness.state()).toEqual({
    ready: true,
    checks: {
      "provider.company": "down",
      "clock.company": "ok",
      "provider.partner": "up",
      "clock.partner": "ok",
      store: "ok",
      audit: "ok",
      process: "ok",
    },
  });
  clock.advance(3_000);
  await settled();
  expect([company.asked(), partner.asked()]).toEqual([3, 2]);
  readiness.close();
  clock.advance(60_000);
  await settled();
  expect(company.asked()).toBe(3);
});
