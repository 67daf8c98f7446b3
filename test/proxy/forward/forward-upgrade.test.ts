import { describe, expect, it } from "vitest";
import type { Denial } from "../../../core/denial.ts";
import { err, ok } from "../../../core/result.ts";
import { createAsserter } from "../../../proxy/assert/assert.ts";
import { createUpgradeForwarder } from "../../../proxy/forward/forward-upgrade.ts";
import type { TunnelEnd } from "../../../proxy/forward/tunnel.ts";
import { generateEcKeyPair } from "../../../token-exchange/ec-key-pair.ts";
import type { Keyring } from "../../../token-exchange/keyring.ts";
import { createManualClock } from "../../support/manual-clock.ts";
import { NOW } from "../../support/provider-fixture.ts";
import { PUBLIC_URL, parsedRequest, REQUEST_ID } from "../request-fixture.ts";
import { grantOf, healthOf, upstreamOf } from "../upstream-fixture.ts";
import { text } from "./frames-fixture.ts";
import { ACCEPT, answerOf, KEY, startRawGateway, switching } from "./raw-gateway.ts";
import { collect, socketPair } from "./socket-pair.ts";

const PAIR = generateEcKeyPair();
const KEYRING = {
  issuer: "gatehouse",
  signingKey: () => ({ kid: PAIR.jwk.kid, key: PAIR.privateKey }),
} as unknown as Keyring;
const REQUEST = parsedRequest({
  kind: "upgrade",
  path: "/agents/coder/ws",
  query: "?a=1",
  headers: new Map([
    ["sec-websocket-key", KEY],
    ["sec-websocket-version", "13"],
    ["sec-websocket-protocol", "chat"],
  ]),
});

type Situation = {
  readonly answer: string;
  readonly stillAllowed?: () => Denial | undefined;
  readonly nobodyListens?: boolean;
  /** Called when the gateway has the request and has not answered. */
  readonly meanwhile?: (client: Awaited<ReturnType<typeof socketPair>>) => Promise<void> | void;
};

/** Alice's upgrade on its way to a gateway that answers so. */
async function forward({
  answer,
  stillAllowed = () => undefined,
  meanwhile = () => {},
  nobodyListens,
}: Situation) {
  const client = await socketPair();
  const gateway = await startRawGateway(async (socket) => {
    await meanwhile(client);
    socket.write(Buffer.from(answer, "latin1"));
  });
  const clock = createManualClock(NOW);
  const [grant, health, ends]: [ReturnType<typeof grantOf>, ReturnType<typeof healthOf>, TunnelEnd[]] = [
    grantOf(),
    healthOf("up"),
    [],
  ];
  const upstream = await upstreamOf(nobodyListens === true ? "http://127.0.0.1:1" : gateway.url);
  const signed = createAsserter({ keyring: KEYRING, clock, publicUrl: PUBLIC_URL, groupsClaim: "groups" })(
    REQUEST,
    grant,
    upstream,
    "upgrade",
  );
  if (!signed.ok) throw new Error(signed.error.code);
  const limits = { connectTimeoutMs: 5_000, answerTimeoutMs: 30_000, idleTimeoutMs: 0 };
  const forwarder = createUpgradeForwarder({ clock, health, limits });
  const atClient = collect(client.dialled);
  const opened = await forwarder(
    REQUEST,
    signed.value,
    upstream,
    client.accepted,
    stillAllowed,
    (end) => void ends.push(end),
  );
  return { opened, client, gateway, health, atClient, ends };
}

describe("forwarding an upgrade", () => {
  it("answers 101 in its own words, with what the gateway chose, and then passes bytes", async () => {
    const answer = switching("Sec-WebSocket-Protocol: chat", "Set-Cookie: gatehouse=evil", "X-Extra: 1");
    const { opened, gateway, health, atClient } = await forward({
      answer: `${answer}${text("hello").toString("latin1")}`,
    });
    expect(opened).toEqual(ok({ end: expect.any(Function) }));
    const head = answerOf(
      "101 Switching Protocols",
      "Upgrade: websocket",
      "Connection: Upgrade",
      `Sec-WebSocket-Accept: ${ACCEPT}`,
      `X-Request-Id: ${REQUEST_ID}`,
      "Sec-WebSocket-Protocol: chat",
    );
    const expected = Buffer.concat([Buffer.from(head), text("hello")]);
    expect((await atClient.atLeast(expected.length)).toString("latin1")).toBe(expected.toString("latin1"));
    expect((await gateway.head).split("\r\n")[0]).toBe("GET /agents/coder/ws?a=1 HTTP/1.1");
    expect(health.reported).toEqual(["cloud-1 up"]);
  });

  it("asks once more whether it may, and tells the client nothing before that", async () => {
    const denial: Denial = { code: "session_ended", how: "ended" };
    const { opened, gateway, atClient, ends } = await forward({
      answer: switching(),
      stillAllowed: () => denial,
    });
    expect(opened).toEqual(err(denial));
    await gateway.closed;
    expect(atClient.bytes().length).toBe(0);
    expect(ends).toEqual([]);
  });

  it("gives up when the client has gone meanwhile", async () => {
    const meanwhile: Situation["meanwhile"] = async ({ dialled, accepted }) => {
      const gone = new Promise<void>((resolve) => accepted.once("close", () => resolve()));
      accepted.resume();
      dialled.resetAndDestroy();
      await gone;
    };
    const { opened, gateway } = await forward({ answer: switching(), meanwhile });
    expect(opened).toEqual(err({ code: "client_gone" }));
    await gateway.closed;
  });

  it("refuses without a word to the client when the gateway's answer is none, and says nothing of its health", async () => {
    const { opened, atClient, health, client } = await forward({
      answer: answerOf("401 Unauthorized", "Content-Length: 0"),
    });
    expect(opened).toEqual(
      err({ code: "gateway_answer_invalid", gateway: "cloud", what: "status 401 to an upgrade" }),
    );
    expect(atClient.bytes().length).toBe(0);
    expect(client.accepted.destroyed).toBe(false);
    expect(health.reported).toEqual([]);
  });

  it("does not take a gateway that says it is full for one that is down", async () => {
    const { opened, health } = await forward({
      answer: answerOf("503 Service Unavailable", "Content-Length: 0"),
    });
    expect(opened).toEqual(err({ code: "gateway_unavailable", gateway: "cloud" }));
    expect(health.reported).toEqual([]);
  });

  it("takes a gateway that nobody reaches for one that is down", async () => {
    const { opened, health } = await forward({ answer: "", nobodyListens: true });
    expect(opened).toEqual(err({ code: "gateway_unavailable", gateway: "cloud" }));
    expect(health.reported).toEqual(["cloud-1 down"]);
  });
});
