// Attacks on what the door keeps of a request for the next one on the same connection, and on the two readers that it
// has: another person's headers, a session that has ended, fields that differ by one byte, a request in pieces (rows S1 to
// S9, S25, S78, S99).
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { ASSERTION_HEADER } from "../../core/assertion.ts";
import { userIdOf } from "../../core/ids.ts";
import {
  ACCESS,
  ALICE,
  BOB,
  type FrontDoorFixture,
  ISSUER,
  startTestFrontDoor,
  type TestPerson,
} from "../support/front-door-fixture.ts";
import { head, rawConversation } from "../support/raw-client.ts";
import { type RecordedRequest, type RecorderGateway, startRecorder } from "../support/recorder-gateway.ts";

let gateway: RecorderGateway;
let door: FrontDoorFixture;
let sent: number;

beforeAll(async () => {
  gateway = await startRecorder();
  door = await startTestFrontDoor({
    gateways: {
      cloud: { endpoints: { "cloud-1": gateway.url }, sendGroups: true, userHeader: "x-corp-login" },
    },
    config: { limits: { failedAttemptsPerMinute: 10_000 } },
  });
});
beforeEach(() => {
  sent = gateway.requests.length;
});
afterAll(async () => {
  await door.close();
  await gateway.close();
});

const newRequests = () => gateway.requests.slice(sent);
const getAs = (cookie: string, ...lines: readonly string[]) =>
  head("GET /agents/assistant/x HTTP/1.1", `Host: ${door.host}`, `Cookie: ${cookie}`, ...lines);

/** As whom a gateway was told this comes, in every header that says so. */
function toldOf({ headers }: RecordedRequest) {
  const named = (name: string) => headers.filter(([each]) => each === name).map(([, value]) => value);
  const [token = ""] = named(ASSERTION_HEADER);
  const claims = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8"));
  return {
    subject: claims.sub,
    ids: [...named("x-user-id"), ...named("x-corp-login")],
    emails: [...named("x-user-email"), claims.email],
    groups: [named("x-user-groups"), claims.groups],
  };
}

function expected(person: TestPerson) {
  const id = userIdOf(ISSUER, person.subject);
  return {
    subject: id,
    ids: [id, id],
    emails: [person.email, person.email],
    groups: [[person.groups.join(",")], person.groups],
  };
}

async function conversation() {
  const started = await rawConversation(door.port);
  onTestFinished(() => started.close());
  return started;
}

describe("one connection for several people", () => {
  it("S25, S78: a gateway is told of exactly who asked, in whatever order, however often each repeats itself", async () => {
    const cookies = { alice: await door.signIn(ALICE), bob: await door.signIn(BOB) };
    const { ask } = await conversation();
    const order = ["alice", "bob", "alice", "alice", "alice", "bob", "bob", "bob", "alice", "bob"] as const;
    for (const who of order) expect((await ask(getAs(cookies[who]))).status).toBe(200);
    const people = { alice: expected(ALICE), bob: expected(BOB) };
    expect(newRequests().map(toldOf)).toEqual(order.map((who) => people[who]));
    const ids = newRequests().flatMap(({ headers }) => headers.filter(([name]) => name === "x-request-id"));
    expect(new Set(ids.map(([, id]) => id)).size).toBe(order.length);
  });

  it("S25: whoever brings no credential behind somebody who did is nobody", async () => {
    const cookie = await door.signIn(ALICE);
    const { ask } = await conversation();
    await ask(getAs(cookie));
    await ask(getAs(cookie));
    const answer = await ask(head("GET /agents/assistant/x HTTP/1.1", `Host: ${door.host}`));
    expect([answer.status, newRequests().length]).toEqual([401, 2]);
  });

  it("another agent is decided on anew, also for who repeats themselves", async () => {
    const cookie = await door.signIn(BOB);
    const { ask } = await conversation();
    const asked = ["assistant", "assistant", "coder"].map((agent) =>
      getAs(cookie).replace("assistant", agent),
    );
    const statuses: number[] = [];
    for (const bytes of asked) statuses.push((await ask(bytes)).status);
    expect([statuses, newRequests().length]).toEqual([[200, 200, 403], 2]);
  });
});

describe("a session that ends between two requests which are the same to the byte", () => {
  it("is over, and the next one of the same person is another", async () => {
    const cookie = await door.signIn(ALICE);
    const { ask, socket } = await conversation();
    for (let count = 0; count < 3; count += 1) expect((await ask(getAs(cookie))).status).toBe(200);
    await door.signOut(ALICE);
    const refused = await ask(getAs(cookie));
    expect([refused.status, refused.headers.get("connection"), newRequests().length]).toEqual([
      401,
      "close",
      3,
    ]);
    await expect.poll(() => socket.destroyed).toBe(true);
    const another = await conversation();
    const again = await door.signIn(ALICE);
    for (let count = 0; count < 2; count += 1) expect((await another.ask(getAs(again))).status).toBe(200);
    expect((await another.ask(getAs(cookie))).status).toBe(401);
  });

  it("by an edit of the policy is refused for what is no longer granted", async () => {
    const cookie = await door.signIn(ALICE);
    const { ask } = await conversation();
    for (let count = 0; count < 3; count += 1) expect((await ask(getAs(cookie))).status).toBe(200);
    await door.editPolicy({ access: { ...ACCESS, users: { "alice@example.com": { deny: true } } } });
    const { status } = await ask(getAs(cookie));
    await door.editPolicy({ access: ACCESS });
    expect([status, newRequests().length]).toEqual([403, 3]);
  });
});

