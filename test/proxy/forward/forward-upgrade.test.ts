import type { Socket } from "node:net";
import { describe, expect, it } from "vitest";
import type { Denial } from "../../../core/denial.ts";
import { err } from "../../../core/result.ts";
import { createAsserter } from "../../../proxy/assert/assert.ts";
import { createUpgradeForwarder } from "../../../proxy/forward/forward-upgrade.ts";
import { createTrafficTally, type TrafficTally } from "../../../proxy/forward/traffic-tally.ts";
import type { TunnelEnd } from "../../../proxy/forward/tunnel.ts";
import { generateEcKeyPair } from "../../../token-exchange/ec-key-pair.ts";
import type { Keyring } from "../../../token-exchange/keyring.ts";
import { createManualClock } from "../../support/manual-clock.ts";
import { NOW } from "../../support/provider-fixture.ts";
import { PUBLIC_URL, parsedRequest, REQUEST_ID } from "../request-fixture.ts";
import { grantOf, healthOf, upstreamOf } from "../upstream-fixture.ts";
import { frame, text } from "./frames-fixture.ts";
import { ACCEPT, answerOf, KEY, startRawGateway, switching } from "./raw-gateway.ts";
import { collect, type SocketPair, socketPair } from "./socket-pair.ts";

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
  readonly meanwhile?: (client: SocketPair) => Promise<void> | void;
  readonly before?: (client: SocketPair) => Promise<void>;
};

/** Alice's upgrade on its way to a gateway that answers so. */
async function forward({
  answer,
  stillAllowed = () => undefined,
  meanwhile = () => {},
  before = async () => {},
  nobodyListens,
}: Situation) {
  const client = await socketPair();
  client.accepted.on("error", () => {});
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
  const tally = createTrafficTally();
  const counted = new Set<unknown>();
  const traffic: TrafficTally = {
    ...tally,
    open(tunnel) {
      counted.add(tunnel);
      tally.open(tunnel);
    },
    close(tunnel) {
      counted.delete(tunnel);
      tally.close(tunnel);
    },
  };
  const limits = { connectTimeoutMs: 5_000, answerTimeoutMs: 30_000, idleTimeoutMs: 0 };
  const forwarder = createUpgradeForwarder({ clock, health, traffic, limits });
  const atClient = collect(client.dialled);
  await before(client);
  const opened = await forwarder(
    REQUEST,
    signed.value,
    upstream,
    client.accepted,
    stillAllowed,
    (end) => void ends.push(end),
  );
  return { opened, client, gateway, health, atClient, ends, clock, traffic, counted };
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once("close", () => resolve()));
}

describe("forwarding an upgrade", () => {
  it("answers 101 in its own words, with what the gateway chose, and then passes bytes", async () => {
    const answer = switching("Sec-WebSocket-Protocol: chat", "Set-Cookie: gatehouse=evil", "X-Extra: 1");
    const { opened, gateway, health, atClient } = await forward({
      answer: `${answer}${text("hello").toString("latin1")}`,
    });
    if (!opened.ok) throw new Error(opened.error.code);
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

  it.each(["end", "destroy", "resetAndDestroy"] as const)(
    "stops asking as soon as the client goes away by %s",
    async (how) => {
      const { opened, gateway, health, clock } = await forward({
        answer: "",
        meanwhile({ dialled }) {
          dialled[how]();
          return new Promise(() => {});
        },
      });
      expect(opened).toEqual(err({ code: "client_gone" }));
      await gateway.closed;
      expect([health.reported, clock.pending()]).toEqual([[], 0]);
    },
  );

  it("does not ask for a client that has gone already", async () => {
    const { opened, gateway } = await forward({
      answer: "",
      async before({ dialled, accepted }) {
        dialled.resetAndDestroy();
        await closed(accepted);
      },
    });
    expect(opened).toEqual(err({ code: "client_gone" }));
    expect(gateway.connections()).toBe(0);
  });

  it("hears the gateway out when the client has finished behind the 101", async () => {
    const { opened, client, atClient, gateway } = await forward({ answer: switching() });
    if (!opened.ok) throw new Error(opened.error.code);
    const { length } = await atClient.atLeast(1);
    client.accepted.once("end", () => gateway.socket().end(text("last words")));
    client.dialled.end();
    await atClient.over;
    expect(atClient.bytes().subarray(length)).toEqual(text("last words"));
  });

  it("counts what it forwards, while the connection is open and after it", async () => {
    const hello = text("hello");
    const { opened, client, atClient, gateway, ends, traffic, counted } = await forward({
      answer: `${switching()}${hello.toString("latin1")}`,
    });
    if (!opened.ok) throw new Error(opened.error.code);
    await atClient.atLeast(answerOf("").length + hello.length);
    const question = frame({ payload: Buffer.from("question"), masked: true });
    client.dialled.write(question);
    await gateway.atLeast(question.length);
    const expected = {
      messages: { toClient: 1, toGateway: 1 },
      bytes: { toClient: hello.length, toGateway: question.length },
    };
    expect([opened.value.traffic, traffic.totals(), counted.size]).toEqual([expected, expected, 1]);
    client.dialled.resetAndDestroy();
    await closed(client.accepted);
    expect([ends, traffic.totals(), counted.size]).toEqual([[{ by: "peers" }], expected, 0]);
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
