import { createHmac, createPublicKey, generateKeyPairSync, X509Certificate } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { CONTROL_MAX_FRAME, CONTROL_OPENING_MS } from "../../../core/control-channel.ts";
import { verifyControlProof, verifyEmbeddedKeyJwt } from "../../../core/control-proof.ts";
import type { Store } from "../../../core/store.ts";
import { fingerprintOf } from "../../../core/tls-certificate.ts";
import { base64url, createTestKey } from "../../support/assertion-fixture.ts";
import { createMemoryStore } from "../../support/memory-store.ts";
import { trustCa } from "../../support/trusted-ca.ts";
import {
  controlLine,
  createTimedClock,
  FIRST_REDIAL_MS,
  ISSUER,
  LEASE_MS,
  newGateway,
  START,
  startDoor,
  startMute,
} from "./control-fixture.ts";
import { LOOPBACK_TLS } from "./loopback-certificate.ts";
import { GATEWAY_NONCE, type ProofChanges, startScriptedGateway } from "./scripted-gateway.ts";

/** A door whose channel to `cloud/cloud-1` has just been upgraded; nothing said yet. */
async function upgraded(changes: Parameters<typeof startDoor>[1] = {}) {
  const gateway = await newGateway();
  const door = startDoor([gateway], changes);
  const channel = await gateway.channels.at(0);
  return { gateway, door, channel };
}

describe("the ticket", () => {
  it("is a JWT of the trust key for this one endpoint, good for 30 seconds", async () => {
    const { door, channel, gateway } = await upgraded();
    const { text, header, claims } = channel.ticket;
    expect(header).toEqual({ alg: "ES256", typ: "gateway-control+jwt", jwk: door.trust.jwk });
    const iat = START / 1000;
    const { jti, nonce } = claims;
    expect(claims).toEqual({
      iss: ISSUER,
      aud: "cloud/cloud-1",
      iat,
      exp: iat + 30,
      v: 1,
      jti: expect.stringMatching(/^[A-Za-z0-9_-]{22}$/),
      nonce: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/),
    });
    const rules = { issuer: ISSUER, audience: "cloud/cloud-1", now: START, types: ["gateway-control+jwt"] };
    const verified = verifyEmbeddedKeyJwt(text, rules);
    expect(verified.ok && verified.value.thumbprint).toBe(door.trust.jwk.kid);

    channel.socket.terminate();
    await door.clock.armed(FIRST_REDIAL_MS);
    door.clock.advance(FIRST_REDIAL_MS);
    const next = (await gateway.channels.at(1)).ticket.claims;
    expect(next["jti"]).not.toBe(jti);
    expect(next["nonce"]).not.toBe(nonce);
  });

  it("goes to the control path alone, without compression, cookie or origin", async () => {
    const { gateway } = await upgraded();
    const { url, headers } = gateway.requests.items[0] ?? { url: "", headers: {} };
    expect(url).toBe("/control");
    expect(Object.keys(headers).sort()).toEqual([
      "connection",
      "host",
      "sec-websocket-key",
      "sec-websocket-version",
      "upgrade",
      "x-gateway-control",
    ]);
  });
});

describe("a gateway that proves its key", () => {
  it("is welcomed with the door's own proof and the life of a lease", async () => {
    const { gateway, door, channel } = await upgraded();
    await channel.greet();
    const { proof, ...welcome } = await channel.frame("welcome");
    expect(welcome).toEqual({ type: "welcome", v: 1, leaseMs: LEASE_MS });
    const expected = {
      side: "door",
      issuer: ISSUER,
      audience: "cloud/cloud-1",
      doorNonce: String(channel.ticket.claims["nonce"]),
      gatewayNonce: GATEWAY_NONCE,
      now: START,
    } as const;
    expect(verifyControlProof(proof, expected)).toEqual({ ok: true, value: door.trust.jwk.kid });
    expect(door.channels.describe()).toEqual([
      {
        gateway: "cloud",
        endpoint: "cloud-1",
        state: "connected",
        since: START,
        keySetNumber: 7,
        clockOffsetMs: null,
        turns: [],
      },
    ]);
    const reason = `first_contact: endpoint key ${gateway.key.kid}`;
    expect(door.audit.items).toEqual([controlLine("allowed", reason)]);
  });

  it("is known at its next contact", async () => {
    const { gateway, door, channel } = await upgraded();
    await channel.greet();
    channel.socket.terminate();
    await door.clock.armed(FIRST_REDIAL_MS);
    door.clock.advance(FIRST_REDIAL_MS);
    await (await gateway.channels.at(1)).greet();
    expect(door.audit.items.map((line) => line.reason)).toEqual([
      `first_contact: endpoint key ${gateway.key.kid}`,
      "opened",
    ]);
  });

  it("may have a clock that is far off: the nonce shows that its proof is fresh", async () => {
    const { door, channel } = await upgraded();
    const iat = START / 1000 - 3_600;
    channel.send(channel.hello({ now: START - 3_600_000 }, { claims: { iat, exp: iat + 30 } }));
    await channel.frame("welcome");
    expect(door.channels.describe()[0]?.state).toBe("connected");
  });
});

