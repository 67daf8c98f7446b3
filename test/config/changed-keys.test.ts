import { expect, test } from "vitest";
import { changedKeys } from "../../config/changed-keys.ts";

const BEFORE = {
  publicUrl: "https://a.example",
  encryptionKey: Buffer.alloc(32, 1),
  limits: { sockets: 1, perUser: 2 },
  scopes: ["openid"],
};

test.each([
  ["nothing", { encryptionKey: Buffer.alloc(32, 1), scopes: ["openid"] }, []],
  ["one value", { publicUrl: "https://b.example" }, ["publicUrl"]],
  ["bytes, as one value", { encryptionKey: Buffer.alloc(32, 2) }, ["encryptionKey"]],
  ["a list, as one value", { scopes: ["openid", "email"] }, ["scopes"]],
  ["inside a table", { limits: { sockets: 1, perUser: 3 } }, ["limits.perUser"]],
  [
    "a key that is gone and one that is new",
    { limits: { sockets: 1, all: 3 } },
    ["limits.perUser", "limits.all"],
  ],
  ["a table in a value's place", { publicUrl: { host: "a" } }, ["publicUrl"]],
])("names %s", (_what, change, keys) => {
  expect(changedKeys(BEFORE, { ...BEFORE, ...change })).toEqual(keys);
});
