import { expect, test } from "vitest";
import { answerTo } from "../../../core/denial-answer.ts";
import { DENIAL_SAMPLES } from "../../../dev/denial-samples.ts";
import { nextStep } from "../../../proxy/refuse/next-step.ts";

const HERE = "/agents/coder/files?x=1";
const none = { again: null, start: true, otherAccount: false };

test.each([
  ["agent_not_allowed", { ...none, otherAccount: true }],
  ["user_denied", { again: null, start: false, otherAccount: true }],
  ["path_unknown", none],
  ["body_too_large", none],
  ["home_unavailable", { ...none, again: { label: "Try again", href: HERE } }],
  ["too_many_attempts", { ...none, again: { label: "Try again", href: HERE } }],
  ["access_changed", { ...none, again: { label: "Try again", href: HERE } }],
  ["login_link_used", { ...none, again: { label: "Sign in again", href: HERE } }],
  ["signed_in_otherwise", { again: { label: "Go on", href: HERE }, start: true, otherAccount: true }],
  [
    "session_ended",
    {
      ...none,
      again: { label: "Sign in", href: "/auth/login?return_to=%2Fagents%2Fcoder%2Ffiles%3Fx%3D1" },
    },
  ],
] as const)("after %s the way forward is %j", (code, step) => {
  expect(nextStep(answerTo(DENIAL_SAMPLES[code]), HERE)).toEqual(step);
});

test("the start page does not lead to itself", () => {
  expect(nextStep(answerTo(DENIAL_SAMPLES.store_unavailable), "/")).toEqual({
    again: { label: "Try again", href: "/" },
    start: false,
    otherAccount: false,
  });
});

test("nobody is asked to do again what might be done twice, but may sign in", () => {
  expect(nextStep(answerTo(DENIAL_SAMPLES.home_unavailable), null)).toEqual(none);
  expect(nextStep(answerTo(DENIAL_SAMPLES.session_missing), null)).toEqual({
    ...none,
    again: { label: "Sign in", href: "/auth/login?return_to=%2F" },
  });
});
