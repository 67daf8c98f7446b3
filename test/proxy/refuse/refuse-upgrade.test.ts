import { describe, expect, it } from "vitest";
import { DENIAL_SAMPLES } from "../../../dev/denial-samples.ts";
import { jsonRefusal } from "../../../proxy/refuse/refusal.ts";
import { refuseUpgrade } from "../../../proxy/refuse/refuse-upgrade.ts";
import { WORDING } from "../../support/wording-fixture.ts";
import { collect, socketPair } from "../forward/socket-pair.ts";
import { REQUEST_ID } from "../request-fixture.ts";

const REFUSAL = jsonRefusal(DENIAL_SAMPLES.session_missing, {
  ...WORDING,
  requestId: REQUEST_ID,
  contact: "Zoë",
});

describe("refusing an upgrade", () => {
  it("answers in HTTP with the length in bytes, and ends the connection", async () => {
    const { dialled, accepted } = await socketPair();
    const arrived = collect(dialled);
    refuseUpgrade(accepted, REFUSAL);
    expect(await arrived.over).toBe("end");
    expect(arrived.bytes().toString()).toBe(
      [
        "HTTP/1.1 401 Unauthorized",
        "cache-control: no-store",
        `x-request-id: ${REQUEST_ID}`,
        "www-authenticate: Bearer",
        "content-type: application/json; charset=utf-8",
        `content-length: ${Buffer.byteLength(REFUSAL.body)}`,
        "connection: close",
        "",
        REFUSAL.body,
      ].join("\r\n"),
    );
  });

  it("survives a client that is gone already", async () => {
    const { dialled, accepted } = await socketPair();
    const closed = new Promise<void>((resolve) => accepted.once("close", () => resolve()));
    accepted.on("error", () => {});
    dialled.resetAndDestroy();
    refuseUpgrade(accepted, REFUSAL);
    await closed;
    expect(accepted.destroyed).toBe(true);
  });
});
