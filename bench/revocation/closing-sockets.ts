// Signs people in and opens WebSockets through the front door; notes, on this process's monotonic clock, when each
// one's close frame arrived.
import { randomUUID } from "node:crypto";
import { WebSocket } from "ws";
import { signIn } from "../door/sign-in.ts";
import type { FakeProvider, Person } from "./fake-provider.ts";

export type SignedIn = { readonly person: Person; readonly cookie: string };

export type Closed = { readonly at: number; readonly code: number; readonly words: string };

export type ClosingSocket = { readonly session: SignedIn; readonly closed: Promise<Closed> };

const CONNECT = JSON.stringify({
  type: "req",
  id: "1",
  method: "connect",
  params: {
    minProtocol: 4,
    maxProtocol: 4,
    client: { id: "test", version: "1", platform: "bench", mode: "test" },
    role: "operator",
    scopes: [],
  },
});

/** How many logins or handshakes are under way at once. */
const AT_ONCE = 32;

export async function signInAll(
  publicUrl: string,
  provider: FakeProvider,
  people: readonly Person[],
  expiresInSeconds = 3_600,
): Promise<readonly SignedIn[]> {
  const door = { origin: publicUrl, loginPath: "/auth/login", callbackPath: "/auth/callback" };
  return inBatches(people, async (person) => ({
    person,
    cookie: await signIn(door, provider, person, expiresInSeconds),
  }));
}

export function peopleIn(group: string, count: number): readonly Person[] {
  return Array.from({ length: count }, () => ({
    subject: `p-${randomUUID()}`,
    groups: [group],
    providerSid: randomUUID(),
  }));
}

export async function openSockets(
  publicUrl: string,
  sessions: readonly SignedIn[],
): Promise<readonly ClosingSocket[]> {
  return inBatches(sessions, (session) => openSocket(publicUrl, session));
}

function openSocket(publicUrl: string, session: SignedIn): Promise<ClosingSocket> {
  const url = `${publicUrl.replace(/^http/, "ws")}/agents/assistant/ws`;
  const headers = { cookie: session.cookie, origin: publicUrl };
  const socket = new WebSocket(url, { headers, perMessageDeflate: false });
  // The close frame is the last that arrives; `close` itself comes only when both sides are torn down.
  let lastDataAt = Number.NaN;
  socket.on("upgrade", (answer) =>
    answer.socket.prependListener("data", () => {
      lastDataAt = performance.now();
    }),
  );
  return new Promise((resolve, reject) => {
    const closed = new Promise<Closed>((done) =>
      socket.on("close", (code, reason) => done({ at: lastDataAt, code, words: reason.toString() })),
    );
    socket.on("error", reject);
    // The challenge is answered; what comes then is the welcome: this connection is admitted.
    socket.once("message", () => {
      socket.send(CONNECT);
      socket.once("message", () => resolve({ session, closed }));
    });
  });
}

async function inBatches<In, Out>(
  items: readonly In[],
  work: (item: In) => Promise<Out>,
): Promise<readonly Out[]> {
  const done: Out[] = [];
  for (let index = 0; index < items.length; index += AT_ONCE) {
    done.push(...(await Promise.all(items.slice(index, index + AT_ONCE).map(work))));
  }
  return done;
}
