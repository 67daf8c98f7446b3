import type { Response } from "express";
import { describe, expect, it } from "vitest";
import { createLastProvider } from "../../../proxy/pages/last-provider.ts";
import { parsedRequest } from "../request-fixture.ts";

const asks = (cookie?: string) =>
  parsedRequest({ headers: new Map(cookie === undefined ? [] : [["cookie", cookie]]) });

describe("the provider last used", () => {
  it.each([
    ["https://agents.example.com", "__Host-gatehouse-provider", true],
    ["http://localhost:8080", "gatehouse-provider", false],
  ])("is kept for a year by the browser of %s, on this host alone", (publicUrl, cookieName, secure) => {
    const set: unknown[] = [];
    const response = { cookie: (...args: unknown[]) => void set.push(args) } as unknown as Response;
    createLastProvider(publicUrl).remember(response, "okta");
    const attributes = { httpOnly: true, secure, sameSite: "lax", path: "/", maxAge: 31_536_000_000 };
    expect(set).toEqual([[cookieName, "okta", attributes]]);
  });

  it.each([
    [undefined, undefined],
    ["a=b", undefined],
    ["gatehouse-provider=okta", "okta"],
    ["a=b; gatehouse-provider=okta; c=d", "okta"],
    ["gatehouse-provider=okta; gatehouse-provider=partner", undefined],
    ["__Host-gatehouse-provider=okta", undefined],
    ["xgatehouse-provider=okta", undefined],
  ])("is read from %j as %j", (cookie, expected) => {
    expect(createLastProvider("http://localhost:8080").of(asks(cookie))).toBe(expected);
  });
});
