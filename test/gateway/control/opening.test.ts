// Who gets a control channel: a front door with the pinned trust key, now, for this endpoint, and nobody else.
import { createHmac, createPublicKey, randomUUID } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AuditEvent } from "../../../core/audit.ts";
import { verifyControlProof } from "../../../core/control-proof.ts";
import { err, ok } from "../../../core/result.ts";
import {
  base64url,
  createTestDoor,
  createTestKey,
  signJws,
  type TestDoor,
} from "../../support/assertion-fixture.ts";
import { connectDoor, DOOR_NONCE, type DoorChannel, openDoorChannel } from "../../support/door-channel.ts";
import { ask, HANDSHAKE, startTestGateway, type TestGateway } from "../../support/gateway-fixture.ts";
import { firstLine, halfAnUpgrade } from "../../support/half-upgrade.ts";

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.dispose());

const at = (seconds: number) => Math.floor(gateway.clock.now() / 1000) + seconds;
const headerOf = (door: TestDoor) => ({ alg: "ES256", typ: "gateway-control+jwt", jwk: door.trust.jwk });
const claimsOf = (door: TestDoor) => JSON.parse(atob(door.ticket().split(".")[1] ?? ""));

/** The lines of one upgrade; waits for as many. */
async function auditOf(requestId: string, expected = 1): Promise<readonly AuditEvent[]> {
  for (;;) {
    const own = (await gateway.auditLines("control_channel")).filter((line) => line.requestId === requestId);
    if (own.length >= expected) return own;
  }
}

async function newestFaults(expected: number) {
  const lines = await gateway.auditLines("control_channel");
  const newest = lines.slice(-expected);
  return newest.map(({ outcome, reason }) => `${outcome}: ${reason}`);
}

type Attack = {
  readonly name: string;
  readonly ticket: (door: TestDoor) => string | string[] | undefined;
  readonly fault: string;
};

const ATTACKS: readonly Attack[] = [
  { name: "no ticket", ticket: () => undefined, fault: "missing" },
  { name: "two tickets", ticket: (door) => [door.ticket(), door.ticket()], fault: "duplicate" },
  { name: "two in one header", ticket: (door) => `${door.ticket()},${door.ticket()}`, fault: "duplicate" },
  { name: "nothing in the header", ticket: () => "", fault: "malformed" },
  { name: "no JWT", ticket: () => "open-sesame", fault: "malformed" },
  {
    name: "a stranger's key",
    ticket: () => createTestDoor(() => gateway.clock.now()).ticket(),
    fault: "untrusted_key",
  },
  {
    name: "a stranger's signature under the trust key's header",
    ticket: (door) => signJws(createTestKey(), headerOf(door), claimsOf(door)),
    fault: "bad_signature",
  },
  {
    name: "the signing key of assertions, which is not the trust key",
    ticket: (door) => signJws(door.signing, { ...headerOf(door), jwk: door.signing.jwk }, claimsOf(door)),
    fault: "untrusted_key",
  },
  {
    name: "a header without the key",
    ticket: (door) => door.ticket({}, { jwk: undefined }),
    fault: "unknown_key",
  },
  {
    name: "a key to fetch from elsewhere",
    ticket: (door) => door.ticket({}, { jwk: undefined, jku: "http://127.0.0.1:9/keys" }),
    fault: "unknown_key",
  },
  {
    name: "a private member in the key that is no point",
    ticket: (door) => door.ticket({}, { jwk: { ...door.trust.jwk, x: "AAAA" } }),
    fault: "unknown_key",
  },
  {
    name: "HS256 with the trust key as the secret (CVE-2016-10555)",
    ticket(door) {
      const text = `${base64url({ ...headerOf(door), alg: "HS256" })}.${base64url(claimsOf(door))}`;
      const publicKey = createPublicKey({ key: { ...door.trust.jwk }, format: "jwk" });
      const secret = publicKey.export({ format: "pem", type: "spki" });
      return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
    },
    fault: "wrong_algorithm",
  },
  {
    name: "alg none",
    ticket: (door) => `${base64url({ ...headerOf(door), alg: "none" })}.${base64url(claimsOf(door))}.AA`,
    fault: "wrong_algorithm",
  },
  {
    name: "a key set envelope",
    ticket: (door) => door.keySet(),
    fault: "wrong_type",
  },
  {
    name: "a proof of an opening",
    ticket: (door) => door.proof({ doorNonce: DOOR_NONCE, gatewayNonce: DOOR_NONCE }, claimsOf(door)),
    fault: "wrong_type",
  },
  { name: "an assertion", ticket: (door) => door.assertion(), fault: "unknown_key" },
  {
    name: "a ticket for another endpoint",
    ticket: (door) => door.ticket({ aud: "cloud/cloud-2" }),
    fault: "wrong_audience",
  },
  {
    name: "a ticket of another front door's name",
    ticket: (door) => door.ticket({ iss: "elsewhere" }),
    fault: "wrong_issuer",
  },
  {
    name: "an expired ticket",
    ticket: (door) => door.ticket({ iat: at(-61), exp: at(-31) }),
    fault: "expired",
  },
  {
    name: "a ticket from the future",
    ticket: (door) => door.ticket({ iat: at(31), exp: at(61) }),
    fault: "not_yet_valid",
  },
  { name: "a ticket without an end", ticket: (door) => door.ticket({ exp: undefined }), fault: "bad_claims" },
  {
    name: "a ticket that lives too long",
    ticket: (door) => door.ticket({ exp: at(31) }),
    fault: "bad_claims",
  },
  { name: "a ticket that ends at once", ticket: (door) => door.ticket({ exp: at(0) }), fault: "bad_claims" },
  { name: "an older version", ticket: (door) => door.ticket({ v: 0 }), fault: "wrong_version" },
  { name: "a later version", ticket: (door) => door.ticket({ v: 2 }), fault: "wrong_version" },
  { name: "no version", ticket: (door) => door.ticket({ v: undefined }), fault: "wrong_version" },
  { name: "no nonce", ticket: (door) => door.ticket({ nonce: undefined }), fault: "bad_claims" },
  { name: "a short nonce", ticket: (door) => door.ticket({ nonce: "short" }), fault: "bad_claims" },
  { name: "no id", ticket: (door) => door.ticket({ jti: undefined }), fault: "bad_claims" },
];

