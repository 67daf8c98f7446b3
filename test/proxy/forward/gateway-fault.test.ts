import { expect, test } from "vitest";
import { gatewayId } from "../../../config/field-values.ts";
import { gatewayFault } from "../../../proxy/forward/gateway-fault.ts";

const CLOUD = gatewayId.parse("cloud");
const coded = (code: unknown) => Object.assign(new Error("something"), { code });
const invalid = (what: string) => ({ code: "gateway_answer_invalid", gateway: "cloud", what });

test("an endpoint that could not be reached is down, and why is for operations", () => {
  const error = Object.assign(new Error("x"), { fault: "certificate is not the pinned one: …" });
  expect(gatewayFault(error, CLOUD)).toEqual({
    denial: { code: "gateway_unavailable", gateway: "cloud" },
    down: "certificate is not the pinned one: …",
  });
});

test("what this process has run out of says nothing about the endpoint", () => {
  expect(gatewayFault(coded("EMFILE"), CLOUD)).toEqual({
    denial: { code: "overloaded", what: "connections to gateways" },
    down: undefined,
  });
});

test.each([
  [coded("ECONNRESET"), "ECONNRESET"],
  [coded("HPE_INVALID_CONSTANT"), "HPE_INVALID_CONSTANT"],
  [coded(20), "unknown"],
  ["nothing", "unknown"],
  [null, "unknown"],
  [undefined, "unknown"],
])("whatever else went wrong, something was there: %s", (error, what) => {
  expect(gatewayFault(error, CLOUD)).toEqual({ denial: invalid(what), down: undefined });
});
