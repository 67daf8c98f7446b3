// What nginx passes on as the data plane is what the front door would: both are held to docs/headers.md.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { answerHeaders, NOT_THE_GATEWAYS } from "../../proxy/forward/answer-headers.ts";

const root = new URL("../../", import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), "utf8");
const toGateway = read("nginx/parts/to-gateway.conf");
const documented = read("docs/headers.md");

/** Names in backticks. */
function namesIn(text: string): string[] {
  return [...text.matchAll(/`([a-z0-9-]+)`/g)].map(([, name = ""]) => name);
}

function section(title: string): string {
  const from = documented.indexOf(`## ${title}\n`);
  return documented.slice(from, documented.indexOf("\n## ", from + 1));
}

/** Header → the variable that it is set from. */
const set = new Map(
  [...toGateway.matchAll(/^proxy_set_header ([\w-]+) +\$(\w+);$/gm)].map(([, name = "", value = ""]) => [
    name.toLowerCase(),
    value,
  ]),
);

test("of the client's headers nginx passes on those that the front door passes on, and no others", () => {
  const rows = section("Of the client's headers")
    .split("\n")
    .filter((line) => line.startsWith("| ") && !line.startsWith("| for"));
  // Length and chunks are nginx's own to write.
  const expected = namesIn(rows.join()).filter((name) => !/^(content-length|transfer-encoding)$/.test(name));
  const passed = [...set].filter(([, value]) => value.startsWith("http_"));
  expect(passed.map(([name]) => name).sort()).toEqual(expected.sort());
  for (const [name, value] of passed) expect(value).toBe(`http_${name.replaceAll("-", "_")}`);
});

test("what the front door writes nginx takes from its answer alone", () => {
  const rows = section("Written by the front door").split("\n");
  const names = namesIn(rows.map((row) => row.split("|")[1] ?? "").join());
  const own = new Set(["host", "connection", "upgrade"]);
  const expected = names.filter((name) => !own.has(name) && name !== "userheader");
  const taken = [...set].filter(([name, value]) => value.startsWith("gatehouse_") && !own.has(name));
  expect(taken.map(([name]) => name).sort()).toEqual(expected.sort());
});

test("nothing of the client's goes on by itself", () => {
  for (const file of ["to-gateway.conf", "verify.conf"])
    expect(read(`nginx/parts/${file}`)).toContain("\nproxy_pass_request_headers off;\n".trim());
});

test("of a gateway's answer nginx hides what the front door drops", () => {
  const hidden = [...toGateway.matchAll(/^proxy_hide_header ([\w-]+);$/gm)].map(([, name = ""]) => name);
  const [dropped = ""] = section("Of the gateway's answer").split("The front door adds");
  // `connection` is nginx' own.
  const expected = namesIn(dropped).filter((name) => name !== "connection");
  expect(hidden.map((name) => name.toLowerCase()).sort()).toEqual(expected.sort());
  expect(expected.sort()).toEqual([...NOT_THE_GATEWAYS].sort());
  const said = NOT_THE_GATEWAYS.flatMap((name) => [name, "said by the gateway"]);
  const kept = answerHeaders(200, said, "r_1");
  expect(kept).not.toContain("said by the gateway");
});
