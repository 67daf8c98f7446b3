import { describe, expect, it } from "vitest";
import type { Fetch } from "../../web/client/ask-door.ts";
import { endMyOtherSessions, endMySession, listMySessions } from "../../web/client/my-sessions.ts";
import { createManualTimers } from "./manual-timers.ts";

const { after } = createManualTimers();

function door(answer: () => Response | Promise<Response>) {
  const asked: unknown[] = [];
  const fetch: Fetch = async (url, { method = "GET", credentials, redirect }) => {
    asked.push([method, url, credentials, redirect]);
    return answer();
  };
  return { asked, deps: { fetch, after } };
}

const json = (status: number, body: unknown) => () => new Response(JSON.stringify(body), { status });
const nobody = () => Promise.reject(new TypeError("network"));
const SESSION = { sid: "s_1", current: true };

describe("my sessions", () => {
  it("are asked for with this site's cookie, and listed as they come", async () => {
    const { asked, deps } = door(json(200, { sessions: [SESSION] }));
    expect(await listMySessions(deps)).toEqual([SESSION]);
    expect(asked).toEqual([["GET", "/api/me/sessions", "same-origin", "error"]]);
  });

  it.each([
    ["an error", json(503, { error: { code: "store_unavailable" } })],
    ["something else", json(200, { sessions: "none" })],
    ["no JSON", () => new Response("<html>", { status: 200 })],
    ["nobody", nobody],
  ])("cannot be told when the answer is %s", async (_what, answer) => {
    expect(await listMySessions(door(answer).deps)).toBe(undefined);
  });

  it("end one by one, by an id that stays one segment of the path", async () => {
    const { asked, deps } = door(json(200, { ended: ["s_2"] }));
    expect(await endMySession(deps, "s_2/../x")).toBe(true);
    expect(asked).toEqual([["DELETE", "/api/me/sessions/s_2%2F..%2Fx", "same-origin", "error"]]);
  });

  it("count as ended when they were gone already, and as open when nobody says so", async () => {
    expect(await endMySession(door(json(404, {})).deps, "s_2")).toBe(true);
    expect(await endMySession(door(json(503, {})).deps, "s_2")).toBe(false);
    expect(await endMySession(door(nobody).deps, "s_2")).toBe(false);
  });

  it("end all but this one by one request", async () => {
    const { asked, deps } = door(json(200, { ended: [] }));
    expect(await endMyOtherSessions(deps)).toBe(true);
    expect(asked).toEqual([["DELETE", "/api/me/sessions", "same-origin", "error"]]);
    expect(await endMyOtherSessions(door(json(403, {})).deps)).toBe(false);
  });
});
