// The one body that the door reads from anybody at all must not be waited for without end (S121).
import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import express from "express";
import { expect, it, onTestFinished } from "vitest";
import type { AuditEvent } from "../../../core/audit.ts";
import { newRequestId } from "../../../core/ids.ts";
import { BODY_WITHIN_MS, createBackchannelLogout } from "../../../proxy/pages/backchannel-logout.ts";
import { createPageContext } from "../../../proxy/pages/page-context.ts";
import type { ParsedRequest } from "../../../proxy/request/parsed-request.ts";
import { createManualClock } from "../../support/manual-clock.ts";
import { NOW } from "../../support/provider-fixture.ts";
import { head, rawConnect } from "../../support/raw-client.ts";
import { WORDING } from "../../support/wording-fixture.ts";

it("cuts a client that does not send its logout token in time", async () => {
  const clock = createManualClock(NOW);
  const context = createPageContext(WORDING);
  const recorded: AuditEvent[] = [];
  const audit = { record: (event: AuditEvent) => void recorded.push(event), accepting: true, close() {} };
  const never = () => Promise.reject(new Error("nothing that is whole arrives"));
  const route = createBackchannelLogout({
    providers: new Map(),
    logouts: { seen: never, remember: never, mark: never, guarding: never },
    index: { ofProviderSession: never },
    identityOf: never,
    endings: { endOf: never, endAll: never },
    audit: audit as never,
    context,
    clock,
    bodyBytes: 1_024,
  });
  const app = express().post("/", ...route);
  const server = http.createServer((incoming, response) => {
    const request = { id: newRequestId(), peer: "192.0.2.7", method: "POST", path: "/" };
    context.attach(incoming, request as ParsedRequest);
    app(incoming, response);
  });
  onTestFinished(() => void server.close());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const lines = ["POST / HTTP/1.1", "Host: door", "Content-Type: application/x-www-form-urlencoded"];
  const client = await rawConnect(port, `${head(...lines, "Content-Length: 20")}logout_`);
  await once(server, "request");
  const closed = once(client.resume(), "close");
  clock.advance(BODY_WITHIN_MS - 1);
  expect(client.readyState).toBe("open");
  clock.advance(1);
  await closed;
  await expect
    .poll(() => recorded)
    .toMatchObject([{ outcome: "denied", reason: "logout token: unreadable body" }]);
  expect(clock.pending()).toBe(0);
});
