// Reads the configuration files again and makes a valid, different policy the next snapshot. A broken file changes
// nothing: the running policy stays, and log, audit log, metric and status say what is wrong with the file.
import { changedKeys } from "../../config/changed-keys.ts";
import type { ConfigurationFiles, ReadPolicy } from "../../config/configuration-files.ts";
import type { FrontDoorConfig } from "../../config/front-door.ts";
import { type Audit, auditEvent } from "../../core/audit.ts";
import type { Clock } from "../../core/clock.ts";
import { ConfigError, type ConfigIssue, formatIssue } from "../../core/config-error.ts";
import type { Log } from "../../core/log.ts";
import { err, ok, type Result } from "../../core/result.ts";
import type { Store } from "../../core/store.ts";
import type { PolicyChanges } from "./policy-changes.ts";
import { type WrittenSnapshot, writeSnapshot } from "./stored-snapshot.ts";

/** What asked for it. */
export type ReloadCause = "start" | "files" | "signal" | "command";

export type PolicyState = {
  /** Number of the newest snapshot. */
  readonly snapshot: number;
  /** Milliseconds since 1970. */
  readonly since: number;
  /** Every fault of the files as they are now; then what runs is not what they say. */
  readonly faults: readonly string[];
  /** Keys of the front door's own file that differ from what runs: they take effect at the next start. */
  readonly needsRestart: readonly string[];
};

export type Reloaded = PolicyState & { readonly changed: boolean };

export type PolicyReload = {
  /** One at a time, in the order asked for. Rejects when the store does not answer. */
  reload(cause: ReloadCause): Promise<Reloaded>;
  state(): PolicyState;
};

export type PolicyReloadDeps = {
  readonly files: ConfigurationFiles;
  /** What runs. */
  readonly config: FrontDoorConfig;
  readonly store: Store;
  readonly changes: Pick<PolicyChanges, "prepare">;
  readonly audit: Audit;
  readonly clock: Clock;
  readonly log: Log;
  /** Called when files were refused. */
  readonly onFault: () => void;
};

/** @param first the snapshot in force */
export function createPolicyReload(deps: PolicyReloadDeps, first: WrittenSnapshot): PolicyReload {
  const { files, store, audit, clock, log } = deps;
  let state: PolicyState = { snapshot: first.number, since: first.at, faults: [], needsRestart: [] };
  let last: Promise<unknown> = Promise.resolve();

  async function reload(cause: ReloadCause): Promise<Reloaded> {
    const config = attempt(files.config);
    const policy = attempt(files.policy);
    // What all files together are faulted for includes the faults of these two.
    const issues = !config.ok ? config.error : !policy.ok ? policy.error : [];
    if (issues.length > 0) refuse(issues, cause);
    const needsRestart = config.ok ? changedKeys(deps.config, config.value) : state.needsRestart;
    if (needsRestart.length > 0 && needsRestart.join() !== state.needsRestart.join())
      log.warn({ keys: needsRestart }, "the front door's own file has changed: that needs a restart");
    state = { ...state, faults: issues.map(formatIssue), needsRestart };
    const changed = policy.ok && (await write(policy.value, cause));
    return { ...state, changed };
  }

  async function write({ texts, ...policy }: ReadPolicy, cause: ReloadCause): Promise<boolean> {
    const written = await writeSnapshot(store, texts, clock.now(), (number) =>
      deps.changes.prepare({ number, ...policy }),
    );
    state = { ...state, snapshot: written.number, since: written.at };
    tell(written, cause);
    return written.event !== null;
  }

  function tell({ number, event }: WrittenSnapshot, cause: ReloadCause) {
    if (event === null) return;
    log.info({ snapshot: number, cause }, "a new policy is in force");
    const reason = `policy snapshot ${number}, by ${cause}`;
    audit.record(auditEvent({ kind: "config", outcome: "allowed", reason, event }));
  }

  function refuse(issues: readonly ConfigIssue[], cause: ReloadCause) {
    deps.onFault();
    log.error({ cause, issues }, "the configuration files have faults: what runs stays");
    const places = issues.map(({ source, path }) => (path === "" ? source : `${source}: ${path}`));
    const reason = `${issues.length} faults, by ${cause}: ${places.join("; ")}`.slice(0, MAX_REASON);
    audit.record(auditEvent({ kind: "config", outcome: "denied", reason }));
  }

  tell(first, "start");
  return {
    reload(cause) {
      const next = last.then(() => reload(cause));
      last = next.catch(() => {});
      return next;
    },
    state: () => state,
  };
}

const MAX_REASON = 1_000;

function attempt<T>(read: () => T): Result<T, readonly ConfigIssue[]> {
  try {
    return ok(read());
  } catch (error) {
    if (error instanceof ConfigError) return err(error.issues);
    throw error;
  }
}
