// Attacks on what the door remembers: a proof or an assertion of one person, session, agent or place must never
// serve another, nor the same person once access has ended, however close together the requests are (rows S25, S58,
// S78; checklist 20, 22, 28, 31).
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ASSERTION_HEADER } from "../../core/assertion.ts";
import { type UserId, userIdOf } from "../../core/ids.ts";
import type { Store } from "../../core/store.ts";
import {
  ACCESS,
  ALICE,
  BOB,
  type FrontDoorFixture,
  ISSUER,
  startTestFrontDoor,
  type TestPerson,
} from "../support/front-door-fixture.ts";
import {
  handshake,
  head,
  type RawAnswer,
  type RawConversation,
  rawConversation,
  rawExchange,
} from "../support/raw-client.ts";
import { type RecordedRequest, type RecorderGateway, startRecorder } from "../support/recorder-gateway.ts";

let cloud: RecorderGateway;
let berlin: RecorderGateway;
let door: FrontDoorFixture;
/** Called with what the store has answered, before the door gets it. */
let afterRead: ((key: string) => Promise<void>) | undefined;

const watched = (store: Store): Store => ({
  ...store,
  async get(key) {
    const entry = await store.get(key);
    await afterRead?.(key);
    return entry;
  },
});

const ROUTES = [{ agents: ["analyst"], to: "berlin" }, { to: "cloud" }];

beforeAll(async () => {
  [cloud, berlin] = await Promise.all([startRecorder(), startRecorder()]);
  door = await startTestFrontDoor({
    gateways: {
      cloud: { endpoints: { "cloud-1": cloud.url } },
      berlin: { endpoints: { "berlin-1": berlin.url }, sendGroups: true },
      paris: { endpoints: { "paris-1": berlin.url } },
    },
    routes: ROUTES,
    access: {
      ...ACCESS,
      groups: { ...ACCESS.groups, engineering: { agents: ["assistant", "coder", "analyst"] } },
    },
    config: { limits: { failedAttemptsPerMinute: 10_000 } },
    wrapStore: watched,
  });
});
beforeEach(async () => {
  await Promise.all([door.signOut(ALICE), door.signOut(BOB)]);
});
afterEach(() => {
  afterRead = undefined;
  cloud.answerWith(undefined);
});
afterAll(async () => {
  await door.close();
  await Promise.all([cloud.close(), berlin.close()]);
});

const getAs = (cookie: string, agent = "assistant") =>
  head(`GET /agents/${agent}/x HTTP/1.1`, `Host: ${door.host}`, `Cookie: ${cookie}`);
const upgradeAs = (cookie: string, agent = "assistant") =>
  head(...handshake(`/agents/${agent}/ws`, door.host, `Origin: ${door.publicUrl}`, `Cookie: ${cookie}`));
const idOf = ({ subject }: TestPerson) => userIdOf(ISSUER, subject);
const seen = () => cloud.requests.length + berlin.requests.length;

type Said = {
  readonly gateway: "cloud" | "berlin";
  readonly user: UserId;
  readonly email: string;
  readonly claims: {
    readonly sub: string;
    readonly sid: string;
    readonly email: string;
    readonly aud: string;
    readonly agents: readonly string[];
    readonly groups?: readonly string[];
    readonly use: string;
    readonly jti: string;
  };
};

/** What a gateway was told with this request: exactly one of each, and nothing of the credential. */
function saidIn(gateway: Said["gateway"], { headers }: RecordedRequest): Said {
  const only = (name: string) => {
    const values = headers.filter(([each]) => each.toLowerCase().replaceAll("_", "-") === name);
    expect([name, values.length]).toEqual([name, 1]);
    return values[0]?.[1] ?? "";
  };
  expect(headers.filter(([name]) => /cookie|authorization/i.test(name))).toEqual([]);
  const claims = JSON.parse(
    Buffer.from(only(ASSERTION_HEADER).split(".")[1] ?? "", "base64url").toString("utf8"),
  );
  return { gateway, user: only("x-user-id") as UserId, email: only("x-user-email"), claims };
}

/** Does this, and answers what gateways were told meanwhile. */
async function toldBy(action: () => Promise<unknown>): Promise<Said[]> {
  const [atCloud, atBerlin] = [cloud.requests.length, berlin.requests.length];
  await action();
  return [
    ...cloud.requests.slice(atCloud).map((request) => saidIn("cloud", request)),
    ...berlin.requests.slice(atBerlin).map((request) => saidIn("berlin", request)),
  ];
}