describe("a gateway that proves something else", () => {
  const stranger = createTestKey();
  const other = createTestKey();
  const nonce = "x".repeat(43);
  const iat = START / 1000;
  const faults: readonly (readonly [string, ProofChanges, string])[] = [
    ["signs by another key than the one it shows", { header: { jwk: stranger.jwk } }, "bad_signature"],
    ["answers another nonce of the door's", { claims: { doorNonce: nonce } }, "wrong_nonce"],
    ["signs another nonce than it sends", { claims: { gatewayNonce: nonce } }, "wrong_nonce"],
    ["signs for the door's side", { claims: { side: "door" } }, "wrong_side"],
    ["signs for no side", { claims: { side: undefined } }, "bad_claims"],
    ["signs an older version", { claims: { v: 0 } }, "bad_claims"],
    ["signs no version", { claims: { v: undefined } }, "bad_claims"],
    ["is another endpoint", { claims: { iss: "cloud/cloud-2" } }, "wrong_issuer"],
    ["speaks to another door", { claims: { aud: "elsewhere" } }, "wrong_audience"],
    ["names no door", { claims: { aud: undefined } }, "wrong_audience"],
    ["signed an hour ago", { claims: { iat: iat - 3_600, exp: iat - 3_570 } }, "expired"],
    ["signed for the future", { claims: { iat: iat + 3_600, exp: iat + 3_630 } }, "not_yet_valid"],
    ["signs for an hour", { claims: { exp: iat + 3_600 } }, "bad_claims"],
    ["signs without an end", { claims: { exp: undefined } }, "bad_claims"],
    ["shows a ticket's type", { header: { typ: "gateway-control+jwt" } }, "wrong_type"],
    ["shows no type", { header: { typ: undefined } }, "wrong_type"],
    ["shows no key", { header: { jwk: undefined } }, "unknown_key"],
    ["shows a key of another curve", { header: { jwk: p384() } }, "unknown_key"],
    ["shows no point of the curve", { header: { jwk: { ...other.jwk, y: other.jwk.x } } }, "unknown_key"],
    ["says that it does not sign", { header: { alg: "none" } }, "wrong_algorithm"],
    ["says that it signs by a shared secret", { header: { alg: "HS256" } }, "wrong_algorithm"],
  ];

  it.each(faults)("and %s is refused and audited", async (_, changes, fault) => {
    const { door, channel } = await upgraded();
    channel.send(channel.hello({}, changes));
    expect(await channel.closed).toBe(1008);
    expect(channel.frames.items).toEqual([]);
    expect(door.audit.items).toEqual([controlLine("denied", `proof refused: ${fault}`)]);
    expect(door.channels.describe()[0]?.state).toBe("away");
    expect(await door.store.list("endpoint-key/")).toEqual([]);
  });

  it("such as an HMAC by the key it shows is refused", async () => {
    const { door, channel } = await upgraded();
    const proof = String(channel.hello()["proof"]);
    const head = base64url({ alg: "HS256", typ: "gateway-control-proof+jwt", jwk: stranger.jwk });
    const signed = `${head}.${proof.split(".")[1]}`;
    const pem = createPublicKey({ key: stranger.jwk, format: "jwk" }).export({ type: "spki", format: "pem" });
    const mac = createHmac("sha256", pem).update(signed).digest("base64url");
    channel.send(channel.hello({ proof: `${signed}.${mac}` }));
    expect(await channel.closed).toBe(1008);
    expect(door.audit.items).toEqual([controlLine("denied", "proof refused: wrong_algorithm")]);
  });

  it("such as an earlier opening, replayed whole, is refused", async () => {
    const { gateway, door, channel } = await upgraded();
    const hello = channel.hello();
    channel.send(hello);
    await channel.frame("welcome");
    channel.socket.terminate();
    await door.clock.armed(FIRST_REDIAL_MS);
    door.clock.advance(FIRST_REDIAL_MS);
    const replayed = await gateway.channels.at(1);
    replayed.send(hello);
    expect(await replayed.closed).toBe(1008);
    expect(door.audit.items.at(-1)).toEqual(controlLine("denied", "proof refused: wrong_nonce"));
  });

  it("such as the door's own ticket is refused", async () => {
    const { door, channel } = await upgraded();
    channel.send(channel.hello({ proof: channel.ticket.text }));
    expect(await channel.closed).toBe(1008);
    expect(door.audit.items).toEqual([controlLine("denied", "proof refused: wrong_type")]);
  });

  it("is refused whatever single character of its proof is changed", async () => {
    const { channel, door } = await upgraded();
    const proof = String(channel.hello()["proof"]);
    const doorNonce = String(channel.ticket.claims["nonce"]);
    const rules = { issuer: "cloud/cloud-1", audience: ISSUER, now: START, side: "gateway" } as const;
    const expected = { ...rules, doorNonce, gatewayNonce: GATEWAY_NONCE };
    expect(verifyControlProof(proof, expected).ok).toBe(true);
    fc.assert(
      fc.property(fc.nat(proof.length - 1), fc.constantFrom(..."AZaz09-_."), (at, character) => {
        const changed = `${proof.slice(0, at)}${character}${proof.slice(at + 1)}`;
        const same = Buffer.from(changed.split(".")[2] ?? "", "base64url").equals(
          Buffer.from(proof.split(".")[2] ?? "", "base64url"),
        );
        // The last character of a signature has bits that mean nothing.
        fc.pre(
          !(same && changed.slice(0, changed.lastIndexOf(".")) === proof.slice(0, proof.lastIndexOf("."))),
        );
        return !verifyControlProof(changed, expected).ok;
      }),
    );
    expect(door.audit.items).toEqual([]);
  });
});

