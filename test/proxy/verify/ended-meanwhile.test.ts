// A handover whose access ends in the last moment, between the stages' answer and its place in the live index.
import { expect, test } from "vitest";
import type { Admit } from "../../../proxy/app.ts";
import type { ClientAnswer } from "../../../proxy/client-answer.ts";
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
  const asked = {
    method: "GET",
    rawHeaders: Object.entries(headers).flat(),
    socket: { remoteAddress: "127.0.0.1" },
  };
  const answer = {
    writeHead: (status: number) => calls.push(String(status)),
    end() {},
  } as unknown as ClientAnswer;
  await createVerify(deps)(asked, answer);
  expect(calls).toEqual(["remove", "403"]);
});
