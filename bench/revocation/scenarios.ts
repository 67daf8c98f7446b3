// Every way in which access ends, as a measurement: sockets are opened, one request (or one act) ends them, and the
// time from sending that request to the close frame is noted for each socket.
import { request } from "undici";
import { systemClock } from "../../core/clock.ts";
import { adminRequest } from "./admin-request.ts";
import { type ClosingSocket, openSockets, peopleIn, type SignedIn, signInAll } from "./closing-sockets.ts";
import type { FakeProvider } from "./fake-provider.ts";
import type { Stack } from "./stack.ts";

export type Measured = {
  readonly source: string;
  /** Milliseconds from cause to close frame, one for each socket. */
  readonly times: readonly number[];
  /** Close code and words, which are the same for all of them. */
  readonly close: string;
};

export type Bench = { readonly stack: Stack; readonly provider: FakeProvider; readonly policy: BenchPolicy };

/** The policy files as the measurements change them. */
export type BenchPolicy = {
  access(without?: string): unknown;
  routes(moved?: string): unknown;
};

/** One socket for each of `count` people in `group`. */
async function open({ stack, provider }: Bench, group: string, count: number, expiresInSeconds?: number) {
  const sessions = await signInAll(stack.publicUrl, provider, peopleIn(group, count), expiresInSeconds);
  return openSockets(stack.publicUrl, sessions);
}

/** `count` sockets of one person, each with a session of its own. */
async function openOfOnePerson({ stack, provider }: Bench, count: number) {
  const [person] = peopleIn("staff", 1);
  if (person === undefined) throw new Error("no person");
  const people = Array.from({ length: count }, (_, index) => ({
    ...person,
    providerSid: `${person.providerSid}-${index}`,
  }));
  return openSockets(stack.publicUrl, await signInAll(stack.publicUrl, provider, people));
}

/** One cause after another, each for one socket. */
async function each(
  source: string,
  sockets: readonly ClosingSocket[],
  cause: (session: SignedIn) => Promise<unknown>,
): Promise<Measured> {
  const times: number[] = [];
  let close = "";
  for (const { session, closed } of sockets) {
    const sentAt = performance.now();
    const [end] = await Promise.all([closed, cause(session)]);
    times.push(end.at - sentAt);
    close = `${end.code} ${end.words}`;
  }
  return { source, times, close };
}

/** One cause for all sockets. */
async function all(
  source: string,
  sockets: readonly ClosingSocket[],
  cause: () => Promise<unknown>,
): Promise<Measured> {
  const sentAt = performance.now();
  const [ends] = await Promise.all([Promise.all(sockets.map(({ closed }) => closed)), cause()]);
  const [first] = ends;
  return { source, times: ends.map(({ at }) => at - sentAt), close: `${first?.code} ${first?.words}` };
}

export async function measureSignOut(bench: Bench, count: number): Promise<Measured> {
  return each("sign-out (`POST /auth/logout`)", await open(bench, "staff", count), ({ cookie }) =>
    ask(bench.stack, "POST", "/auth/logout", cookie),
  );
}

export async function measureEndFromList(bench: Bench, count: number): Promise<Measured> {
  const people = peopleIn("staff", count);
  const { publicUrl } = bench.stack;
  const elsewhere = people.map((person) => ({ ...person, providerSid: `${person.providerSid}-elsewhere` }));
  const actors = await signInAll(publicUrl, bench.provider, elsewhere);
  const cookies = new Map(actors.map(({ person, cookie }) => [person.subject, cookie]));
  const sockets = await openSockets(publicUrl, await signInAll(publicUrl, bench.provider, people));
  const sids = await sidsOf(bench.stack, sockets);
  return each(
    "one session ended from the list (`DELETE /api/me/sessions/{sid}`)",
    sockets,
    ({ person, cookie }) =>
      ask(bench.stack, "DELETE", `/api/me/sessions/${sids.get(cookie)}`, cookies.get(person.subject) ?? ""),
  );
}

export async function measureSignOutEverywhere(bench: Bench, count: number): Promise<Measured> {
  const [kept, ...sockets] = await openOfOnePerson(bench, count + 1);
  return all("sign-out everywhere else (`DELETE /api/me/sessions`)", sockets, () =>
    ask(bench.stack, "DELETE", "/api/me/sessions", kept?.session.cookie ?? ""),
  );
}

export async function measureBackChannelBySession(bench: Bench, count: number): Promise<Measured> {
  return each("back-channel logout, `sid`", await open(bench, "staff", count), ({ person }) =>
    backChannel(bench, { sid: person.providerSid }),
  );
}

export async function measureBackChannelBySubject(bench: Bench, count: number): Promise<Measured> {
  const sockets = await openOfOnePerson(bench, count);
  const subject = sockets[0]?.session.person.subject;
  return all("back-channel logout, `sub`", sockets, () => backChannel(bench, { sub: subject }));
}

