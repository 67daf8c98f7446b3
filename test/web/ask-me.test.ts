import { describe, expect, it } from "vitest";
import type { Fetch } from "../../web/client/ask-door.ts";
import { askMe } from "../../web/client/ask-me.ts";
import { refusal, signedIn } from "./fake-gateway.ts";
import { createManualTimers, settled } from "./manual-timers.ts";

const { after } = createManualTimers();
const answering =
  (answer: () => Response): Fetch =>
  (_url, _init) =>
    Promise.resolve(answer());

describe("asking who I am", () => {
  it("sends the session cookie to this site only, follows no redirect and takes nothing from a cache", async () => {
    const requests: unknown[] = [];
    await askMe({
      after,
      fetch: async (url, { signal, ...init }) => {
        requests.push([url, init]);
        return signedIn("up")();
      },
    });
    expect(requests).toEqual([
      [
        "/api/me",
        {
          headers: { accept: "application/json" },
          credentials: "same-origin",
          cache: "no-store",
          redirect: "error",
        },
      ],
    ]);
  });

  it("tells a person who is signed in", async () => {
    const outcome = await askMe({ after, fetch: answering(signedIn("up")) });
    expect(outcome).toEqual({ kind: "signed_in", me: await signedIn("up")().json() });
  });

  it.each([
    [403, "user_denied", "denied"],
    [400, "credentials_ambiguous", "denied"],
  ])("turns %i %s into %s with the front door's words", async (status, code, kind) => {
    const outcome = await askMe({ after, fetch: answering(refusal(status, code, "These words.")) });
    expect(outcome).toEqual({
      kind,
      refusal: { message: "These words.", requestId: "r_1", contact: "it@example.com" },
    });
  });

  it.each(["session_missing", "session_ended"])("says of %s that the session has ended", async (code) => {
    const outcome = await askMe({ after, fetch: answering(refusal(401, code, "Please sign in.")) });
    expect(outcome).toEqual({
      kind: "signed_out",
      refusal: {
        message: "Your session has ended. Sign in again.",
        requestId: "r_1",
        contact: "it@example.com",
      },
    });
  });

  it.each([429, 500, 502, 503])("takes %i as temporary and keeps Retry-After", async (status) => {
    const outcome = await askMe({ after, fetch: answering(refusal(status, "x", "Later.")) });
    expect(outcome).toEqual({
      kind: "unavailable",
      refusal: { message: "Later.", requestId: "r_1", contact: "it@example.com" },
      retryAfterMs: 7_000,
    });
  });

  it.each([
    ["an HTML page", () => new Response("<h1>nginx</h1>", { status: 502 })],
    ["a success that is not JSON", () => new Response("<h1>captive portal</h1>", { status: 200 })],
    ["a success without agents", () => new Response("{}", { status: 200 })],
    ["JSON null", () => new Response("null", { status: 200 })],
    ["a refusal of another form", () => new Response('{"error":"no"}', { status: 503 })],
  ])("takes %s as unavailable, never as signed out", async (_name, answer) => {
    const outcome = await askMe({ after, fetch: answering(answer) });
    expect(outcome.kind).toBe("unavailable");
  });

  it("takes a network that is away as unavailable", async () => {
    const outcome = await askMe({ after, fetch: () => Promise.reject(new TypeError("Failed to fetch")) });
    expect(outcome).toEqual({
      kind: "unavailable",
      refusal: {
        message: "The front door is not answering. Is the network there?",
        requestId: null,
        contact: null,
      },
      retryAfterMs: 0,
    });
  });

  it("stops waiting after ten seconds", async () => {
    const timers = createManualTimers();
    let kind: string | undefined;
    const hanging: Fetch = (_url, { signal }) =>
      new Promise((_resolve, reject) =>
        signal?.addEventListener("abort", () => reject(new Error("aborted"))),
      );
    void askMe({ after: timers.after, fetch: hanging }).then((outcome) => {
      kind = outcome.kind;
    });
    await timers.advance(9_999);
    expect(kind).toBeUndefined();
    await timers.advance(1);
    await settled();
    expect(kind).toBe("unavailable");
  });
});
