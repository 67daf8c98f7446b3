// Runs a program that times one stage, on the proxy's core, and takes what it reports.
import type { Lab } from "../lab.ts";
import { nodeProgram } from "../processes/children.ts";

/** @param Report as the program's own file says it */
export function runStage<Report>(
  { children }: Pick<Lab, "children">,
  stage: "identify" | "decide",
  ...args: readonly (string | number)[]
): Promise<Report> {
  const { process: child, lastWords } = children.start({
    on: "proxy",
    command: nodeProgram(`bench/stages/${stage}.js`, ...args),
    ipc: true,
  });
  return new Promise((resolve, reject) => {
    child.once("message", (message) => resolve(message as Report));
    child.once("close", (code) =>
      reject(new Error(`bench/stages/${stage} ended with ${code}: ${lastWords()}`)),
    );
  });
}
