// Where the embedded provider keeps sessions, codes and tokens: in memory, gone with the process.
import type { Adapter, AdapterFactory, AdapterPayload } from "oidc-provider";
import type { Clock } from "../../core/clock.ts";

type Entry = { readonly payload: AdapterPayload; readonly expiresAt: number };

export function createMemoryRecords(clock: Clock): AdapterFactory {
  const entries = new Map<string, Entry>();

  function find(key: string): AdapterPayload | undefined {
    const entry = entries.get(key);
    return entry === undefined || entry.expiresAt <= clock.now() ? undefined : entry.payload;
  }

  function dropExpired() {
    for (const [key, { expiresAt }] of entries) if (expiresAt <= clock.now()) entries.delete(key);
  }

  return (model): Adapter => {
    const prefix = `${model}:`;

    function findBy(member: "uid" | "userCode", value: string): AdapterPayload | undefined {
      for (const [key, { payload }] of entries)
        if (key.startsWith(prefix) && payload[member] === value) return find(key);
      return undefined;
    }

    return {
      async upsert(id, payload, expiresInSeconds) {
        dropExpired();
        const lifetimeMs =
          expiresInSeconds === undefined ? Number.POSITIVE_INFINITY : expiresInSeconds * 1000;
        entries.set(prefix + id, { payload, expiresAt: clock.now() + lifetimeMs });
      },
      async find(id) {
        return find(prefix + id);
      },
      async findByUid(uid) {
        return findBy("uid", uid);
      },
      async findByUserCode(userCode) {
        return findBy("userCode", userCode);
      },
      async consume(id) {
        const payload = find(prefix + id);
        if (payload !== undefined) payload.consumed = Math.floor(clock.now() / 1000);
      },
      async destroy(id) {
        entries.delete(prefix + id);
      },
      async revokeByGrantId(grantId) {
        for (const [key, { payload }] of entries)
          if (key.startsWith(prefix) && payload.grantId === grantId) entries.delete(key);
      },
    };
  };
}
