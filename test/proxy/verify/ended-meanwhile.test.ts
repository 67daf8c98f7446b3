// A handover whose access ends in the last moment, between the stages' answer and its place in the live index.
import type { IncomingMessage, ServerResponse } from "node:http";
import { expect, test } from "vitest";
import type { Admit } from "../../../proxy/app.ts";
import { createVerify, type VerifyDeps } from "../../../proxy/verify/verify.ts";

test("an upgrade that is refused because its access has just ended leaves its place among the limits", async () => {
  const calls: string[] = [];
  const deps = {
    rules: {
      publicUrl: "http://localhost",
      cookieName: "gatehouse",
      headerCount: 100,
      trustedProxies: undefined,
    },
    admit: (async (...asked: Parameters<Admit>) => {
      Object.assign(asked[5], { identity: {}, grant: { agent: "coder" } });
      const gateway = { id: "cloud" };
      const endpoint = { id: "cloud-1", url: "http://127.0.0.1:1" };
      return { ok: true, value: { upstream: { gateway, endpoint }, signed: { jti: "j", headers: [] } } };
    }) as unknown as Admit,
    direct: {
      begin: () => ({
        connection: { remove: () => calls.push("remove") },
        end() {},
        complete: () => ({ code: "access_changed", reason: "signed_out" }),
      }),
    },
    channels: { stateOf: () => "connected" },
    audit: { record: () => {} },
    contact: "IT",
  } as unknown as VerifyDeps;
  const headers = {
    "X-Forwarded-Method": "GET",
    "X-Forwarded-Uri": "/agents/coder/ws",
    "X-Forwarded-Host": "localhost",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
  };
  const names = Object.entries(headers);
  const asked = {
    headers: Object.fromEntries(names.map(([name, value]) => [name.toLowerCase(), value])),
    headersDistinct: Object.fromEntries(names.map(([name, value]) => [name.toLowerCase(), [value]])),
    rawHeaders: names.flat(),
    socket: { remoteAddress: "127.0.0.1" },
  } as unknown as IncomingMessage;
  const response = {
    setHeader() {},
    writeHead(status: number) {
      calls.push(String(status));
      return this;
    },
    end() {},
  } as unknown as ServerResponse;
  await createVerify(deps)(asked, response);
  expect(calls).toEqual(["remove", "403"]);
});
