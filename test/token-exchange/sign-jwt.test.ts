import { generateKeyPairSync, sign, verify } from "node:crypto";
import jsonwebtoken from "jsonwebtoken";
import { expect, it } from "vitest";
import { joseSignature, signJwt } from "../../token-exchange/sign-jwt.ts";

const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });

/** `3006 0201r 0201s` and the like. */
function der(r: string, s: string): Buffer {
  const number = (hex: string) => `02${(hex.length / 2).toString(16).padStart(2, "0")}${hex}`;
  const both = number(r) + number(s);
  return Buffer.from(`30${(both.length / 2).toString(16).padStart(2, "0")}${both}`, "hex");
}

it("signs exactly what it is given, with the type and the way to the key", () => {
  const claims = {
    iss: "gatehouse",
    name: "Zoë 🙂",
    iat: 1,
    exp: 4_000_000_000,
    nested: { list: [1, null] },
  };
  const token = signJwt(privateKey, "gateway+jwt", { kid: "one" }, claims);
  expect(jsonwebtoken.verify(token, publicKey, { algorithms: ["ES256"], complete: true })).toEqual({
    header: { alg: "ES256", typ: "gateway+jwt", kid: "one" },
    payload: claims,
    signature: token.split(".")[2],
  });
});

it("makes signatures that every verifier takes, whatever the two numbers begin with", () => {
  for (let count = 0; count < 600; count += 1) {
    const data = Buffer.from(`token ${count}`);
    const signature = joseSignature(sign("sha256", data, privateKey));
    expect(verify("sha256", data, { key: publicKey, dsaEncoding: "ieee-p1363" }, signature)).toBe(true);
  }
});

it.each([
  ["a number of few bytes", "05", "7f01", `${"05".padStart(64, "0")}${"7f01".padStart(64, "0")}`],
  ["a number of 32 bytes", "11".repeat(32), "22".repeat(32), "11".repeat(32) + "22".repeat(32)],
  ["a high bit", `00${"ff".repeat(32)}`, "0080", "ff".repeat(32) + "80".padStart(64, "0")],
])("writes %s into 32 bytes", (_what, r, s, expected) => {
  expect(joseSignature(der(r, s)).toString("hex")).toBe(expected);
});

it.each([
  ["nothing", Buffer.alloc(0)],
  ["something other than a sequence", Buffer.from("0406020105020107", "hex")],
  ["a sequence of another length", Buffer.from("3007020105020107", "hex")],
  ["something other than a number", Buffer.from("3006040105020107", "hex")],
  ["a number without bytes", Buffer.from("30050200020107", "hex")],
  ["a number past the end", Buffer.from("3006020105020207", "hex")],
  ["one number", Buffer.from("3003020105", "hex")],
  ["three numbers", Buffer.from("3009020105020107020109", "hex")],
  ["a number past 32 bytes", der("11".repeat(33), "22")],
  [
    "a signature on another curve",
    sign("sha256", Buffer.from("x"), generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey),
  ],
])("throws at %s", (_what, bytes) => {
  expect(() => joseSignature(bytes)).toThrow(RangeError);
});