describe("fields that differ by one byte from those before", () => {
  it.each<readonly [string, (whole: string) => string, number]>([
    [
      "a cookie's last letter",
      (whole) => whole.replace(/.(?=\r\n\r\n)/, (last) => (last === "A" ? "B" : "A")),
      401,
    ],
    ["a cookie's name", (whole) => whole.replace("gatehouse=", "gatehousf="), 401],
    ["a cookie more", (whole) => whole.replace(/\r\n\r\n/, "; gatehouse=x\r\n\r\n"), 401],
    ["the host", (whole) => whole.replace("localhost", "localhosu"), 421],
    ["the host's port", (whole) => whole.replace(/(Host: .*)\d\r\n/, "$1\r\n"), 421],
    ["no host", (whole) => whole.replace("Host:", "Hosu:"), 400],
    [
      "an authorization beside the cookie",
      (whole) => whole.replace("\r\n\r\n", "\r\nAuthorization: Basic YTpi\r\n\r\n"),
      400,
    ],
  ])("%s: is another request", async (_what, change, status) => {
    const cookie = await door.signIn(ALICE);
    const { ask } = await conversation();
    const whole = getAs(cookie);
    for (let count = 0; count < 3; count += 1) expect((await ask(whole)).status).toBe(200);
    expect(change(whole)).not.toBe(whole);
    const answer = await ask(change(whole));
    expect([answer.status, newRequests().length]).toEqual([status, 3]);
  });
});

describe("headers that name somebody", () => {
  const FORGED = [
    "X-User-Id: root",
    "x-user-id: root",
    "X_User_Id: root",
    "X-User-Email: root@example.com",
    "X-User-Groups: admins",
    "X-Forwarded-User: root",
    "X_Forwarded_User: root",
    "x-corp-LOGIN: root",
    "X_Corp_Login: root",
    "Remote_Groups: admins",
    "X-Gateway-Assertion: root",
    "X-Forwarded-For: 127.0.0.1",
    "X-Forwarded-Host: evil.example",
    "Forwarded: for=root",
    "X-SSL-Client-S-DN: CN=root",
  ];

  it("S1 to S6, S18, S21: never pass, neither the first time nor when they are repeated", async () => {
    const cookie = await door.signIn(ALICE);
    const { ask } = await conversation();
    await ask(getAs(cookie));
    for (let count = 0; count < 3; count += 1) expect((await ask(getAs(cookie, ...FORGED))).status).toBe(200);
    const requests = newRequests();
    expect(requests.map(toldOf)).toEqual(requests.map(() => expected(ALICE)));
    const [clean = [], ...forged] = requests.map(({ headers }) =>
      headers.filter(([name]) => name !== "x-request-id" && name !== "traceparent"),
    );
    expect(forged).toEqual(forged.map(() => clean));
  });

  it("S7 to S9: cannot be taken away by Connection", async () => {
    const cookie = await door.signIn(ALICE);
    const { ask } = await conversation();
    await ask(getAs(cookie));
    await ask(getAs(cookie));
    const answer = await ask(
      getAs(cookie, "Connection: keep-alive, x-gateway-assertion, x-user-id, x-corp-login"),
    );
    expect([answer.status, newRequests().map(toldOf)]).toEqual([200, new Array(3).fill(expected(ALICE))]);
  });
});

describe("a request in two pieces, cut anywhere", () => {
  const about = ({ status, body }: { status: number; body: string }) => [status, body];
  /** What a gateway got, but for what says which request it is. */
  const got = ({ method, target, headers }: RecordedRequest) => ({
    method,
    target,
    headers: headers.filter(([name]) => name !== "x-request-id" && name !== "traceparent"),
  });

  it("S99: is answered, and passed on, like one that comes whole", async () => {
    const cookie = await door.signIn(ALICE);
    const bytes = head(
      "GET /agents/assistant/x?a=b HTTP/1.1",
      `Host: ${door.host}`,
      "Accept: */*",
      `Cookie: ${cookie}`,
    );
    const whole = await (await conversation()).ask(bytes);
    const [expectedRequest = expect.fail("nothing was passed on")] = newRequests().map(got);
    const offsets = Array.from({ length: bytes.length - 1 }, (_, index) => index + 1);
    const answers = await Promise.all(
      offsets.map(async (offset) => {
        const { ask, socket, close } = await conversation();
        socket.setNoDelay(true).write(bytes.slice(0, offset));
        // The door has the first piece when it has answered somebody who asked behind it.
        await (await conversation()).ask(bytes);
        const answer = await ask(bytes.slice(offset));
        close();
        return answer;
      }),
    );
    expect(answers.map(about)).toEqual(offsets.map(() => about(whole)));
    expect(newRequests().map(got)).toEqual(new Array(1 + 2 * offsets.length).fill(expectedRequest));
  });
});
