import { expect, test } from "vitest";
import { gatewayId } from "../../../config/field-values.ts";
import { answerFault, connectFault } from "../../../proxy/forward/gateway-fault.ts";

const CLOUD = gatewayId.parse("cloud");
const coded = (code: string) => Object.assign(new Error("something"), { code });

test.each([
  [
    Object.assign(new Error("x"), { fault: "certificate is not the pinned one: …" }),
    "certificate is not the pinned one: …",
  ],
  [coded("ECONNREFUSED"), "ECONNREFUSED"],
])("an endpoint that could not be reached is down, and why is for operations: %s", (error, down) => {
  expect(connectFault(error, CLOUD)).toEqual({
    denial: { code: "gateway_unavailable", gateway: "cloud" },
    down,
  });
});

test("what this process has run out of says nothing about the endpoint", () => {
  expect(connectFault(coded("EMFILE"), CLOUD)).toEqual({
    denial: { code: "overloaded", what: "connections to gateways" },
    down: undefined,
  });
});

test("whoever gives a wrong answer is there", () => {
  expect(answerFault("a malformed chunk", CLOUD)).toEqual({
    denial: { code: "gateway_answer_invalid", gateway: "cloud", what: "a malformed chunk" },
    down: undefined,
  });
});
