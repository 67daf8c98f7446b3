// A person signs in over HTTPS through nginx, at a real provider, talks, and signs out.
import { Agent, getGlobalDispatcher, setGlobalDispatcher } from "undici";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../core/clock.ts";
import { createLog } from "../../core/log.ts";
import { PEOPLE } from "../../dev/people.ts";
import { startDevProvider } from "../../dev/provider/start.ts";
import { startBehindNginx } from "../support/behind-nginx.ts";
import { openChat } from "../support/chat-socket.ts";
import { freePort } from "../support/free-port.ts";
import { hasNginx } from "../support/nginx.ts";
import { signIn } from "../support/sign-in.ts";

describe.skipIf(!hasNginx).each(["in-front", "data-plane"] as const)("nginx %s", (form) => {
  it("carries a login to the provider and back, a chat, and the sign-out that ends it", async () => {
    const tlsPort = await freePort();
    const publicUrl = `https://localhost:${tlsPort}`;
    const provider = await startDevProvider({
      port: 0,
      people: PEOPLE,
      audience: "urn:gatehouse",
      clients: [
        {
          clientId: "gatehouse",
          clientSecret: "a-client-secret",
          name: "Test",
          redirectUris: [`${publicUrl}/auth/callback`],
          postLogoutRedirectUris: [`${publicUrl}/signed-out`],
        },
      ],
      clock: systemClock,
      log: createLog("provider", "silent"),
    });
    const stack = await startBehindNginx({ form, tlsPort, issuer: provider.issuer });
    const before = getGlobalDispatcher();
    const trusting = new Agent({ connect: { ca: stack.ca.cert } });
    setGlobalDispatcher(trusting);
    try {
      const { browser, page } = await signIn(`${publicUrl}/`, "alice@example.com");
      expect([page.status, page.url.href]).toEqual([200, `${publicUrl}/`]);
      const [session] = browser.jar.all().filter(({ name }) => name === "__Host-gatehouse");
      expect(session?.attributes.has("secure")).toBe(true);

      const cookie = browser.jar.header(new URL(publicUrl));
      const url = `wss://localhost:${tlsPort}/agents/coder/ws`;
      const chat = await openChat(url, { cookie, origin: publicUrl }, { ca: stack.ca.cert });
      expect(await chat.ask("whoami")).toContain("alice@example.com");
      await browser.send(`${publicUrl}/auth/logout`, { method: "POST", from: new URL(publicUrl) });
      expect(await chat.closed).toEqual({ code: 1008, reason: "signed out in another tab or window" });
    } finally {
      setGlobalDispatcher(before);
      await trusting.destroy();
      await stack.close();
      await provider.close();
    }
  });
});
