// What administrators set going by command: a reload of the policy, a rotation of the keys.
import { z } from "zod";
import type { Store } from "../../core/store.ts";
import type { KeyRotation } from "../../token-exchange/key-rotation.ts";
import type { Keyring } from "../../token-exchange/keyring.ts";
import type { PolicyReload } from "../policy/policy-reload.ts";
import type { AdminAction } from "./admin-action.ts";
import type { KeysAnswer, ReloadAnswer } from "./answers.ts";
import { commitEvent } from "./end-access.ts";
import { keysState } from "./look.ts";

export type RunDeps = {
  readonly reload: PolicyReload;
  readonly keyring: Keyring;
  readonly keyRotation: Pick<KeyRotation, "rotate" | "replace">;
  readonly store: Pick<Store, "commit">;
};

/** Faults of the files are an answer, not a failure: what runs stays. */
export function reloadPolicy({ reload }: RunDeps): AdminAction {
  return async () => {
    const { changed, snapshot, faults, needsRestart } = await reload.reload("command");
    const answer: ReloadAnswer = { changed, snapshot, faults, needsRestart };
    return {
      status: 200,
      body: answer,
      lines: [{ reason: `policy reload: snapshot ${snapshot}, ${faults.length} faults` }],
    };
  };
}

/** `now`: in an emergency. What the old keys admitted ends too. */
export function rotateKeys({ keyring, keyRotation, store }: RunDeps): AdminAction {
  return async ({ body }) => {
    const now = z.object({ now: z.literal(true) }).safeParse(body).success;
    await (now ? keyRotation.replace() : keyRotation.rotate());
    // After the keys: whoever comes back at once is admitted by the new ones.
    const event = now ? await commitEvent(store, { kind: "keys_replaced" }) : null;
    const answer: KeysAnswer = { ...keysState(keyring), event };
    const reason = `keys rotate${now ? " --now" : ""}: key set ${answer.keySet}`;
    return { status: 200, body: answer, lines: [{ reason, event }] };
  };
}