describe("many people on few connections", () => {
  it("S25, S78: whoever asks, in whatever order, a gateway is told of exactly them, their session, and this place", async () => {
    const step = fc.record({
      person: fc.constantFrom(ALICE, BOB),
      asked: fc.constantFrom("assistant", "coder", "analyst"),
      how: fc.constantFrom("get", "get", "get", "upgrade", "sign in again", "second session"),
      connection: fc.nat(1),
    });
    const jtiOfUpgrades: string[] = [];
    const sessionOfAssertion = new Map<string, string>();
    const sidOfSession = new Map<string, string>();
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 8, maxLength: 25 }), async (steps) => {
        const cookies = new Map([
          [ALICE, await door.signIn(ALICE)],
          [BOB, await door.signIn(BOB)],
        ]);
        const conversations = [await rawConversation(door.port), await rawConversation(door.port)];
        for (const { person, asked, how, connection } of steps) {
          const agent = person === BOB && asked === "coder" ? "assistant" : asked;
          if (how === "sign in again") await door.signOut(person);
          if (how === "sign in again" || how === "second session")
            cookies.set(person, await door.signIn(person));
          const cookie = cookies.get(person) ?? "";
          const status = how === "upgrade" ? 101 : 200;
          const told = await toldBy(async () => {
            const answer =
              how === "upgrade"
                ? await rawExchange(door.port, upgradeAs(cookie, agent))
                : await conversations[connection]?.ask(getAs(cookie, agent));
            expect(answer?.status).toBe(status);
          });
          expect(told).toHaveLength(1);
          const [{ gateway, user, email, claims } = expect.fail("nothing was told")] = told;
          const place = agent === "analyst" ? "berlin" : "cloud";
          expect({ gateway, user, email }).toEqual({
            gateway: place,
            user: idOf(person),
            email: person.email,
          });
          expect(claims).toMatchObject({
            sub: idOf(person),
            email: person.email,
            aud: `${place}/${place}-1`,
            agents: [agent],
            use: how === "upgrade" ? "upgrade" : "http",
          });
          expect(claims.groups).toEqual(place === "berlin" ? person.groups : undefined);
          // One session has one id, and no assertion ever serves two sessions.
          expect(sidOfSession.get(cookie) ?? claims.sid).toBe(claims.sid);
          sidOfSession.set(cookie, claims.sid);
          expect(sessionOfAssertion.get(claims.jti) ?? cookie).toBe(cookie);
          sessionOfAssertion.set(claims.jti, cookie);
          if (how === "upgrade") jtiOfUpgrades.push(claims.jti);
        }
        for (const conversation of conversations) conversation.close();
      }),
      { numRuns: 15 },
    );
    expect(new Set(jtiOfUpgrades).size).toBe(jtiOfUpgrades.length);
    expect(new Set(sidOfSession.values()).size).toBe(sidOfSession.size);
  });

  it("another place has an assertion of its own, also when only the routes have changed", async () => {
    const cookie = await door.signIn(ALICE);
    const ask = () => rawExchange(door.port, getAs(cookie));
    const told = await toldBy(ask);
    await door.editPolicy({ routes: [{ to: "paris" }] });
    told.push(...(await toldBy(ask)));
    await door.editPolicy({ routes: ROUTES });
    told.push(...(await toldBy(ask)));
    expect(told.map(({ gateway, claims }) => [gateway, claims.aud])).toEqual([
      ["cloud", "cloud/cloud-1"],
      ["berlin", "paris/paris-1"],
      ["cloud", "cloud/cloud-1"],
    ]);
  });

  it("S78: all at once, too", async () => {
    const cookies = new Map([
      ["alice", await door.signIn(ALICE)],
      ["bob", await door.signIn(BOB)],
    ]);
    const ask = ([name, cookie]: [string, string], index: number) =>
      rawExchange(door.port, getAs(cookie).replace("/x ", `/${name}-${index} `));
    const before = cloud.requests.length;
    const all = [...cookies];
    await Promise.all(
      Array.from({ length: 60 }, (_, index) => ask(all[index % 2] ?? expect.fail("nobody"), index)),
    );
    const pairs = cloud.requests.slice(before).map((request) => {
      const { email, claims } = saidIn("cloud", request);
      return [request.target.split("/")[3]?.split("-")[0], email.split("@")[0], claims.email.split("@")[0]];
    });
    expect(pairs.map(([name, ...emails]) => emails.every((email) => email === name))).toEqual(
      new Array(60).fill(true),
    );
  });
});