describe("another endpoint key than before", () => {
  it("is refused and audited, until the record of the first is removed", async () => {
    const { gateway, door, channel } = await upgraded();
    const first = gateway.key;
    await channel.greet();
    channel.socket.terminate();
    gateway.key = createTestKey();
    await door.clock.armed(FIRST_REDIAL_MS);
    door.clock.advance(FIRST_REDIAL_MS);
    const second = await gateway.channels.at(1);
    second.send(second.hello());
    expect(await second.closed).toBe(1008);
    const reason = `endpoint key changed: ${gateway.key.kid}, not ${first.kid} as before`;
    expect(door.audit.items.at(-1)).toEqual(controlLine("denied", reason));
    expect(second.frames.items).toEqual([]);

    await door.store.commit([{ kind: "delete", key: "endpoint-key/cloud/cloud-1" }]);
    await door.clock.armed(2 * FIRST_REDIAL_MS);
    door.clock.advance(2 * FIRST_REDIAL_MS);
    await (await gateway.channels.at(2)).greet();
    const contact = `first_contact: endpoint key ${gateway.key.kid}`;
    expect(door.audit.items.at(-1)).toEqual(controlLine("allowed", contact));
  });

  it("is told from the first also by a door that was started anew", async () => {
    const { gateway, door, channel } = await upgraded();
    await channel.greet();
    gateway.key = createTestKey();
    const again = startDoor([gateway], { store: door.store });
    const second = await gateway.channels.at(1);
    second.send(second.hello());
    expect(await second.closed).toBe(1008);
    expect(again.audit.items[0]?.outcome).toBe("denied");
  });

  it("is not looked for while the store does not answer: nobody is welcomed", async () => {
    const store = createMemoryStore(createTimedClock());
    store.fail();
    const { door, channel } = await upgraded({ store });
    channel.send(channel.hello());
    expect(await channel.closed).toBe(1013);
    expect(channel.frames.items).toEqual([]);
    expect(door.audit.items).toEqual([]);
    const line = await door.log.first(({ msg }) => msg === "control channel is away");
    expect(line["fault"]).toBe("the store does not answer");
  });
});

const TYPES =
  "'hello' | 'keys_accepted' | 'keys_refused' | 'sessions' | 'direct' | 'direct_ended' | 'turn_started' | 'turn_ended' | 'draining' | 'pong'";