describe("a control channel's ticket", () => {
  test.each(ATTACKS)("is refused before 101: $name", async ({ ticket, fault }) => {
    const sent = ticket(gateway.door);
    const answer = await ask(`${gateway.running.url}/control`, {
      headers: { ...HANDSHAKE, ...(sent === undefined ? {} : { "x-gateway-control": sent }) },
    });
    const requestId = String(answer.headers["x-request-id"]);
    expect({ status: answer.status, body: answer.body }).toEqual({
      status: 401,
      body: {
        error: {
          code: "control_ticket_invalid",
          message: "Only the front door whose trust key is pinned here may open a control channel.",
          requestId,
        },
      },
    });
    expect(await auditOf(requestId)).toEqual([
      {
        time: "2026-11-02T09:00:00.000Z",
        kind: "control_channel",
        outcome: "denied",
        code: "control_ticket_invalid",
        reason: fault,
        requestId,
        userId: null,
        email: null,
        sid: null,
        provider: null,
        peer: "127.0.0.1",
        method: null,
        path: "/control",
        agent: null,
        gateway: "cloud",
        endpoint: "cloud-1",
        event: null,
      },
    ]);
  });

  test("opens once: the second time it is a replay", async () => {
    const headers = { ...HANDSHAKE, "x-gateway-control": gateway.door.ticket() };
    expect((await ask(`${gateway.running.url}/control`, { headers })).status).toBe(101);
    const again = await ask(`${gateway.running.url}/control`, { headers });
    expect(again).toMatchObject({ status: 401, body: { error: { code: "control_ticket_invalid" } } });
    const [line] = await auditOf(String(again.headers["x-request-id"]));
    expect(line).toMatchObject({ outcome: "denied", reason: "replayed" });
  });

  test("is refused with this gateway's own time, so that the front door can tell a wrong clock", async () => {
    const headers = { ...HANDSHAKE, "x-gateway-control": gateway.door.ticket({ iat: at(99), exp: at(129) }) };
    const answer = await ask(`${gateway.running.url}/control`, { headers });
    expect(answer.headers.date).toBe(new Date(gateway.clock.now()).toUTCString());
  });

  test.each([
    ["another protocol", { upgrade: "h2c" }],
    ["another version", { "sec-websocket-version": "777" }],
    ["a bad key", { "sec-websocket-key": "short" }],
    ["a body", { "content-length": "4" }],
  ])("does not make a handshake with %s a good one", async (_, changes) => {
    const headers = { ...HANDSHAKE, ...changes, "x-gateway-control": gateway.door.ticket() };
    expect(await ask(`${gateway.running.url}/control`, { headers })).toMatchObject({
      status: 400,
      body: { error: { code: "upgrade_invalid" } },
    });
  });

  test("opens no user's path, and an assertion opens no control channel", async () => {
    const ticket = { ...HANDSHAKE, "x-gateway-control": gateway.door.ticket() };
    expect(await ask(`${gateway.running.url}/ws`, { headers: ticket })).toMatchObject({
      status: 401,
      body: { error: { code: "assertion_missing" } },
    });
    const assertion = { ...HANDSHAKE, "x-gateway-assertion": gateway.door.assertion() };
    expect(await ask(`${gateway.running.url}/control`, { headers: assertion })).toMatchObject({
      status: 401,
      body: { error: { code: "control_ticket_invalid" } },
    });
  });
});

