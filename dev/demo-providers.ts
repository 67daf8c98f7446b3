// The OpenID providers of the demonstration: one company's, or those of two companies beside each other.
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { DemoPorts, ProviderCount } from "./demo-ports.ts";
import type { DemoSecrets } from "./demo-secrets.ts";
import { PARTNER_PEOPLE, PEOPLE } from "./people.ts";
import { type DevProvider, type DevProviderOptions, startDevProvider } from "./provider/start.ts";

export type DemoProvidersOptions = {
  readonly providers: ProviderCount;
  readonly ports: Pick<DemoPorts, "providerPort" | "provider2Port">;
  readonly publicUrl: string;
  readonly secrets: Pick<DemoSecrets, "clientSecret" | "partnerClientSecret">;
  readonly clock: Clock;
  readonly log: Log;
};

export type DemoProviders = {
  readonly issuer: string;
  /** Null where there is one provider alone. */
  readonly partnerIssuer: string | null;
  close(): Promise<void>;
};

export async function startDemoProviders(options: DemoProvidersOptions): Promise<DemoProviders> {
  const { providers, ports, secrets } = options;
  const { providerPort: port, provider2Port } = ports;
  if (providers === 1) {
    const only = await start({ port, people: PEOPLE }, "/auth/callback", secrets.clientSecret, options);
    return { issuer: only.issuer, partnerIssuer: null, close: only.close };
  }
  const own = { port, people: PEOPLE, company: "Example Ltd" };
  const company = await start(own, "/auth/callback/demo", secrets.clientSecret, options);
  try {
    const theirs = { port: provider2Port, people: PARTNER_PEOPLE, company: "Partner Ltd" };
    const partner = await start(theirs, "/auth/callback/partner", secrets.partnerClientSecret, options);
    return {
      issuer: company.issuer,
      partnerIssuer: partner.issuer,
      close: async () => void (await Promise.all([company.close(), partner.close()])),
    };
  } catch (error) {
    await company.close();
    throw error;
  }
}

function start(
  provider: Pick<DevProviderOptions, "port" | "people" | "company">,
  callback: string,
  clientSecret: string,
  { publicUrl, clock, log }: DemoProvidersOptions,
): Promise<DevProvider> {
  return startDevProvider({
    ...provider,
    audience: "urn:gatehouse",
    clients: [
      {
        clientId: "gatehouse",
        clientSecret,
        name: "Gatehouse",
        redirectUris: [`${publicUrl}${callback}`],
        postLogoutRedirectUris: [`${publicUrl}/signed-out`],
        backchannelLogoutUri: `${publicUrl}/auth/backchannel-logout`,
      },
    ],
    clock,
    log,
  });
}
