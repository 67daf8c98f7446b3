// Asks what one agent's gateway would be told about me now.
import type { ErrorAnswer, ToldAnswer } from "../../core/api.ts";
import { askDoor, type DoorDeps } from "../client/ask-door.ts";

export type Told =
  | { readonly kind: "told"; readonly answer: ToldAnswer }
  | { readonly kind: "refused"; readonly message: string };

/** Never rejects. */
export async function askTold(deps: DoorDeps, agent: string): Promise<Told> {
  const answer = await askDoor(deps, "GET", `/api/me/told/${encodeURIComponent(agent)}`);
  const told = answer?.body as Partial<ToldAnswer & ErrorAnswer> | null | undefined;
  if (answer?.response.status === 200 && Array.isArray(told?.headers))
    return { kind: "told", answer: told as ToldAnswer };
  return { kind: "refused", message: told?.error?.message ?? "The front door is not answering." };
}