describe("a credential that was proved a moment ago", () => {
  /** Sends it until it is remembered for sure. */
  async function remembered(cookie: string): Promise<string> {
    expect((await rawExchange(door.port, getAs(cookie))).status).toBe(200);
    expect((await rawExchange(door.port, getAs(cookie))).status).toBe(200);
    return cookie.slice("gatehouse=".length);
  }
  const flipped = (text: string) =>
    text.replace(/[A-Za-z]/, (letter) =>
      letter === letter.toUpperCase() ? letter.toLowerCase() : letter.toUpperCase(),
    );

  it.each<readonly [string, (handle: string) => readonly string[], number]>([
    ["cut by one sign", (handle) => [`Cookie: gatehouse=${handle.slice(0, -1)}`], 401],
    ["with one sign more", (handle) => [`Cookie: gatehouse=${handle}A`], 401],
    ["in lower case", (handle) => [`Cookie: gatehouse=${handle.toLowerCase()}`], 401],
    [
      "with the last letter's case changed",
      (handle) => [`Cookie: gatehouse=${flipped(`${handle.slice(0, -1)}x`)}`],
      401,
    ],
    ["quoted", (handle) => [`Cookie: gatehouse="${handle}"`], 401],
    [
      "encoded",
      (handle) => [`Cookie: gatehouse=%${handle.charCodeAt(0).toString(16)}${handle.slice(1)}`],
      401,
    ],
    ["with a tail of another encoding", (handle) => [`Cookie: gatehouse=${handle}=`], 401],
    ["in a cookie of another case", (handle) => [`Cookie: Gatehouse=${handle}`], 401],
    [
      "in a cookie with a longer name",
      (handle) => [`Cookie: xgatehouse=${handle}; gatehouse2=${handle}`],
      401,
    ],
    ["twice", (handle) => [`Cookie: gatehouse=${handle}; gatehouse=${handle}`], 401],
    ["as a bearer", (handle) => [`Authorization: Bearer ${handle}`], 401],
    [
      "as a bearer, kind and all",
      (handle) => [`Authorization: Bearer session`, `X-Credential: ${handle}`],
      401,
    ],
    [
      "as a bearer beside itself",
      (handle) => [`Cookie: gatehouse=${handle}`, `Authorization: Bearer ${handle}`],
      400,
    ],
    [
      "as Basic",
      (handle) => [`Authorization: Basic ${Buffer.from(`gatehouse:${handle}`).toString("base64")}`],
      401,
    ],
  ])("is another one when it comes %s", async (_how, lines, status) => {
    const handle = await remembered(await door.signIn(ALICE));
    const before = seen();
    const get = await rawExchange(
      door.port,
      head("GET /agents/assistant/x HTTP/1.1", `Host: ${door.host}`, ...lines(handle)),
    );
    const upgrade = await rawExchange(
      door.port,
      head(...handshake("/agents/assistant/ws", door.host, `Origin: ${door.publicUrl}`, ...lines(handle))),
    );
    expect([get.status, upgrade.status, seen() - before]).toEqual([status, status, 0]);
  });

  it("gives nobody else what they may not: it is decided on every request", async () => {
    const [alice, bob] = [await door.signIn(ALICE), await door.signIn(BOB)];
    await remembered(alice);
    await remembered(bob);
    const conversation = await rawConversation(door.port);
    expect((await conversation.ask(getAs(alice, "coder"))).status).toBe(200);
    const before = seen();
    expect((await conversation.ask(getAs(bob, "coder"))).status).toBe(403);
    expect(seen() - before).toBe(0);
    conversation.close();
  });
});