describe("opening a control channel", () => {
  test("says hello with a proof of the endpoint's own key for the door's nonce, and nothing else", async () => {
    const channel = await openDoorChannel(gateway);
    const hello = await channel.hello();
    expect(hello).toEqual({
      type: "hello",
      v: 1,
      nonce: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/),
      proof: expect.any(String),
      keySetNumber: 1,
      now: gateway.clock.now(),
      bootId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    const expected = {
      side: "gateway",
      issuer: "cloud/cloud-1",
      audience: "gatehouse",
      doorNonce: DOOR_NONCE,
      gatewayNonce: hello.nonce,
      now: gateway.clock.now(),
    } as const;
    const thumbprint = verifyControlProof(hello.proof, expected);
    expect(thumbprint).toEqual(ok(expect.stringMatching(/^[A-Za-z0-9_-]{43}$/)));
    expect(verifyControlProof(hello.proof, { ...expected, side: "door" })).toEqual(err("wrong_side"));
    expect(verifyControlProof(hello.proof, { ...expected, doorNonce: "M".repeat(43) })).toEqual(
      err("wrong_nonce"),
    );
    channel.socket.terminate();
    // The door is nobody yet.
    expect(channel.frames).toEqual([hello]);
  });

  test("shows the same key and another nonce each time, and another boot id after a restart", async () => {
    const own = await startTestGateway();
    const hellos = [];
    for (const running of [own, own]) hellos.push(await (await openDoorChannel(running)).hello());
    const pem = join(own.folder, "data", "endpoint-key.pem");
    const mode = (await stat(pem)).mode & 0o777;
    const key = await readFile(pem, "utf8");
    await own.running.close();
    const next = await own.restart();
    hellos.push(await (await openDoorChannel(next)).hello());
    expect(await readFile(pem, "utf8")).toBe(key);
    expect(mode).toBe(0o600);
    const thumbprints = hellos.map(({ proof, nonce: gatewayNonce, now }) =>
      verifyControlProof(proof, {
        side: "gateway",
        issuer: "cloud/cloud-1",
        audience: "gatehouse",
        doorNonce: DOOR_NONCE,
        gatewayNonce,
        now,
      }),
    );
    expect(new Set(thumbprints.map((thumbprint) => JSON.stringify(thumbprint))).size).toBe(1);
    expect(new Set(hellos.map(({ nonce }) => nonce)).size).toBe(3);
    const [first, second, third] = hellos.map(({ bootId }) => bootId);
    expect(first).toBe(second);
    expect(first).not.toBe(third);
    await next.dispose();
  });

  test("counts once both sides are proved: health and audit say so", async () => {
    const own = await startTestGateway();
    const state = async () => (await ask(`${own.running.url}/health`)).body;
    const channel = await openDoorChannel(own);
    await channel.hello();
    expect(await state()).toMatchObject({ status: "ok", control: "away" });
    await channel.welcome();
    await channel.listing();
    expect(await state()).toMatchObject({ status: "ok", control: "connected" });
    await expect
      .poll(async () => await own.auditLines("control_channel"))
      .toMatchObject([
        { outcome: "allowed", code: null, reason: "opened", peer: "127.0.0.1", path: "/control" },
      ]);
    channel.socket.terminate();
    await expect.poll(state).toMatchObject({ control: "away" });
    await own.dispose();
  });

  test("takes as many front doors as there are replicas, but not any number", async () => {
    const own = await startTestGateway();
    const channels = await Promise.all(Array.from({ length: 64 }, () => openDoorChannel(own)));
    const headers = () => ({ ...HANDSHAKE, "x-gateway-control": own.door.ticket() });
    expect(await ask(`${own.running.url}/control`, { headers: headers() })).toMatchObject({
      status: 503,
      body: { error: { code: "gateway_full" } },
    });
    channels[0]?.socket.terminate();
    await expect
      .poll(async () => (await ask(`${own.running.url}/control`, { headers: headers() })).status)
      .toBe(101);
    await own.dispose();
  });

  test("is refused while the gateway stops", async () => {
    const own = await startTestGateway();
    const client = await own.connect();
    // It does not answer the close frame: stopping takes its time.
    client.socket.pause();
    const half = await halfAnUpgrade(own.running.port, "/control", {
      "x-gateway-control": own.door.ticket(),
    });
    const closed = own.running.close();
    half.socket.write(half.rest);
    expect(await firstLine(half.socket)).toBe("HTTP/1.1 503 Service Unavailable");
    own.clock.advance(5_000);
    await closed;
    await own.dispose();
  });

  test("leaves nothing behind when the gateway stops", async () => {
    const own = await startTestGateway();
    const [greeting, open] = [await openDoorChannel(own), await connectDoor(own)];
    await own.running.close();
    expect([(await greeting.closed).code, (await open.closed).code]).toEqual([1001, 1001]);
    await own.dispose();
  });
});

type Nonces = { readonly doorNonce: string; readonly gatewayNonce: string };
type Reply = (door: TestDoor, nonces: Nonces, channel: DoorChannel) => object | string | Buffer;

const welcome = (proof: string) => ({ type: "welcome", v: 1, proof, leaseMs: 60_000 });
const END_ALL = { type: "end", event: 1, sids: "all", agent: null, code: 1008, words: "gone" };

const BAD_WELCOMES: readonly (readonly [string, Reply, string])[] = [
  [
    "a stranger's proof",
    (_, nonces) => welcome(createTestDoor(() => gateway.clock.now()).proof(nonces)),
    "proof refused: untrusted_key",
  ],
  [
    "a stranger's signature under the trust key's header",
    (door, nonces) =>
      welcome(
        signJws(
          createTestKey(),
          { ...headerOf(door), typ: "gateway-control-proof+jwt" },
          { ...nonces, side: "door" },
        ),
      ),
    "proof refused: bad_signature",
  ],
  [
    "the gateway's own proof sent back",
    (_door, _nonces, channel) => {
      const [hello] = channel.frames;
      return welcome(hello?.type === "hello" ? hello.proof : "");
    },
    "proof refused: wrong_audience",
  ],
  [
    "a proof of the wrong side",
    (door, nonces) => welcome(door.proof(nonces, { side: "gateway" })),
    "proof refused: wrong_side",
  ],
  [
    "a proof for another nonce of ours",
    (door, nonces) => welcome(door.proof({ ...nonces, gatewayNonce: "M".repeat(43) })),
    "proof refused: wrong_nonce",
  ],
  [
    "a proof for another nonce of the door",
    (door, nonces) => welcome(door.proof({ ...nonces, doorNonce: "M".repeat(43) })),
    "proof refused: wrong_nonce",
  ],
  [
    "a proof for another endpoint",
    (door, nonces) => welcome(door.proof(nonces, { aud: "cloud/cloud-2" })),
    "proof refused: wrong_audience",
  ],
  [
    "an expired proof",
    (door, nonces) => welcome(door.proof(nonces, { iat: at(-61), exp: at(-31) })),
    "proof refused: expired",
  ],
  [
    "a proof that lives too long",
    (door, nonces) => welcome(door.proof(nonces, { exp: at(60) })),
    "proof refused: bad_claims",
  ],
  [
    "a proof of another version",
    (door, nonces) => welcome(door.proof(nonces, { v: 0 })),
    "proof refused: bad_claims",
  ],
  ["its ticket as a proof", (door) => welcome(door.ticket()), "proof refused: wrong_type"],
  ["no proof", () => welcome(""), "proof refused: malformed"],
  [
    "another version",
    (door, nonces) => ({ ...welcome(door.proof(nonces)), v: 2 }),
    "welcome refused: v: Invalid input: expected 1",
  ],
  [
    "a lease of years",
    (door, nonces) => ({ ...welcome(door.proof(nonces)), leaseMs: 1e12 }),
    "welcome refused: leaseMs: Too big: expected number to be <=600000",
  ],
  ["an end of access", () => END_ALL, "welcome refused: end in its place"],
  ["a ping", () => ({ type: "ping", at: 1 }), "welcome refused: ping in its place"],
  ["nonsense", () => "nonsense", "welcome refused: not JSON"],
  ["bytes", () => Buffer.from([1, 2, 3]), "welcome refused: binary"],
];

describe("a welcome", () => {
  test.each(BAD_WELCOMES)(
    "that is %s ends the channel with 1008 before anything counts",
    async (_, reply, fault) => {
      const client = await gateway.connect();
      const channel = await openDoorChannel(gateway);
      const { nonce } = await channel.hello();
      const nonces = { doorNonce: DOOR_NONCE, gatewayNonce: nonce };
      channel.send(reply(gateway.door, nonces, channel));
      // Behind it, in the same breath: nobody listens any more.
      channel.send(END_ALL);
      expect((await channel.closed).code).toBe(1008);
      await expect.poll(() => newestFaults(1)).toEqual([`denied: ${fault}`]);
      await client.request("health");
      expect(channel.frames.map(({ type }) => type)).toEqual(["hello"]);
      client.socket.terminate();
    },
  );

  test("that does not come within five seconds ends the channel", async () => {
    const own = await startTestGateway();
    const channel = await openDoorChannel(own);
    await channel.hello();
    own.clock.advance(4_999);
    const other = await connectDoor(own);
    expect(channel.socket.readyState).toBe(channel.socket.OPEN);
    own.clock.advance(1);
    expect((await channel.closed).code).toBe(1008);
    own.clock.advance(5_000);
    await other.settled();
    await expect
      .poll(async () => (await own.auditLines("control_channel")).map(({ reason }) => reason))
      .toEqual(["opened", "silent after the upgrade"]);
    await own.dispose();
  });

  test("of an earlier opening opens nothing when that is played again, after a restart either", async () => {
    const own = await startTestGateway();
    const ticket = own.door.ticket();
    const first = await openDoorChannel(own, ticket);
    const { nonce } = await first.hello();
    const recorded = welcome(own.door.proof({ doorNonce: DOOR_NONCE, gatewayNonce: nonce }));
    first.send(recorded);
    await first.listing();
    await expect(openDoorChannel(own, ticket)).rejects.toThrow("401");
    await own.running.close();
    const next = await own.restart();
    const replayed = await openDoorChannel(next, ticket);
    replayed.send(recorded);
    expect((await replayed.closed).code).toBe(1008);
    await next.dispose();
  });

  test("comes once", async () => {
    const channel = await connectDoor(gateway);
    await channel.welcome();
    expect((await channel.closed).code).toBe(1002);
    await expect.poll(() => newestFaults(1)).toEqual(["denied: frame refused: a second welcome"]);
  });
});

test("no secret of an opening is logged or audited", async () => {
  const ticket = gateway.door.ticket({ jti: randomUUID() });
  const channel = await openDoorChannel(gateway, ticket);
  const { proof } = await channel.hello();
  await channel.welcome();
  await channel.listing();
  channel.socket.terminate();
  const audit = await readFile(join(gateway.folder, "data", "audit.jsonl"), "utf8");
  const lines = `${audit}${JSON.stringify(gateway.logged())}`;
  for (const part of [...ticket.split("."), ...proof.split(".")].filter((text) => text.length > 40))
    expect(lines).not.toContain(part);
});
