// What measurements stand on: a provider, a front door with its backend, and the peers, each started when it is first
// asked for and then kept, so that rounds can take turns. Gone when the measuring process is.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Door, type DoorOptions, startDoor } from "./door/start-door.ts";
import type { Cores } from "./machine/cores.ts";
import type { Peer, PeerName, StartedPeer } from "./peers/peer.ts";
import { startPeer } from "./peers/start-peer.ts";
import { type Children, createChildren } from "./processes/children.ts";
import { startFakeProvider } from "./revocation/fake-provider.ts";

export type Lab = {
  readonly cores: Cores | undefined;
  readonly children: Children;
  /** The front door that peers are measured beside, before the same backend. */
  door(): Promise<Door>;
  /** Another one, with a backend of its own: for what would spoil it for others. */
  newDoor(options?: Omit<DoorOptions, "folder">): Promise<Door>;
  peer(name: PeerName): Promise<StartedPeer>;
  /** All of these that can be measured here; `missing` says why the others cannot. */
  peers(names: readonly PeerName[]): Promise<LinedUp>;
  newFolder(): string;
};

export type LinedUp = {
  readonly peers: readonly Peer[];
  readonly missing: ReadonlyMap<PeerName, string>;
};

export async function openLab(cores: Cores | undefined): Promise<Lab> {
  const folder = mkdtempSync(join(tmpdir(), "gatehouse-bench-"));
  const children = createChildren(cores);
  // After the children's own listener: they are gone before their files are.
  process.once("exit", () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
  const newFolder = () => mkdtempSync(join(folder, "part-"));
  const provider = await startFakeProvider();
  const newDoor = (options: Omit<DoorOptions, "folder"> = {}) =>
    startDoor(children, provider, { ...options, folder: newFolder() });

  let sharedDoor: Promise<Door> | undefined;
  const started = new Map<PeerName, Promise<StartedPeer>>();
  function door(): Promise<Door> {
    sharedDoor ??= newDoor();
    return sharedDoor;
  }
  async function start(name: PeerName): Promise<StartedPeer> {
    // Deciding for a proxy and forwarding by itself are two roles, and no process has both: what the compiler learns
    // from one makes the other dearer by half.
    const own = name === "Gatehouse, nginx as data plane" ? newDoor() : door();
    return startPeer(name, { children, provider, newFolder, door: await own });
  }
  function peer(name: PeerName): Promise<StartedPeer> {
    const known = started.get(name) ?? start(name);
    started.set(name, known);
    return known;
  }

  return {
    cores,
    children,
    door,
    newDoor,
    peer,
    newFolder,
    async peers(names) {
      const peers: Peer[] = [];
      const missing = new Map<PeerName, string>();
      for (const name of names) {
        const one = await peer(name);
        if (one.ok) peers.push(one.value);
        else missing.set(name, one.error);
      }
      return { peers, missing };
    },
  };
}