describe("an opening that goes wrong", () => {
  const early: readonly (readonly [string, unknown, string])[] = [
    ["another frame first", { type: "keys_accepted", number: 3 }, "keys_accepted while greeting"],
    ["garbage", "hello?", "not JSON"],
    ["an array", "[]", ": Invalid input: expected object, received array"],
    [
      "a frame of the door's",
      { type: "ping", at: 1 },
      `type: Invalid discriminator value. Expected ${TYPES}`,
    ],
  ];
  it.each(early)("with %s is closed and audited", async (_, frame, fault) => {
    const { door, channel } = await upgraded();
    channel.send(frame);
    expect(await channel.closed).toBe(1002);
    expect(door.audit.items).toEqual([controlLine("denied", `frame refused: ${fault}`)]);
  });

  it("with a hello of an older or newer version is closed and audited", async () => {
    for (const v of [0, 2, "1"]) {
      const { door, channel } = await upgraded();
      channel.send(channel.hello({ v }));
      expect(await channel.closed).toBe(1002);
      expect(door.audit.items).toEqual([
        controlLine("denied", "frame refused: v: Invalid input: expected 1"),
      ]);
    }
  });

  it("with a binary frame is closed and audited", async () => {
    const { door, channel } = await upgraded();
    channel.socket.send(Buffer.from(JSON.stringify(channel.hello())), { binary: true });
    expect(await channel.closed).toBe(1002);
    expect(door.audit.items).toEqual([controlLine("denied", "frame refused: binary")]);
  });

  it("with a frame behind the hello, before it was answered, is closed and audited", async () => {
    const gate = createGate();
    const { door, channel } = await upgraded({ store: gate.store });
    channel.send(channel.hello());
    await gate.asked;
    channel.send({ type: "sessions", listing: 1, sids: [], last: true });
    expect(await channel.closed).toBe(1002);
    gate.open();
    await gate.answered;
    expect(door.channels.describe()[0]?.state).toBe("away");
    expect(door.audit.items).toEqual([controlLine("denied", "frame refused: sessions while checking")]);
    expect(channel.frames.items).toEqual([]);
  });

  it("with a frame too large is closed and audited", async () => {
    const { door, channel } = await upgraded();
    channel.send("x".repeat(CONTROL_MAX_FRAME + 1));
    expect(await channel.closed).toBe(1009);
    expect(door.audit.items).toEqual([controlLine("denied", "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH")]);
  });

  it("never puts more than a line's worth of a gateway's words into the log", async () => {
    const { door, channel } = await upgraded();
    channel.send({ ...channel.hello(), ["k".repeat(100_000)]: 1 });
    expect(await channel.closed).toBe(1002);
    expect(door.audit.items[0]?.reason).toHaveLength("frame refused: ".length + 200);
  });

  it("for silence after the upgrade is cut after five seconds and dialled again", async () => {
    const { gateway, door, channel } = await upgraded();
    await channel.settled();
    door.clock.advance(CONTROL_OPENING_MS - 1);
    await channel.settled();
    door.clock.advance(1);
    expect(await channel.closed).toBe(1006);
    door.clock.advance(FIRST_REDIAL_MS);
    await gateway.channels.at(1);
    expect(door.audit.items).toEqual([]);
    const line = await door.log.first(({ msg }) => msg === "control channel is away");
    expect(line["fault"]).toBe("silent after the upgrade");
  });

  it("for want of an answer to the upgrade is cut after five seconds", async () => {
    const mute = await startMute();
    const door = startDoor([{ ...(await newGateway()), url: mute.url }]);
    await mute.sockets.at(0);
    door.clock.advance(CONTROL_OPENING_MS);
    const line = await door.log.first(({ msg }) => msg === "control channel is away");
    expect(line["fault"]).toBe("no answer to the upgrade in time");
    door.clock.advance(FIRST_REDIAL_MS);
    await mute.sockets.at(1);
  });

  it("where nothing listens is said once, and tried again", async () => {
    const gateway = await newGateway();
    await gateway.close();
    const door = startDoor([gateway]);
    await door.clock.armed(FIRST_REDIAL_MS);
    door.clock.advance(FIRST_REDIAL_MS);
    await door.clock.armed(2 * FIRST_REDIAL_MS);
    expect(door.log.items.map(({ msg, fault }) => [msg, fault])).toEqual([
      ["control channel is away", "ECONNREFUSED"],
    ]);
    expect(door.audit.items).toEqual([]);
  });
});