export async function measureAdmin(bench: Bench, count: number): Promise<readonly Measured[]> {
  const { stack } = bench;
  const sessions = await open(bench, "staff", count);
  const sids = await sidsOf(stack, sessions);
  const one = await each("an administrator ends one session", sessions, ({ cookie }) =>
    adminRequest(stack.controlSocket, "POST", "/sessions/end", { sid: sids.get(cookie) }),
  );
  const person = await openOfOnePerson(bench, count);
  const who = `${person[0]?.session.person.subject}@example.com`;
  const user = await all("an administrator ends a person's sessions", person, () =>
    adminRequest(stack.controlSocket, "POST", "/users/end", { who }),
  );
  const group = await all(
    "an administrator ends a group's connections",
    await open(bench, "group-a", count),
    () => adminRequest(stack.controlSocket, "POST", "/groups/end", { group: "group-a" }),
  );
  const gateway = await all(
    "an administrator ends a gateway's connections",
    await open(bench, "boxed", count),
    () => adminRequest(stack.controlSocket, "POST", "/gateways/end", { gateway: "box" }),
  );
  return [one, user, group, gateway];
}

export async function measurePolicy(bench: Bench, count: number): Promise<readonly Measured[]> {
  const { stack, policy } = bench;
  const access = await all(
    "IT takes a group's agent away (`access.json5` saved)",
    await open(bench, "group-b", count),
    async () => stack.writePolicy("access.json5", policy.access("group-b")),
  );
  const routes = await all(
    "ops sends a group to another gateway (`routes.json5` saved)",
    await open(bench, "group-c", count),
    async () => stack.writePolicy("routes.json5", policy.routes("group-c")),
  );
  return [access, routes];
}

export async function measureKeys(bench: Bench, count: number): Promise<Measured> {
  return all(
    "emergency key rotation (`gatehouse keys rotate --now`)",
    await open(bench, "staff", count),
    () => adminRequest(bench.stack.controlSocket, "POST", "/keys/rotate", { now: true }),
  );
}

/** From the provider's answer, since no request of ours asks for the refresh. */
export async function measureRefresh(
  bench: Bench,
  count: number,
  source: string,
  answer: Parameters<FakeProvider["answerRefreshes"]>[0],
): Promise<Measured> {
  const { provider } = bench;
  provider.answerRefreshes(answer);
  // Long enough for all sockets to be open before the first refresh is due.
  const sockets = await open(bench, "staff", count, 60 + Math.ceil(count / 10));
  const ends = await Promise.all(sockets.map(({ closed }) => closed));
  const times = ends.map(({ at, code, words }, index) => {
    const answeredAt = provider.refreshedAt.get(sockets[index]?.session.person.subject ?? "");
    if (answeredAt === undefined) throw new Error(`a socket closed without a refresh: ${code} ${words}`);
    return at - answeredAt;
  });
  return { source, times, close: `${ends[0]?.code} ${ends[0]?.words}` };
}

/** From the moment that `/api/me` named as the session's end. */
export async function measureExpiry(bench: Bench, count: number): Promise<Measured> {
  const sockets = await open(bench, "staff", count);
  const expiries: number[] = [];
  for (const { session } of sockets) {
    const me = (await ask(bench.stack, "GET", "/api/me", session.cookie)) as {
      session: { expiresAt: string };
    };
    expiries.push(Date.parse(me.session.expiresAt) - performance.timeOrigin);
  }
  const ends = await Promise.all(sockets.map(({ closed }) => closed));
  const times = ends.map(({ at }, index) => at - (expiries[index] ?? Number.NaN));
  return { source: "a session's absolute end", times, close: `${ends[0]?.code} ${ends[0]?.words}` };
}

/** Many sockets of one group, ten to a session. */
export async function measureManyOfOneGroup(bench: Bench, count: number): Promise<Measured> {
  const perSession = 10;
  const people = peopleIn("many", Math.ceil(count / perSession));
  const sessions = await signInAll(bench.stack.publicUrl, bench.provider, people);
  const sockets = await openSockets(
    bench.stack.publicUrl,
    sessions.flatMap((session) => new Array<SignedIn>(perSession).fill(session)).slice(0, count),
  );
  return all(`${count.toLocaleString("en")} sockets of one group, ended by an administrator`, sockets, () =>
    adminRequest(bench.stack.controlSocket, "POST", "/groups/end", { group: "many" }),
  );
}

async function sidsOf(stack: Stack, sockets: readonly ClosingSocket[]): Promise<ReadonlyMap<string, string>> {
  const sids = new Map<string, string>();
  for (const { session } of sockets) {
    const me = (await ask(stack, "GET", "/api/me", session.cookie)) as { session: { sid: string } };
    sids.set(session.cookie, me.session.sid);
  }
  return sids;
}

async function backChannel(
  { stack, provider }: Bench,
  who: Readonly<Record<string, unknown>>,
): Promise<void> {
  const iat = Math.floor(systemClock.now() / 1000);
  const events = { "http://schemas.openid.net/event/backchannel-logout": {} };
  const token = provider.logoutToken({ iat, exp: iat + 120, jti: crypto.randomUUID(), events, ...who });
  const { statusCode, body } = await request(`${stack.publicUrl}/auth/backchannel-logout`, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({ logout_token: token }).toString(),
  });
  await body.dump();
  if (statusCode !== 200) throw new Error(`back-channel logout answered ${statusCode}`);
}

async function ask(
  stack: Stack,
  method: "GET" | "POST" | "DELETE",
  path: string,
  cookie: string,
): Promise<unknown> {
  const headers = { cookie, origin: stack.publicUrl, accept: "application/json", "sec-fetch-mode": "cors" };
  const { statusCode, body } = await request(`${stack.publicUrl}${path}`, { method, headers });
  const text = await body.text();
  if (statusCode >= 400) throw new Error(`${method} ${path} answered ${statusCode}: ${text}`);
  return text === "" ? undefined : JSON.parse(text);
}
