import { describe, expect, it } from "vitest";
import type { AssertionUse } from "../../../core/assertion.ts";
import { newSessionId } from "../../../core/ids.ts";
import { createAssertions } from "../../../proxy/assert/assertions.ts";
import { generateEcKeyPair } from "../../../token-exchange/ec-key-pair.ts";
import type { AssertionSubject } from "../../../token-exchange/issue-assertion.ts";
import type { Keyring } from "../../../token-exchange/keyring.ts";
import { agentId } from "../../support/assertion-fixture.ts";
import { verifiedAlice } from "../../support/identity-fixture.ts";
import { createManualClock } from "../../support/manual-clock.ts";
import { NOW } from "../../support/provider-fixture.ts";

const ALICE = verifiedAlice();

function setUp() {
  const clock = createManualClock(NOW);
  let pair = generateEcKeyPair();
  const keyring = {
    issuer: "gatehouse",
    signingKey: () => ({ kid: pair.jwk.kid, key: pair.privateKey }),
  } as unknown as Keyring;
  const assertionOf = createAssertions({ keyring, clock });
  const ask = (changes: Partial<AssertionSubject> = {}) =>
    assertionOf({
      identity: ALICE,
      agents: [agentId("coder")],
      audience: "cloud/cloud-1",
      use: "http",
      ...changes,
    }).token;
  return {
    clock,
    ask,
    rotate() {
      pair = generateEcKeyPair();
    },
  };
}

describe("an assertion for plain requests", () => {
  it("is shared by the requests of 30 seconds", () => {
    const { ask, clock } = setUp();
    const first = ask();
    clock.advance(29_999);
    expect(ask()).toBe(first);
    clock.advance(1);
    expect(ask()).not.toBe(first);
  });

  it("is shared no longer than the proof of the identity holds", () => {
    const { ask, clock } = setUp();
    const identity = verifiedAlice({ expiresAt: NOW + 10_000 });
    const first = ask({ identity });
    clock.advance(9_999);
    expect(ask({ identity })).toBe(first);
    clock.advance(1);
    expect(ask({ identity })).not.toBe(first);
  });

  it.each<[string, Partial<AssertionSubject>]>([
    ["another proof of the same person", { identity: verifiedAlice() }],
    ["another session", { identity: verifiedAlice({ sid: newSessionId() }) }],
    ["another endpoint", { audience: "cloud/cloud-2" }],
    ["another agent", { agents: [agentId("analyst")] }],
    ["more agents", { agents: [agentId("coder"), agentId("analyst")] }],
    ["a gateway that is told the groups", { groups: ALICE.groups }],
  ])("is not shared with %s", (_what, changes) => {
    const { ask } = setUp();
    expect(ask(changes)).not.toBe(ask());
  });

  it("is not shared once another key signs", () => {
    const { ask, rotate } = setUp();
    const first = ask();
    rotate();
    expect(ask()).not.toBe(first);
  });

  it("is not shared after the clock was set back to before it was made", () => {
    const { ask, clock } = setUp();
    const first = ask();
    clock.advance(-1);
    expect(ask()).not.toBe(first);
  });
});

describe.each<AssertionUse>(["upgrade", "direct"])("an assertion for a WebSocket (%s)", (own) => {
  it.each<AssertionUse>(["http", "upgrade", "direct"])("is never one that was made for %s before", (use) => {
    const { ask } = setUp();
    expect(ask({ use: own })).not.toBe(ask({ use }));
    expect(ask({ use })).not.toBe(ask({ use: own }));
  });
});
