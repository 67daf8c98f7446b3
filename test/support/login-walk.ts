// The door's half of a login, step by step with raw requests, so that a test can change what comes between.
import { expect } from "vitest";
import { type FaultProvider, idTokenClaims, signIdToken } from "./fault-provider.ts";
import type { AuditLine, FrontDoorFixture } from "./front-door-fixture.ts";
import { head, type RawAnswer, rawExchange } from "./raw-client.ts";

export type BegunLogin = {
  /** What the provider was asked for. */
  readonly asked: URLSearchParams;
  /** The browser's record of this login, as a `Cookie` value. */
  readonly cookie: string;
  readonly answer: RawAnswer;
};

export async function beginLogin(
  door: FrontDoorFixture,
  target = "/auth/login",
  ...lines: readonly string[]
): Promise<BegunLogin> {
  const answer = await navigate(door, target, ...lines);
  const location = answer.headers.get("location");
  if (location === undefined) throw new Error(`no login began: ${answer.text}`);
  const cookie = cookiesSetBy(answer).get("gatehouse-login") ?? "";
  return { asked: new URL(location).searchParams, cookie: `gatehouse-login=${cookie}`, answer };
}

/** What the provider would answer to this login, with members changed; `undefined` leaves one out. */
export function callbackQuery(
  begun: BegunLogin,
  changes: Readonly<Record<string, string | undefined>> = {},
): string {
  const query = new URLSearchParams();
  const members = { code: "a-code", state: begun.asked.get("state") ?? "", ...changes };
  for (const [name, value] of Object.entries(members)) if (value !== undefined) query.append(name, value);
  return `${query}`;
}

/** @param provider the one whose own address it is, where there are several */
export function comeBack(
  door: FrontDoorFixture,
  query: string,
  cookie?: string,
  provider?: string,
): Promise<RawAnswer> {
  const path = provider === undefined ? "/auth/callback" : `/auth/callback/${provider}`;
  return navigate(door, `${path}?${query}`, ...(cookie === undefined ? [] : [`Cookie: ${cookie}`]));
}

export function navigate(
  door: FrontDoorFixture,
  target: string,
  ...lines: readonly string[]
): Promise<RawAnswer> {
  return rawExchange(
    door.port,
    head(
      `GET ${target} HTTP/1.1`,
      `Host: ${door.host}`,
      "Accept: text/html",
      "Sec-Fetch-Mode: navigate",
      ...lines,
    ),
  );
}

/** The ID token that a truthful provider gives for this login, with claims changed. */
export function truthOf(
  provider: FaultProvider,
  begun: BegunLogin,
  changes: Readonly<Record<string, unknown>> = {},
): string {
  return signIdToken(provider.key, idTokenClaims(provider.issuer, begun.asked.get("nonce"), changes));
}

/** `GET /api/me` with the session that this answer set, if it set one. */
export function meAfter(door: FrontDoorFixture, answer: RawAnswer): Promise<RawAnswer> {
  const session = cookiesSetBy(answer).get("gatehouse");
  const lines = session === undefined ? [] : [`Cookie: gatehouse=${session}`];
  return rawExchange(door.port, head("GET /api/me HTTP/1.1", `Host: ${door.host}`, ...lines));
}

/** Asserts a refused login: a page with these words that nobody keeps, and no session. */
export function expectRefused(answer: RawAnswer, status: number, words: string | RegExp): void {
  expect({
    status: answer.status,
    type: answer.headers.get("content-type"),
    cache: answer.headers.get("cache-control"),
    session: cookiesSetBy(answer).has("gatehouse"),
  }).toEqual({ status, type: "text/html; charset=utf-8", cache: "no-store", session: false });
  expect(answer.body).toMatch(words);
}

export function loginsIn(lines: readonly AuditLine[]): unknown[] {
  return lines
    .filter(({ kind }) => kind === "login")
    .map(({ outcome, code, reason }) => [outcome, code, reason]);
}

/** By name; a cookie being deleted has an empty value. */
export function cookiesSetBy(answer: RawAnswer): ReadonlyMap<string, string> {
  return new Map(setCookieLines(answer).map((line) => splitAt(line.split(";")[0] ?? "", "=")));
}

export function setCookieLines({ text }: RawAnswer): readonly string[] {
  return (text.split("\r\n\r\n")[0] ?? "")
    .split("\r\n")
    .filter((line) => /^set-cookie:/i.test(line))
    .map((line) => line.slice("set-cookie:".length).trim());
}

function splitAt(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return [text.slice(0, at), text.slice(at + 1)];
}
