import { expect, test } from "vitest";
import { deepFreeze } from "../../config/deep-freeze.ts";

test("nothing inside can be changed, at any depth", () => {
  const value = deepFreeze({ list: [{ deep: 1 }], map: new Map([["key", { deep: [1] }]]) });
  expect(() => Object.assign(value.list[0] ?? {}, { deep: 2 })).toThrow(TypeError);
  expect(() => value.list.push({ deep: 2 })).toThrow(TypeError);
  expect(() => value.map.set("other", { deep: [] })).toThrow("the configuration cannot be changed");
  expect(() => value.map.delete("key")).toThrow("the configuration cannot be changed");
  expect(() => value.map.get("key")?.deep.push(2)).toThrow(TypeError);
  expect(value).toEqual({ list: [{ deep: 1 }], map: new Map([["key", { deep: [1] }]]) });
});

test("bytes stay what they are", () => {
  expect(deepFreeze({ key: Buffer.from("abc") }).key.toString()).toBe("abc");
});
