// Which requests are forwarded, by their path alone; everything else is a page or the door's own API.
import type { Target } from "./decide/decide.ts";
import type { ParsedRequest } from "./request/parsed-request.ts";

/** `/agents/{agent}/…` over HTTP; undefined for what is not forwarded. `…/ws` is for WebSockets only. */
export function httpTarget({ segments }: ParsedRequest): Target | undefined {
  const [head, agent, ...rest] = segments;
  if (head !== "agents" || agent === undefined || rest.length === 0) return undefined;
  return rest.length === 1 && (rest[0] === "ws" || rest[0] === "") ? undefined : { kind: "agent", agent };
}

/** `/agents/{agent}/ws`, or `/ws` for the person's first agent. */
export function upgradeTarget({ segments }: ParsedRequest): Target | undefined {
  const [head, agent, tail] = segments;
  if (head === "ws" && segments.length === 1) return { kind: "first" };
  if (head !== "agents" || agent === undefined || tail !== "ws" || segments.length !== 3) return undefined;
  return { kind: "agent", agent };
}