describe("access that has ended", () => {
  async function rememberedConversation(cookie: string): Promise<RawConversation> {
    const conversation = await rawConversation(door.port);
    expect((await conversation.ask(getAs(cookie))).status).toBe(200);
    expect((await conversation.ask(getAs(cookie))).status).toBe(200);
    return conversation;
  }

  /** Calls once, in the very round of the event loop in which the door has applied the next event. */
  function atNextEvent(action: () => void): void {
    const stop = door.store.onEvent(() => {
      stop();
      action();
    });
  }

  it("S58: is over for requests on connections that are open already, in the same round of the event loop", async () => {
    const cookie = await door.signIn(ALICE);
    const conversations = await Promise.all(Array.from({ length: 10 }, () => rememberedConversation(cookie)));
    const before = seen();
    const answers: Promise<RawAnswer>[] = [];
    atNextEvent(() => {
      for (const [index, conversation] of conversations.entries()) {
        answers.push(conversation.ask(index % 2 === 0 ? getAs(cookie) : upgradeAs(cookie)));
      }
    });
    await door.signOut(ALICE);
    const statuses = (await Promise.all(answers)).map(({ status }) => status);
    expect([statuses, seen() - before]).toEqual([new Array(10).fill(401), 0]);
    for (const conversation of conversations) conversation.close();
  });

  it("S58: is over for whoever asks on the connection that signed out, right behind the answer", async () => {
    const cookie = await door.signIn(ALICE);
    const conversation = await rememberedConversation(cookie);
    const other = await rememberedConversation(cookie);
    const before = seen();
    const signedOut = await conversation.ask(
      head(
        "POST /auth/logout HTTP/1.1",
        `Host: ${door.host}`,
        `Origin: ${door.publicUrl}`,
        `Cookie: ${cookie}`,
        "Content-Length: 0",
      ),
    );
    const [same, another] = await Promise.all([conversation.ask(getAs(cookie)), other.ask(getAs(cookie))]);
    expect([signedOut.status, same.status, another.status, seen() - before]).toEqual([200, 401, 401, 0]);
    conversation.close();
    other.close();
  });

  it("a session that is read while it ends is neither used nor remembered", async () => {
    const cookie = await door.signIn(ALICE);
    for (const request of [getAs, upgradeAs]) {
      const fresh = await door.signIn(ALICE);
      const before = seen();
      afterRead = async (key) => {
        if (!key.startsWith("session/")) return;
        afterRead = undefined;
        // The door has read a session that is good; it ends before the door looks at what it has read.
        await door.signOut(ALICE);
      };
      const answer = await rawExchange(door.port, request(fresh));
      expect([answer.status, seen() - before]).toEqual([401, 0]);
      expect((await rawExchange(door.port, getAs(fresh))).status).toBe(401);
    }
    expect((await rawExchange(door.port, getAs(cookie))).status).toBe(401);
    expect((await rawExchange(door.port, getAs(await door.signIn(ALICE)))).status).toBe(200);
  });

  it("ends one session and not the person's next one, which has an assertion of its own", async () => {
    const first = await door.signIn(ALICE);
    const [before] = await toldBy(() => rawExchange(door.port, getAs(first)));
    await door.signOut(ALICE);
    const second = await door.signIn(ALICE);
    const [after] = await toldBy(async () => {
      const answers = [
        await rawExchange(door.port, getAs(second)),
        await rawExchange(door.port, getAs(first)),
      ];
      expect(answers.map(({ status }) => status)).toEqual([200, 401]);
    });
    expect(after?.claims.sub).toBe(before?.claims.sub);
    expect(after?.claims.sid).not.toBe(before?.claims.sid);
    expect(after?.claims.jti).not.toBe(before?.claims.jti);
  });

  it("cuts an answer that is still coming, at both ends, and the connection with it", async () => {
    const cookie = await door.signIn(ALICE);
    const cut = new Promise<void>((resolve) => {
      cloud.answerWith((_request, socket) => {
        socket.once("close", () => resolve());
        return `${head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked")}2\r\nok\r\n`;
      });
    });
    const conversation = await rawConversation(door.port);
    const closed = new Promise((resolve) => conversation.socket.once("close", resolve));
    await conversation.ask(getAs(cookie), (text) => text.includes("ok"));
    await door.signOut(ALICE);
    await Promise.all([cut, closed]);
    expect(conversation.since().endsWith("2\r\nok\r\n")).toBe(true);
  });

  it("by an edit of the policy is over for the connections that are open, and for nobody else", async () => {
    const [alice, bob] = [await door.signIn(ALICE), await door.signIn(BOB)];
    const conversations = [await rememberedConversation(alice), await rememberedConversation(bob)];
    const denied = { access: { ...ACCESS, users: { "alice@example.com": { deny: true } } } };
    const answers: Promise<RawAnswer>[] = [];
    atNextEvent(() => {
      for (const [index, cookie] of [alice, bob].entries()) {
        answers.push(conversations[index]?.ask(getAs(cookie)) ?? expect.fail("no conversation"));
      }
    });
    const told = await toldBy(async () => {
      await door.editPolicy(denied);
      expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([403, 200]);
    });
    expect(told.map(({ user }) => user)).toEqual([idOf(BOB)]);
    for (const conversation of conversations) conversation.close();
  });
});
