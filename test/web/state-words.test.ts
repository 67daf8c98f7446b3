import { describe, expect, it } from "vitest";
import { stateWords } from "../../web/chat/state-words.ts";
import type { ConnectionState } from "../../web/client/index.ts";

function signedOut(message: string): ConnectionState {
  return { kind: "signed_out", refusal: { message, requestId: "r_1", contact: null } };
}

describe("the connection's state in words", () => {
  it.each([
    ["Signed out in another tab or window.", "in another tab or window."],
    ["Signed out at your identity provider.", "at your identity provider."],
    ["Signed out.", undefined],
    ["An administrator ended your session.", "An administrator ended your session."],
    ["Signed outside.", "Signed outside."],
  ])("says after %j no word twice", (message, more) => {
    expect(stateWords(signedOut(message))).toEqual({ word: "Signed out", more });
  });

  it("says why there is no connection, and nothing of it while there is one or nobody knows", () => {
    const down = { kind: "gateway_down", message: "It is not answering.", inSeconds: 3 } as const;
    const states: ConnectionState[] = [down, { kind: "connected" }, { kind: "asking_why" }];
    expect(states.map(stateWords)).toEqual([
      { word: "Gateway down", more: "It is not answering." },
      { word: "Connected", more: undefined },
      { word: "Disconnected", more: undefined },
    ]);
  });
});
