// People for many WebSockets through one front door, all of one group: for what happens to all of them together.
import type { Door } from "../door/start-door.ts";
import { inTurn } from "../load/connections.ts";
import type { Address } from "../peers/peer.ts";

const SOCKETS_OF_ONE_PERSON = 100;

/** One address for each of `count` sockets, with the cookie of its person, who has signed in just now. */
export async function peopleFor(door: Door, count: number): Promise<readonly Address[]> {
  const logins = Array.from({ length: Math.ceil(count / SOCKETS_OF_ONE_PERSON) });
  const people = await inTurn(logins, () => door.signedIn());
  return people.flatMap((person) => new Array<Address>(SOCKETS_OF_ONE_PERSON).fill(person)).slice(0, count);
}
