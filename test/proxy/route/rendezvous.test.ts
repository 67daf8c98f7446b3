import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { endpointId } from "../../../config/field-values.ts";
import { userIdOf } from "../../../core/ids.ts";
import { rendezvous } from "../../../proxy/route/rendezvous.ts";

const users = fc.string().map((subject) => userIdOf("https://login.example.com", subject));
const pools = fc
  .uniqueArray(fc.integer({ min: 0, max: 99 }), { minLength: 1, maxLength: 8 })
  .map((ids) => ids.map((id) => ({ id: endpointId.parse(`e-${id}`), url: `http://10.0.0.${id}:1` })));

describe("rendezvous hashing", () => {
  it("has no home in an empty pool", () => {
    expect(rendezvous(userIdOf("i", "s"), [])).toBeUndefined();
  });

  it("takes the endpoint of the greatest SHA-256(user NUL endpoint)", () => {
    fc.assert(
      fc.property(users, pools, (user, pool) => {
        const digest = (id: string) => createHash("sha256").update(`${user}\0${id}`).digest("hex");
        const greatest = [...pool]
          .sort((one, other) => digest(one.id).localeCompare(digest(other.id)))
          .at(-1);
        expect(rendezvous(user, pool)).toBe(greatest);
      }),
    );
  });

  it("does not depend on the order of the pool", () => {
    fc.assert(
      fc.property(users, pools, (user, pool) => {
        expect(rendezvous(user, [...pool].reverse())).toBe(rendezvous(user, pool));
      }),
    );
  });

  it("moves, when an endpoint is taken away, only those whose home it was", () => {
    fc.assert(
      fc.property(users, pools, fc.nat(), (user, pool, index) => {
        const gone = pool[index % pool.length];
        const home = rendezvous(user, pool);
        fc.pre(home !== gone);
        expect(
          rendezvous(
            user,
            pool.filter((endpoint) => endpoint !== gone),
          ),
        ).toBe(home);
      }),
    );
  });

  it("gives each of two endpoints about half of the people", () => {
    const [one, other] = ["cloud-1", "cloud-2"].map((id) => ({
      id: endpointId.parse(id),
      url: "http://10.0.0.1:1",
    }));
    if (one === undefined || other === undefined) throw new Error("two endpoints");
    const homes = Array.from({ length: 1_000 }, (_, index) =>
      rendezvous(userIdOf("i", `s${index}`), [one, other]),
    );
    const share = homes.filter((home) => home === one).length;
    expect(share).toBeGreaterThan(400);
    expect(share).toBeLessThan(600);
  });
});
