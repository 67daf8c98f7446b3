// A disk in memory whose power can be cut: what was not synced may be lost, cut short or full of holes, and a name
// not synced may be the old one or the new one.
import type { Disk } from "../../../store/embedded/disk.ts";

type File = { onDisk: Buffer; written: Buffer };

export type SimulatedDisk = {
  readonly disk: Disk;
  /** Operations so far. */
  operations(): number;
  /** From that operation on, counted from now, nothing works. */
  cutPowerAfter(operations: number): void;
  /** Power again, with what survived. @param chance numbers from 0 to below 1 */
  restart(chance: () => number): void;
};

/** Smaller than any real one, so that one record spans several. */
const SECTOR_BYTES = 64;

export function createSimulatedDisk(): SimulatedDisk {
  let namesOnDisk = new Map<string, File>();
  let names = new Map<string, File>();
  let operations = 0;
  let cutAt = Number.POSITIVE_INFINITY;

  function step() {
    operations += 1;
    if (operations > cutAt) throw new Error("the power is cut");
  }

  function open(file: File) {
    return {
      async append(bytes: Uint8Array) {
        // Even the write at which the power is cut may reach the disk.
        if (operations <= cutAt) file.written = Buffer.concat([file.written, bytes]);
        step();
      },
      async sync() {
        step();
        file.onDisk = file.written;
      },
      async close() {},
    };
  }

  return {
    disk: {
      async read(path) {
        step();
        return names.get(path)?.written;
      },
      async create(path) {
        step();
        const file = { onDisk: Buffer.alloc(0), written: Buffer.alloc(0) };
        names.set(path, file);
        return open(file);
      },
      async rename(from, to) {
        const file = names.get(from);
        if (file === undefined) throw new Error(`there is no ${from}`);
        if (operations <= cutAt) {
          names.delete(from);
          names.set(to, file);
        }
        step();
      },
      async syncFolder() {
        step();
        namesOnDisk = new Map(names);
      },
    },
    operations: () => operations,
    cutPowerAfter(more) {
      cutAt = operations + more;
    },
    restart(chance) {
      cutAt = Number.POSITIVE_INFINITY;
      const survived = new Map<string, File>();
      for (const path of new Set([...namesOnDisk.keys(), ...names.keys()])) {
        const file = (chance() < 0.5 ? namesOnDisk : names).get(path);
        if (file !== undefined) survived.set(path, file);
      }
      for (const file of new Set(survived.values())) {
        file.written = survivorOf(file, chance);
        file.onDisk = file.written;
      }
      names = survived;
      namesOnDisk = new Map(survived);
    },
  };
}

function survivorOf({ onDisk, written }: File, chance: () => number): Buffer {
  const end = onDisk.length + Math.floor(chance() * (written.length - onDisk.length + 1));
  const survivor = Buffer.from(written.subarray(0, end));
  for (let start = onDisk.length; start < end; start += SECTOR_BYTES)
    if (chance() < 0.25) survivor.fill(0, start, Math.min(start + SECTOR_BYTES, end));
  return survivor;
}