describe("a refusal before 101", () => {
  async function refused(answer: string) {
    const gateway = await newGateway();
    gateway.refuseWith(answer);
    const door = startDoor([gateway]);
    await door.clock.armed(FIRST_REDIAL_MS);
    return { gateway, door };
  }

  it("is named by its status", async () => {
    const { door } = await refused("HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n");
    expect(door.log.items.map(({ fault }) => fault)).toEqual(["status 401 to the upgrade"]);
    expect(door.channels.describe()[0]?.clockOffsetMs).toBeNull();
  });

  it("is not followed elsewhere", async () => {
    const elsewhere = await newGateway();
    const { door } = await refused(
      `HTTP/1.1 302 Found\r\nLocation: ${elsewhere.url}/control\r\nConnection: close\r\n\r\n`,
    );
    expect(door.log.items.map(({ fault }) => fault)).toEqual(["status 302 to the upgrade"]);
    expect(elsewhere.requests.items).toEqual([]);
  });

  it("by a gateway whose clock is far off says how far, in log and audit", async () => {
    const date = new Date(START + 90_000).toUTCString();
    const { door } = await refused(`HTTP/1.1 401 Unauthorized\r\nDate: ${date}\r\nConnection: close\r\n\r\n`);
    expect(door.channels.describe()[0]?.clockOffsetMs).toBe(90_000);
    expect(door.audit.items).toEqual([
      controlLine("allowed", "clock_skew: door 2026-11-02T09:00:00.000Z, gateway 2026-11-02T09:01:30.000Z"),
    ]);
  });

  it("that is not HTTP at all is a fault like any other", async () => {
    const { door } = await refused("\0\0\0\0\r\n\r\n");
    expect(door.log.items.map(({ fault }) => fault)).toEqual(["HPE_INVALID_CONSTANT"]);
  });
});

describe("an endpoint behind TLS", () => {
  const start = async () => {
    const options = { gateway: "cloud", endpoint: "cloud-1", issuer: ISSUER, now: () => START };
    const gateway = await startScriptedGateway({ ...options, tls: LOOPBACK_TLS });
    onTestFinished(() => gateway.close());
    return gateway;
  };

  it("is dialled over it", async () => {
    trustCa(LOOPBACK_TLS.cert);
    const gateway = await start();
    const door = startDoor([gateway]);
    await (await gateway.channels.at(0)).greet();
    expect(door.channels.describe()[0]?.state).toBe("connected");
  });

  it("whose certificate nobody vouches for never sees the ticket", async () => {
    const gateway = await start();
    const door = startDoor([gateway]);
    const line = await door.log.first(({ msg }) => msg === "control channel is away");
    expect(line["fault"]).toMatch(/^certificate is not trusted \(DEPTH_ZERO_SELF_SIGNED_CERT\): /);
    expect(gateway.requests.items).toEqual([]);
  });

  it("whose certificate is not the pinned one never sees the ticket", async () => {
    trustCa(LOOPBACK_TLS.cert);
    const gateway = await start();
    const door = startDoor([{ ...gateway, fingerprint: "ab".repeat(32) }]);
    const line = await door.log.first(({ msg }) => msg === "control channel is away");
    expect(line["fault"]).toMatch(/^certificate is not the pinned one: it shows [0-9a-f]{64}; /);
    expect(gateway.requests.items).toEqual([]);
  });

  it("whose certificate is the pinned one needs nobody to vouch for it", async () => {
    const gateway = await start();
    const fingerprint = fingerprintOf(new X509Certificate(LOOPBACK_TLS.cert).raw);
    const door = startDoor([{ ...gateway, fingerprint }]);
    await (await gateway.channels.at(0)).greet();
    expect(door.channels.describe()[0]?.state).toBe("connected");
  });
});

/** A store that answers nothing until it is told to. */
function createGate() {
  const inner = createMemoryStore(createTimedClock());
  const [asked, opened, answered] = [createSignal(), createSignal(), createSignal()];
  const store: Store = {
    ...inner,
    async get(key) {
      asked.give();
      await opened.given;
      return await inner.get(key);
    },
    async commit(writes) {
      const committed = await inner.commit(writes);
      // Whoever waits for the answer has read it by the next turn.
      setImmediate(answered.give);
      return committed;
    },
  };
  return { store, asked: asked.given, open: opened.give, answered: answered.given };
}

function createSignal() {
  let give = () => {};
  const given = new Promise<void>((resolve) => {
    give = resolve;
  });
  return { given, give };
}

function p384() {
  return generateKeyPairSync("ec", { namedCurve: "P-384" }).publicKey.export({ format: "jwk" });
}
