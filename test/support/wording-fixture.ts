// What refusals of a front door say in the same way: whom to ask, and names as the demonstration has them.
import { BY_ID } from "../../core/denial-names.ts";
import type { Wording } from "../../proxy/refuse/refusal.ts";

const AGENTS: Readonly<Record<string, string>> = { coder: "Coder" };
const GATEWAYS: Readonly<Record<string, string>> = { cloud: "Cloud" };

export const WORDING: Wording = {
  contact: "it@example.com",
  names: { ...BY_ID, agent: (id) => AGENTS[id] ?? id, gateway: (id) => GATEWAYS[id] ?? id },
};
