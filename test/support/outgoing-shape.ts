// What a gateway received, as a list to compare whole: what differs each time becomes a placeholder once its form
// is checked, and an assertion must speak of the expected person.
import type { RecordedRequest } from "./recorder-gateway.ts";

const VARIABLE: Readonly<Record<string, RegExp>> = {
  "x-request-id": /^r_[A-Za-z0-9_-]{22}$/,
  traceparent: /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/,
};

/** Headers in order, names as received. A value that is not of its form stays as it is and fails the comparison. */
export function shapeOf({ headers }: RecordedRequest): (readonly [string, string])[] {
  return headers.map(([name, value]) => {
    if (name === "x-gateway-assertion") return [name, `<assertion of ${subjectOf(value)}>`];
    return [name, VARIABLE[name]?.test(value) === true ? `<${name}>` : value];
  });
}

function subjectOf(assertion: string): string {
  const claims: unknown = JSON.parse(
    Buffer.from(assertion.split(".")[1] ?? "", "base64url").toString("utf8"),
  );
  return String((claims as Record<string, unknown>)["sub"]);
}
