// Paths of Unix sockets: shorter than other paths may be, and cut without an error when they are not.
import { relative } from "node:path";

/** What `sun_path` holds on every system (macOS: 104 with the final zero). */
export const MAX_SOCKET_PATH_BYTES = 103;

/** The same place, named from the working folder where that is shorter. */
export function shortestPath(path: string): string {
  const fromHere = relative(process.cwd(), path);
  return fromHere.length < path.length ? fromHere : path;
}
