import type { IncomingMessage } from "node:http";
import { describe, expect, it } from "vitest";
import { originalRequest } from "../../../proxy/verify/original-request.ts";
import type { HeaderLine } from "../request-fixture.ts";

const DESCRIPTION: readonly HeaderLine[] = [
  ["X-Forwarded-Method", "POST"],
  ["X-Forwarded-Uri", "/agents/coder/files?a=b"],
  ["X-Forwarded-Host", "agents.example.com"],
];
const SOCKET = { remoteAddress: "127.0.0.1" };

/** As much of Node's request as is read. */
function asked(...headers: readonly HeaderLine[]): IncomingMessage {
  const headersDistinct: Record<string, string[]> = {};
  for (const [name, value] of headers) {
    const key = name.toLowerCase();
    headersDistinct[key] = [...(headersDistinct[key] ?? []), value];
  }
  const rawHeaders = headers.flat();
  const joined = Object.entries(headersDistinct).map(([name, values]) => [name, values.join(", ")]);
  return {
    method: "GET",
    url: "/auth/verify",
    rawHeaders,
    headersDistinct,
    headers: Object.fromEntries(joined),
    socket: SOCKET,
  } as unknown as IncomingMessage;
}

describe("the request that a proxy asks about", () => {
  it("is the client's, as the proxy describes it", () => {
    const question = asked(
      ["Host", "127.0.0.1:9464"],
      ["Connection", "close"],
      ...DESCRIPTION,
      ["X-Forwarded-For", "198.51.100.7"],
      ["Cookie", "a=b"],
      ["Origin", "https://agents.example.com"],
    );
    expect(originalRequest(question)).toEqual({
      ok: true,
      value: {
        isUpgrade: false,
        head: {
          method: "POST",
          url: "/agents/coder/files?a=b",
          httpVersion: "1.1",
          rawHeaders: [
            ...["Host", "agents.example.com"],
            ...["X-Forwarded-For", "198.51.100.7"],
            ...["Cookie", "a=b"],
            ...["Origin", "https://agents.example.com"],
          ],
          socket: SOCKET,
        },
      },
    });
  });

  it("is an upgrade when it has a handshake's key, whatever the proxy does with the hop's own headers", () => {
    const key = ["Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="] as const;
    for (const hop of [
      [],
      [["Connection", "close"]],
      [
        ["connection", "Upgrade"],
        ["UPGRADE", "websocket"],
      ],
    ] as const) {
      const question = originalRequest(asked(["Host", "localhost"], ...hop, ...DESCRIPTION, key));
      if (!question.ok) throw new Error(question.error);
      expect(question.value.isUpgrade).toBe(true);
      expect(question.value.head.rawHeaders).toEqual([
        ...["Host", "agents.example.com"],
        ...["Connection", "Upgrade", "Upgrade", "websocket"],
        ...key,
      ]);
    }
  });

  it.each(DESCRIPTION)("is not known without %s", (name) => {
    const without = DESCRIPTION.filter(([other]) => other !== name);
    const error = `${name.toLowerCase()} must be there exactly once`;
    expect(originalRequest(asked(["Host", "localhost"], ...without))).toEqual({ ok: false, error });
  });

  it.each(DESCRIPTION)("is not known with two of %s: one of them is the client's", (name) => {
    const error = `${name.toLowerCase()} must be there exactly once`;
    for (const spelled of [name, name.toUpperCase()])
      expect(originalRequest(asked(...DESCRIPTION, [spelled, "/agents/analyst/files"]))).toEqual({
        ok: false,
        error,
      });
  });
});
