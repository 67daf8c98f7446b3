// Rendezvous hashing (Thaler and Ravishankar, 1998): each person has a home among a pool's endpoints, and
// a changed pool moves only those whose endpoint it concerns. Pure.
import { createHash } from "node:crypto";
import type { Endpoint } from "../../config/routes.ts";
import type { UserId } from "../../core/ids.ts";

export function rendezvous(user: UserId, endpoints: readonly Endpoint[]): Endpoint | undefined {
  let best: Endpoint | undefined;
  let bestWeight = "";
  for (const endpoint of endpoints) {
    const weight = createHash("sha256").update(`${user}\0${endpoint.id}`).digest("hex");
    if (weight > bestWeight) {
      best = endpoint;
      bestWeight = weight;
    }
  }
  return best;
}
