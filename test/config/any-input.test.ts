import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import fc from "fast-check";
import JSON5 from "json5";
import { expect, test } from "vitest";
import { loadFrontDoor, loadGateway } from "../../config/load.ts";
import { ConfigError } from "../../core/config-error.ts";
import { ACCESS, FRONT_DOOR, frontDoorWith, GATEWAY, ROUTES, reference } from "./config-folder.ts";

const NAMES = ["access.json5", "routes.json5", "front-door.json5", "gateway.json5"];
const VALID = [ACCESS, ROUTES, FRONT_DOOR, GATEWAY];
const SECRET = "swordfish-and-chips";

const garbage = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.json(),
  fc.jsonValue().map((value) => JSON5.stringify(value)),
);

/** A valid file in which one value, at any depth, is something else. */
const damaged = fc
  .tuple(fc.constantFrom(...VALID), fc.nat(), fc.oneof(fc.jsonValue(), fc.constant(reference("SECRET"))))
  .map(([file, position, value]) => {
    const places = placesIn(file);
    return JSON.stringify(replaced(file, places[position % places.length] ?? [], value));
  });

test("whatever the files hold, loading returns or throws a ConfigError that shows no secret", () => {
  const path = frontDoorWith({ more: { "gateway.json5": GATEWAY } });
  const load = [
    () => loadFrontDoor(path, { SECRET }),
    () => loadGateway(join(dirname(path), "gateway.json5"), { SECRET }),
  ];
  const property = fc.property(fc.constantFrom(0, 1, 2, 3), fc.oneof(garbage, damaged), (which, text) => {
    for (const [index, name] of NAMES.entries()) {
      const content = index === which ? text : JSON.stringify(VALID[index]);
      writeFileSync(join(dirname(path), name), content);
    }
    for (const action of load) {
      try {
        action();
      } catch (error) {
        expect(error).toBeInstanceOf(ConfigError);
        expect(String(error)).not.toContain(SECRET);
      }
    }
    expect(Object.keys(Object.prototype)).toEqual([]);
  });
  fc.assert(property, { numRuns: 300 });
});

test("whatever the environment holds, loading returns or throws a ConfigError that shows no secret", () => {
  const path = frontDoorWith();
  const variable = fc.constantFrom(
    "GATEHOUSE_ENCRYPTION_KEY",
    "GATEHOUSE_PROVIDERS_OKTA_CLIENT_SECRET_FILE",
    "GATEHOUSE_PROVIDERS",
    "GATEHOUSE___PROTO__",
    "GATEHOUSE_POLICY_ACCESS",
    "GATEHOUSE_LISTEN_PORT",
    "__proto__",
  );
  const property = fc.property(fc.dictionary(variable, fc.string({ unit: "binary" })), (env) => {
    try {
      loadFrontDoor(path, env);
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigError);
    }
  });
  fc.assert(property, { numRuns: 200 });
});

type Place = readonly string[];

function placesIn(value: unknown): Place[] {
  if (typeof value !== "object" || value === null) return [[]];
  const below = Object.entries(value).flatMap(([key, entry]) =>
    placesIn(entry).map((place) => [key, ...place]),
  );
  return [[], ...below];
}

function replaced(value: unknown, place: Place, replacement: unknown): unknown {
  const [key, ...rest] = place;
  if (key === undefined) return replacement;
  const entries = Object.entries(value as object).map(([name, entry]): [string, unknown] => [
    name,
    name === key ? replaced(entry, rest, replacement) : entry,
  ]);
  return Array.isArray(value) ? entries.map(([, entry]) => entry) : Object.fromEntries(entries);
}
